"""How many objects of the scenes with truth the embedded segmenter finds, how well it cuts them out, and at what cost.

Run: python -m benchmarks.segmentation --data "$REGEN3D_DATA/scenes" [--scenes a,b] [--looks plain,mirrored]
     [--objects] [--overlays DIR] [--photos FILE,FILE] [--json FILE]

Every scene is also looked at in other guises (cropped, rolled, smaller, larger, mirrored), so that nothing is tuned to
one look. Rugs and pictures are counted apart: they belong to the texture of the room. A photograph has no truth: its
overlay is for a person's eye.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float
from PIL import Image

from benchmarks.memory import peak_rss_mb
from benchmarks.tables import number, table
from benchmarks.truth import LEAST_PIXELS, TrueObject, Truth, load_truth, scene_folders
from models.base import Segmenter, SegmentRequest
from models.segmentation.embedded import EmbeddedSegmenter
from models.segmentation.vocabulary import EVERYTHING, FLAT, look_up
from regen3d.export.overlay import mask_sheet
from regen3d.metrics.masks import match_masks
from regen3d.types import Instance, Mask, Rgb

FOUND_IOU = 0.5
"""Mask IoU from which an object counts as found, as in the COCO protocol."""
LARGE = 0.01
"""Part of the picture from which an object has to be found; a smaller one may be."""
ROLL_DEG = 5.0
"""By how much the camera is rolled in that guise."""


Warp = tuple[Float[np.ndarray, "2 3"], tuple[int, int]]
"""Affine map from a scene's pixels to a guise's (pixel centres at whole numbers), and the guise's (width, height)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectScore:
    """One true object and what was found of it."""

    name: str
    """The true object."""
    label: str
    """What it is."""
    share: float
    """Part of the picture that it covers."""
    flat: bool
    """Whether it is a rug or a picture."""
    iou: float
    """Of its mask with the one that was found; 0 for none."""
    found_as: str | None
    """Label of what was found."""
    named: bool | None
    """Whether that label is right; None for what has no word in the vocabulary, or was not found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookScore:
    """One scene in one guise."""

    scene: str
    """Name of the scene."""
    look: str
    """Name of the guise."""
    objects: tuple[ObjectScore, ...]
    """The true objects."""
    surplus: tuple[str, ...]
    """Names of instances that are no true object, rugs and pictures left out."""
    flat_surplus: tuple[str, ...]
    """Rugs and pictures that are none."""
    seconds: float
    """CPU time, all threads."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Segment all scenes in all guises and print the tables."""
    options = _options(arguments)
    segmenter = EmbeddedSegmenter()
    segmenter.load()
    overlays = Path(options.overlays) if options.overlays else None
    scores = []
    for folder in scene_folders(Path(options.data), options.scenes):
        truth = load_truth(folder)
        scores += [score_look(segmenter, truth, look, overlays) for look in options.looks]
    for photo in options.photos.split(",") if options.photos else ():
        image = np.array(Image.open(photo).convert("RGB"))
        found = segmenter.segment([SegmentRequest(image=image, labels=EVERYTHING)])[0].instances
        _draw(Path(options.overlays) / f"{Path(photo).stem}.png", image, found)
    print(look_table(scores))
    if options.objects:
        print(object_table(scores))
    print(f"\nPeak memory: {peak_rss_mb():.0f} MB")
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(score) for score in scores], indent=2), encoding="utf-8")
    return 0


def score_look(segmenter: Segmenter, truth: Truth, look: str, overlays: Path | None) -> LookScore:
    """Segment a scene in one guise and hold it against the truth."""
    image = np.array(Image.open(truth.folder / "image.png").convert("RGB"))
    matrix, wh = LOOKS[look]((image.shape[1], image.shape[0]))
    seen = _warped(image, matrix, wh)
    started = time.process_time()
    found = segmenter.segment([SegmentRequest(image=seen, labels=EVERYTHING)])[0].instances
    seconds = time.process_time() - started
    if overlays is not None:
        _draw(overlays / f"{truth.name}-{look}.png", seen, found)
    least = LEAST_PIXELS * wh[0] * wh[1] / (image.shape[0] * image.shape[1])
    true = [
        (item, mask)
        for item in truth.objects
        if (mask := _warped(item.mask.astype(np.uint8), matrix, wh) > 0).sum() >= least
    ]
    parts = [_score_kind(found, true, flat) for flat in (False, True)]
    return LookScore(
        scene=truth.name,
        look=look,
        objects=tuple(score for scores, _ in parts for score in scores),
        surplus=parts[0][1],
        flat_surplus=parts[1][1],
        seconds=seconds,
    )


def _score_kind(
    found: Sequence[Instance], true: Sequence[tuple[TrueObject, Mask]], flat: bool
) -> tuple[list[ObjectScore], tuple[str, ...]]:
    """The true objects that are flat, or that are not, and the names of the instances that are none of them."""
    found = [item for item in found if (item.label in FLAT) == flat]
    true = [(item, mask) for item, mask in true if (item.label in FLAT) == flat]
    matches = match_masks([item.mask for item in found], [mask for _, mask in true], least_iou=FOUND_IOU)
    by_true = {match.true: match for match in matches}
    scores = []
    for k, (item, mask) in enumerate(true):
        match = by_true.get(k)
        label = found[match.found].label if match else None
        known = look_up(item.label)
        scores.append(
            ObjectScore(
                name=item.name,
                label=item.label,
                share=float(mask.mean()),
                flat=flat,
                iou=match.iou if match else 0.0,
                found_as=label,
                named=None if label is None or known is None else label == known,
            )
        )
    hits = {match.found for match in matches}
    return scores, tuple(item.name for k, item in enumerate(found) if k not in hits)


