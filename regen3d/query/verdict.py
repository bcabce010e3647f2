"""Is an answer the object that was asked for? A verdict with reasons."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from regen3d.query.matte import ground_colour
from regen3d.query.placing import Target
from regen3d.types import Rgb

Reason = Literal[
    "no panel", "not white", "empty", "whole scene", "cut off", "part missing", "beyond its place", "other colours"
]
"""Why an answer is refused."""

SENTENCES: dict[Reason, str] = {
    "no panel": "the card is not where it was asked for",
    "not white": "the ground is not white",
    "empty": "nothing is drawn",
    "whole scene": "the answer is filled to its borders, as the scene is",
    "cut off": "the object is cut off at the border",
    "part missing": "it does not cover what the picture shows of the object",
    "beyond its place": "it reaches where the picture shows that the object is not",
    "other colours": "its colours are not those of the picture",
}
"""The reasons for people."""

WHITE = 232.0
"""Least channel of a ground that counts as white: models paint 245 to 255, and a soft shade at times."""
LEAST, MOST = 0.004, 0.85
"""Share of the panel that an object takes."""
AT_BORDER = 0.03
"""Share of the panel's border that a whole object may touch."""
COVERED = 0.8
"""Share of the visible part that must be covered: thin legs are lost at the working size, but half an object that was
blown up must not pass."""
SPILT = 0.3
"""Share of the answer that may lie where the picture shows something farther away: masks are not exact."""
COLOUR = 0.3
"""Median RGB distance (of 1) after the mean brightness was matched; black and white lie 1.7 apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found out about an answer."""

    reasons: tuple[Reason, ...]
    """Why it is refused; empty: it is accepted."""
    covered: float = 0.0
    """Share of the visible part that it covers, 0..1."""
    spilt: float = 0.0
    """Share of it that lies where the object cannot be, 0..1."""
    colour: float = 0.0
    """Median RGB distance on the visible part, 0..1.7."""

    @property
    def accepted(self) -> bool:
        """Whether the answer can be used."""
        return not self.reasons

    @property
    def sentence(self) -> str:
        """The reasons in words."""
        return "; ".join(SENTENCES[reason] for reason in self.reasons) or "accepted"


def judge_picture(picture: Rgb, alpha: Float[np.ndarray, "h w"]) -> tuple[Reason, ...]:
    """What can be said of an answer by itself: white ground, one whole object on it.

    Args:
        picture: the inside of the panel.
        alpha: its matte, 0..1.
    """
    share = float((alpha > 0.5).mean())
    if share > MOST:
        return ("whole scene",)
    reasons: list[Reason] = []
    border = np.concatenate([alpha[1], alpha[-2], alpha[:, 1], alpha[:, -2]]) > 0.5
    if ground_colour(picture).min() < WHITE:
        reasons.append("not white")
    if share < LEAST:
        reasons.append("empty")
    if border.mean() > AT_BORDER:
        reasons.append("cut off")
    return tuple(reasons)


def judge_object(alpha: Float[np.ndarray, "h w"], colours: Float[np.ndarray, "h w 3"], target: Target) -> Verdict:
    """Whether an answer that was laid over the picture is the same object.

    Args:
        alpha: of the answer in the target's pixels, 0..1.
        colours: of the answer in the target's pixels, 0..1.
        target: what the picture knows.
    """
    solid = alpha > 0.5
    both = solid & target.visible
    covered = float(both.sum()) / max(float(target.visible.sum()), 1.0)
    spilt = float((solid & ~target.visible & ~target.unknown).sum()) / max(float(solid.sum()), 1.0)
    colour = _distance(colours, target.colours, both) if both.any() else float(np.sqrt(3.0))
    reasons: list[Reason] = []
    if covered < COVERED:
        reasons.append("part missing")
    if spilt > SPILT:
        reasons.append("beyond its place")
    if colour > COLOUR:
        reasons.append("other colours")
    return Verdict(reasons=tuple(reasons), covered=covered, spilt=spilt, colour=colour)


def gains(
    colours: Float[np.ndarray, "h w 3"], true: Float[np.ndarray, "h w 3"], where: Bool[np.ndarray, "h w"]
) -> Float[np.ndarray, " 3"]:
    """Factors by which an answer's colours come nearest to the picture's, within 0.7..1.4 a channel."""
    if not where.any():
        return np.ones(3)
    ratio = (np.median(true[where], axis=0) + 0.02) / (np.median(colours[where], axis=0) + 0.02)
    return np.clip(ratio, 0.7, 1.4)


def _distance(
    colours: Float[np.ndarray, "h w 3"], true: Float[np.ndarray, "h w 3"], where: Bool[np.ndarray, "h w"]
) -> float:
    brightness = float(np.clip((true[where].mean() + 0.02) / (colours[where].mean() + 0.02), 0.7, 1.4))
    return float(np.median(np.linalg.norm(brightness * colours[where] - true[where], axis=1)))
