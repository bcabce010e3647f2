"""Many scenes in few numbers: means and medians with the bands in which they can be trusted.

Scenes that were not scored are counted, never dropped in silence: each mean says over how many scenes it runs, and
where the worst value is zero there is a second mean in which they count as zeros.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from regen3d.evaluation.columns import column
from regen3d.evaluation.results import SceneResult
from regen3d.metrics.bootstrap import Band, bootstrap
from regen3d.metrics.protocols.base import ObjectResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All scenes, made in one way."""

    name: str
    """Unique among the runs that are compared; a row of the comparison."""
    description: str
    """What ran, one sentence."""
    scenes: tuple[SceneResult, ...]
    """One for each scene that was asked for, whatever became of it."""

    @property
    def scored(self) -> tuple[SceneResult, ...]:
        """Scenes that have values."""
        return tuple(scene for scene in self.scenes if scene.status == "scored")

    @property
    def objects(self) -> tuple[ObjectResult, ...]:
        """True objects of the scenes that have values, and of those that another system did not make."""
        return tuple(item for scene in self.scenes for item in scene.objects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One kind of number over scenes or objects."""

    mean: Band
    """With its 95 % bootstrap band."""
    median: Band
    """With its 95 % bootstrap band."""
    mean_with_failed: float | None
    """Mean with zeros for scenes that were not scored; None where zero is not the worst, or nothing failed."""


def summarise(rows: Sequence[Mapping[str, float]], failed: int = 0, seed: int = 0) -> dict[str, Summary]:
    """Mean and median of every key that occurs, in the order in which keys first occur.

    Bands take rows as independent of each other. Objects of one scene are not, so that their bands are too narrow;
    those of scenes are right.

    Args:
        rows: values of scenes or objects; values that are not finite count as absent.
        failed: scenes without values, for `mean_with_failed`.
        seed: of the resampling.
    """
    summaries = {}
    for key in dict.fromkeys(key for row in rows for key in row):
        values = np.array([row[key] for row in rows if key in row and math.isfinite(row[key])], dtype=np.float64)
        if len(values) == 0:
            continue
        with_failed = float(values.sum() / (len(values) + failed)) if failed and column(key).zero_is_worst else None
        summaries[key] = Summary(
            mean=bootstrap(values, "mean", seed=seed),
            median=bootstrap(values, "median", seed=seed),
            mean_with_failed=with_failed,
        )
    return summaries


def scene_summary(run: Run) -> dict[str, Summary]:
    """Over the scenes of a run."""
    return summarise([scene.values for scene in run.scored], failed=len(run.scenes) - len(run.scored))


def object_summary(run: Run) -> dict[str, Summary]:
    """Over the true objects of all scenes of a run."""
    return summarise([item.values for item in run.objects])


def run_counts(run: Run) -> dict[str, int]:
    """How many scenes and objects there are, and what became of them."""
    by_status = {
        status: sum(scene.status == status for scene in run.scenes) for status in ("scored", "missing", "failed")
    }
    matched = sum(item.matched is not None for item in run.objects)
    return {"scenes": len(run.scenes), **by_status, "objects": len(run.objects), "objects_matched": matched}


def counts_sentence(run: Run) -> str:
    """What was scored and what was not, in words."""
    counts = run_counts(run)
    scenes = f"{counts['scored']} of {counts['scenes']} scenes scored, {counts['missing']} missing"
    objects = f"{counts['objects_matched']} of {counts['objects']} objects matched"
    return f"{scenes}, {counts['failed']} failed; {objects}."
