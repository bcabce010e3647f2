"""What the alignment benchmark says: one row an object, then the figures by where objects stand."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.tables import number, table


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseScore:
    """One object's pose against the truth."""

    scene: str
    """Name of the scene."""
    object: str
    """Name of the object."""
    support: str
    """True support: `floor`, `wall`, or the name of the object below."""
    found_support: str
    """What the engine took for it."""
    visible_fraction: float
    """Share of the object's pixels that nothing hides."""
    truncated: bool
    """Whether the picture's border cuts it."""
    thin: bool
    """Whether a side of it is under 8 cm."""
    box_iou: float
    """Of the boxes, each oriented by its own yaw; ours is that of the mesh as given, in the proportions found."""
    true_mesh_box_iou: float
    """The same with the true mesh in the pose found: what under stress is the pose's own error."""
    yaw_error_deg: float | None
    """Modulo the object's symmetry; None where every yaw looks the same."""
    base_error_m: float
    """Between the middles of the boxes' lower sides."""
    centre_error_m: float
    """Between the middles of the boxes."""
    tilt_deg: float
    """Between the object's up and the world's."""
    contact_gap_m: float
    """Of the object's base and what it stands on, as settled."""
    mask_iou: float
    """Of the rendered mesh and the visible mask."""
    point_residual_m: float | None
    """Median distance of its points from the mesh, where they have their own distance."""
    margin: float
    """Lead over the runner-up."""
    confidence: float | None
    """Calibrated, where there is one."""
    world_from_object: list[list[float]]
    """The pose, in the world of truth.json."""
    proportions: tuple[float, float, float]
    """Factors along the mesh's own axes, before the pose."""


Baseline = Mapping[tuple[str, str], float]
"""Box IoU of another method, by scene and object."""


def object_table(scores: Sequence[PoseScore], baseline: Baseline) -> str:
    """One row an object."""
    headings = ("scene / object", "stands on", "visible", "cut", "box IoU", "released", "yaw off", "base off", "centre")
    headings += ("gap", "mask IoU", "margin", "sure")
    return table("Objects", headings, [_object_row(score, baseline) for score in scores])


def _object_row(score: PoseScore, baseline: Baseline) -> tuple[str, ...]:
    taken = "" if score.found_support == score.support else f" (taken for {score.found_support})"
    return (
        f"{score.scene} / {score.object}",
        score.support + taken,
        f"{score.visible_fraction:.2f}",
        "cut" if score.truncated else "",
        f"{score.box_iou:.2f}",
        number(baseline.get((score.scene, score.object)), ".2f"),
        number(score.yaw_error_deg, ".1f"),
        f"{100.0 * score.base_error_m:.1f} cm",
        f"{100.0 * score.centre_error_m:.1f} cm",
        f"{1000.0 * score.contact_gap_m:.1f} mm",
        f"{score.mask_iou:.2f}",
        f"{score.margin:.2f}",
        number(score.confidence, ".2f"),
    )


def summary_table(scores: Sequence[PoseScore], baseline: Baseline) -> str:
    """One row a group of objects; those with a side under 8 cm apart."""
    groups: dict[str, Callable[[PoseScore], bool]] = {
        "floor, visible >= 0.4, not cut": lambda s: (
            s.support == "floor" and s.visible_fraction >= 0.4 and not s.truncated and not s.thin
        ),
        "floor, the others": lambda s: (
            s.support == "floor" and (s.visible_fraction < 0.4 or s.truncated) and not s.thin
        ),
        "on furniture": lambda s: s.support not in ("floor", "wall") and not s.thin,
        "on walls": lambda s: s.support == "wall" and not s.thin,
        "a side under 8 cm": lambda s: s.thin,
        "on walls, a side under 8 cm": lambda s: s.support == "wall" and s.thin,
        "all": lambda s: True,
    }
    headings = (
        "objects",
        "n",
        "box IoU",
        "median",
        "true mesh",
        "released",
        "ours there",
        "base off",
        "centre off",
        "tilt",
        "yaw < 15",
    )
    headings += ("yaw < 5", "gap")
    rows = [_summary_row(name, [s for s in scores if belongs(s)], baseline) for name, belongs in groups.items()]
    return table(
        "Means and medians (true mesh: in the poses found; released: where measured; boxes of "
        "round things are turned to the true yaw, since every turn of them is the same pose)",
        headings,
        rows,
    )


def _summary_row(name: str, scores: Sequence[PoseScore], baseline: Baseline) -> tuple[str, ...]:
    if not scores:
        return (name, "0", *["-"] * 11)
    yaws = [score.yaw_error_deg for score in scores if score.yaw_error_deg is not None]
    known = [score for score in scores if (score.scene, score.object) in baseline]
    return (
        name,
        str(len(scores)),
        f"{statistics.mean(score.box_iou for score in scores):.3f}",
        f"{statistics.median(score.box_iou for score in scores):.3f}",
        f"{statistics.mean(score.true_mesh_box_iou for score in scores):.3f}",
        f"{statistics.mean(baseline[s.scene, s.object] for s in known):.2f}" if known else "-",
        f"{statistics.mean(s.box_iou for s in known):.2f}" if known else "-",
        f"{100.0 * statistics.median(score.base_error_m for score in scores):.1f} cm",
        f"{100.0 * statistics.median(score.centre_error_m for score in scores):.1f} cm",
        f"{max(score.tilt_deg for score in scores):.1f} deg",
        f"{100.0 * statistics.mean(yaw < 15.0 for yaw in yaws):.0f} %" if yaws else "-",
        f"{100.0 * statistics.mean(yaw < 5.0 for yaw in yaws):.0f} %" if yaws else "-",
        f"{1000.0 * max(abs(score.contact_gap_m) for score in scores):.1f} mm",
    )