def look_table(scores: Sequence[LookScore]) -> str:
    """One row a scene and guise, and one row for all scenes in each guise."""
    headings = ("scene / look", "large", "surplus", "recall", "precision", "mask IoU", "named", "small")
    headings += ("flat", "flat surplus", "CPU s")
    rows = [_row(f"{score.scene} / {score.look}", [score]) for score in scores]
    for look in dict.fromkeys(score.look for score in scores):
        rows.append(_row(f"all / {look}", [score for score in scores if score.look == look]))
    title = f"Found at mask IoU {FOUND_IOU} (large: above {LARGE:.0%} of the picture; mask IoU: median of found large)"
    return table(title, headings, rows)


def _row(name: str, scores: Sequence[LookScore]) -> tuple[str, ...]:
    solid = [item for score in scores for item in score.objects if not item.flat]
    flat = [item for score in scores for item in score.objects if item.flat]
    large, small = ([item for item in solid if (item.share > LARGE) == big] for big in (True, False))
    hits = [item for item in large if item.found_as]
    surplus = sum(len(score.surplus) for score in scores)
    true = sum(item.found_as is not None for item in solid)
    named = [item.named for item in solid if item.named is not None]
    return (
        name,
        f"{len(hits)}/{len(large)}",
        str(surplus),
        number(len(hits) / len(large) if large else None, ".2f"),
        number(true / (true + surplus) if true + surplus else None, ".2f"),
        number(statistics.median(item.iou for item in hits) if hits else None, ".2f"),
        f"{sum(named)}/{len(named)}",
        f"{sum(item.found_as is not None for item in small)}/{len(small)}",
        f"{sum(item.found_as is not None for item in flat)}/{len(flat)}",
        str(sum(len(score.flat_surplus) for score in scores)),
        f"{statistics.mean(score.seconds for score in scores):.1f}",
    )


def object_table(scores: Sequence[LookScore]) -> str:
    """One row a true object of each scene as it is, and what was found besides."""
    rows = []
    for score in scores:
        place = f"{score.scene} / {score.look}"
        for item in score.objects:
            found = item.found_as or "-"
            rows.append((f"{place} / {item.name}", f"{item.share:.1%}", item.label, found, f"{item.iou:.2f}"))
        rows.append((f"{place} / surplus", "", "", ", ".join(score.surplus + score.flat_surplus) or "-", ""))
    return table("Objects", ("object", "share", "is", "found as", "mask IoU"), rows)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.segmentation", description=str(__doc__).split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of scenes with truth")
    parser.add_argument("--scenes", help="names with commas between them; default: all")
    parser.add_argument("--looks", default=",".join(LOOKS), help="guises with commas between them; default: all")
    parser.add_argument("--overlays", help="folder for pictures of what was found")
    parser.add_argument("--photos", help="pictures without truth, with commas between them; they need --overlays")
    parser.add_argument("--objects", action="store_true", help="print every object, too")
    parser.add_argument("--json", help="file for all numbers")
    options = parser.parse_args(arguments)
    options.looks = options.looks.split(",")
    if set(options.looks) - set(LOOKS):
        parser.error(f"--looks takes {', '.join(LOOKS)}")
    if options.photos and not options.overlays:
        parser.error("--photos needs --overlays, since a photograph has no truth")
    return options


def _warped(picture: np.ndarray, matrix: Float[np.ndarray, "2 3"], wh: tuple[int, int]) -> np.ndarray:
    """A picture in another guise; a mask keeps its values."""
    shrinks = abs(np.linalg.det(matrix[:, :2])) < 0.9
    if picture.ndim == 2:
        return cv2.warpAffine(picture, matrix, wh, flags=cv2.INTER_NEAREST)
    if shrinks:
        return np.asarray(cv2.resize(picture, wh, interpolation=cv2.INTER_AREA))
    return np.asarray(cv2.warpAffine(picture, matrix, wh, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _draw(path: Path, image: Rgb, found: Sequence[Instance]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask_sheet(image, found)).save(path)


def _plain(wh: tuple[int, int]) -> Warp:
    return np.eye(3)[:2], wh


def _cropped(wh: tuple[int, int]) -> Warp:
    """A sixth off the left and an eighth off the bottom: the optical axis is no longer in the middle."""
    return np.array([[1.0, 0.0, -(wh[0] // 6)], [0.0, 1.0, 0.0]]), (wh[0] - wh[0] // 6, wh[1] - wh[1] // 8)


def _rolled(wh: tuple[int, int]) -> Warp:
    """Turned about the middle, and enlarged until the picture is full."""
    angle = np.radians(ROLL_DEG)
    scale = np.cos(angle) + np.sin(angle) * max(wh) / min(wh)
    return cv2.getRotationMatrix2D((wh[0] / 2 - 0.5, wh[1] / 2 - 0.5), ROLL_DEG, float(scale)), wh


def _scaled(factor: float) -> Callable[[tuple[int, int]], Warp]:
    def warp(wh: tuple[int, int]) -> Warp:
        shift = 0.5 * factor - 0.5  # pixel centres lie at +0.5
        return np.array([[factor, 0.0, shift], [0.0, factor, shift]]), (round(wh[0] * factor), round(wh[1] * factor))

    return warp


def _mirrored(wh: tuple[int, int]) -> Warp:
    return np.array([[-1.0, 0.0, wh[0] - 1.0], [0.0, 1.0, 0.0]]), wh


LOOKS: dict[str, Callable[[tuple[int, int]], Warp]] = {
    "plain": _plain,
    "cropped": _cropped,
    "rolled": _rolled,
    "half": _scaled(0.5),
    "larger": _scaled(1.5),
    "mirrored": _mirrored,
}
"""Name -> guise."""


if __name__ == "__main__":
    raise SystemExit(main())
