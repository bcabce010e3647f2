"""What a key of a result means for a reader: its title, how many digits it deserves, and which way is better."""

import re
from dataclasses import dataclass
from typing import Literal

Better = Literal["higher", "lower", "neither"]
"""Which of two values is the better one."""

HEADLINE = (
    "objects_missing",
    "objects_extra",
    "f_score_10cm",
    "f_score_5cm",
    "chamfer_m",
    "box_iou",
    "object_oriented_box_iou",
    "aligned_f_score_5cm",
    "object_aligned_oriented_box_iou",
    "recall",
    "focal_error",
    "gravity_error_deg",
    "plate_psnr_db",
    "stable_share",
)
"""Of a scene, in this order, where they were measured."""

OBJECT_HEADLINE = (
    "mask_iou",
    "oriented_box_iou",
    "box_iou",
    "f_score_5cm",
    "chamfer_m",
    "centre_error_m",
    "rotation_error_deg",
    "size_ratio",
    "aligned_oriented_box_iou",
)
"""Of an object."""

FEWEST = 4
"""Results with fewer headline values than this, as of a published protocol alone, show all they have instead."""

_SHARE = r"iou|f_score|precision|recall|accuracy|watertight|stable|ssim|_ap|^ap|boundary_f"
# The first pattern that is found in a key decides: better, whether failing is a zero, digits after the point.
_RULES: tuple[tuple[str, Better, bool, int], ...] = (
    (r"objects_(missing|extra)|surplus|penetrating_pairs", "lower", False, 1),
    (r"objects_(true|predicted)|truncated", "neither", False, 1),
    (r"ratio$|scale$|visible_fraction|confidence|seconds|triangles", "neither", False, 3),
    (r"part_overlap_iou", "lower", False, 3),
    (_SHARE, "higher", True, 3),
    (r"psnr", "higher", False, 1),
    (r"texels", "higher", False, 0),
    (r"_deg$", "lower", False, 1),
    (r"_squared|_m2$", "lower", False, 4),
    (r"litres", "lower", False, 2),
    (r"chamfer|hausdorff|error|_m$|lpips|gap|share|edges|faces|overlap", "lower", False, 3),
)
_UNITS = {"_m2": "m²", "_m": "m", "_deg": "°", "_db": "dB", "_litres": "l"}
_ACRONYMS = {"iou": "IoU", "ap": "AP", "uv": "UV", "psnr": "PSNR", "ssim": "SSIM", "lpips": "LPIPS", "f": "F"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One kind of number."""

    key: str
    """As results have it."""
    title: str
    """For people, with the unit."""
    better: Better
    """Which way is better."""
    zero_is_worst: bool
    """Whether a scene that failed has a value after all: zero."""
    digits: int
    """After the point."""

    def text(self, value: float | None) -> str:
        """A value as tables show it; a dash for none."""
        return "-" if value is None else f"{value:.{self.digits}f}"


def column(key: str) -> Column:
    """What is known of a key; of one that is not, only its name."""
    better, zero_is_worst, digits = _rule(key)
    return Column(key=key, title=_title(key), better=better, zero_is_worst=zero_is_worst, digits=digits)


def _rule(key: str) -> tuple[Better, bool, int]:
    for pattern, better, zero_is_worst, digits in _RULES:
        if re.search(pattern, key):
            return better, zero_is_worst, digits
    return "neither", False, 3


def headline(keys: list[str], wanted: tuple[str, ...]) -> list[str]:
    """Those of the keys that a table has room for, in the order wanted; all where hardly any is wanted."""
    chosen = [key for key in wanted if key in keys]
    return chosen if len(chosen) >= min(FEWEST, len(keys)) else keys


def _title(key: str) -> str:
    unit = next((unit for ending, unit in _UNITS.items() if key.endswith(ending)), None)
    ending = next((ending for ending in _UNITS if key.endswith(ending)), "")
    name = key.removesuffix(ending).replace("pct", " %").replace("f_score", "F-score")
    words = re.sub(r"(\d+)cm", r"\1 cm", name).split("_")
    text = " ".join(_ACRONYMS.get(word, word) for word in words)
    return f"{text[:1].upper()}{text[1:]}{f', {unit}' if unit else ''}"
