"""Reads the answer to a query: finds the card, cuts the object out, checks it, and lays it over the picture."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from regen3d.query.layout import Query
from regen3d.query.matte import matte
from regen3d.query.panel import cut, find_panel
from regen3d.query.placing import Placement, Target, place
from regen3d.query.verdict import Verdict, gains, judge_object, judge_picture
from regen3d.query.window import Window, sample
from regen3d.types import Completion, ObjectView, Rgb

REACH = {"application": 1.3, "outline": 4.0}
"""Scale that an answer may have against the question: a card is filled as it was shown, a free answer at will."""
JUDGED = 320
"""Longer side in pixels at which answers are compared: finer than an answer is exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an answer gave."""

    completion: Completion | None
    """The whole object in the picture's frame; None where the verdict refuses it."""
    verdict: Verdict
    """Why."""


def read_answer(answer: Rgb, query: Query, view: ObjectView) -> Reading:
    """The whole object as a model answered it.

    Args:
        answer: of any size and about the query's aspect ratio.
        query: what was asked.
        view: the object that was asked for.
    """
    panel = find_panel(answer, query)
    if panel is None:
        return Reading(completion=None, verdict=Verdict(reasons=("no panel",)))
    picture = cut(answer, panel, (query.panel.height, query.panel.width))
    colours, alpha = matte(picture)
    reasons = judge_picture(picture, alpha)
    if reasons:
        return Reading(completion=None, verdict=Verdict(reasons=reasons))
    shrink = min(JUDGED / max(alpha.shape), 1.0)
    hw = max(round(alpha.shape[0] * shrink), 8), max(round(alpha.shape[1] * shrink), 8)
    target = target_of(view, query.window, query.panel.width / hw[1], hw)
    small, tones = _resized(alpha, hw), _resized(colours / 255.0, hw)
    placement = place(small, tones, target, REACH[query.style])
    laid, laid_tones = _laid(small, placement, hw), _laid(tones, placement, hw)
    verdict = judge_object(laid, laid_tones, target)
    if not verdict.accepted:
        return Reading(completion=None, verdict=verdict)
    tint = gains(laid_tones, target.colours, (laid > 0.9) & target.visible)
    # From pixels of the panel as cut to pixels of the picture.
    step = query.window.step
    placed = Window(
        x=query.window.x + step / shrink * placement.dx,
        y=query.window.y + step / shrink * placement.dy,
        step=step * placement.scale,
    )
    tinted = np.clip(colours * tint, 0.0, 255.0).astype(np.uint8)
    return Reading(completion=_completion(view, tinted, alpha, placed), verdict=verdict)


def target_of(view: ObjectView, window: Window, shrink: float, hw: tuple[int, int]) -> Target:
    """What the picture knows of an object, through the window of a panel that is shown `shrink` times smaller."""
    seen = Window(x=window.x, y=window.y, step=window.step * shrink)
    mask = sample(view.instance.mask.astype(np.uint8) * 255, seen, hw) > 127
    hidden = sample((view.ignore & ~view.instance.mask).astype(np.uint8) * 255, seen, hw) > 127
    inside = sample(np.full(view.ignore.shape, 255, np.uint8), seen, hw) > 127
    return Target(visible=mask, unknown=hidden | ~inside, colours=sample(view.image, seen, hw, fill=255) / 255.0)


def _completion(view: ObjectView, colours: Rgb, alpha: Float[np.ndarray, "h w"], placed: Window) -> Completion:
    """The answer in the picture's pixels: what is seen is kept, what is hidden comes from the answer."""
    (x0, y0), hw = _crop(view, alpha > 0.5, placed)
    back = Window(x=(x0 - placed.x) / placed.step, y=(y0 - placed.y) / placed.step, step=1.0 / placed.step)
    solid = sample(np.round(alpha * 255.0).astype(np.uint8), back, hw) > 127
    picture = sample(colours, back, hw, fill=255)
    own = _window(view.instance.mask, (x0, y0), hw)
    free = ~(own | _window(view.ignore, (x0, y0), hw)) & _window(np.ones_like(view.ignore), (x0, y0), hw)
    picture[own] = _window(view.image, (x0, y0), hw)[own]
    whole = own | (solid & ~free)
    rgba = np.dstack([np.where(whole[..., None], picture, 255), np.where(whole, 255, 0)]).astype(np.uint8)
    share = float((whole & ~own).sum()) / max(float(whole.sum()), 1.0)
    notes = (f"{share:.0%} of it is hidden: that part was painted by an image model",) if share > 0.02 else ()
    return Completion(picture=rgba, origin_xy=(x0, y0), box=None, notes=notes)


def _crop(view: ObjectView, solid: Bool[np.ndarray, "h w"], placed: Window) -> tuple[tuple[int, int], tuple[int, int]]:
    """Origin (x, y) and size (h, w) of the picture's window round the answer and the visible part."""
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    x0, y0, x1, y1 = view.instance.box
    left = min(x0, int(np.floor(placed.x + placed.step * columns[0]))) - 2
    top = min(y0, int(np.floor(placed.y + placed.step * rows[0]))) - 2
    right = max(x1, int(np.ceil(placed.x + placed.step * (columns[-1] + 1)))) + 2
    bottom = max(y1, int(np.ceil(placed.y + placed.step * (rows[-1] + 1)))) + 2
    return (left, top), (bottom - top, right - left)


def _window(
    values: UInt8[np.ndarray, "h w *c"] | Bool[np.ndarray, "h w *c"], origin: tuple[int, int], hw: tuple[int, int]
) -> UInt8[np.ndarray, "oh ow *c"] | Bool[np.ndarray, "oh ow *c"]:
    """Pixels of a picture from an origin (x, y) that may lie outside; zero there."""
    (x, y), (height, width) = origin, hw
    out = np.zeros((height, width, *values.shape[2:]), dtype=values.dtype)
    rows = slice(max(y, 0), min(y + height, values.shape[0]))
    columns = slice(max(x, 0), min(x + width, values.shape[1]))
    out[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x] = values[rows, columns]
    return out


def _resized(values: np.ndarray, hw: tuple[int, int]) -> np.ndarray:
    return np.asarray(cv2.resize(values, hw[::-1], interpolation=cv2.INTER_AREA))


def _laid(values: np.ndarray, placement: Placement, hw: tuple[int, int]) -> np.ndarray:
    """An answer's values in the target's pixels."""
    half = 0.5 * (placement.scale - 1.0)
    at = np.array([[placement.scale, 0.0, placement.dx + half], [0.0, placement.scale, placement.dy + half]])
    return np.asarray(cv2.warpAffine(values, at, hw[::-1], flags=cv2.INTER_LINEAR))
