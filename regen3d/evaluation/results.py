"""What an evaluation hands from scoring to writing: one value a scene, no orchestrator, no file format."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from regen3d.metrics.protocols.base import ObjectResult

SceneStatus = Literal["scored", "missing", "failed"]
"""`scored`: it has values; `missing`: there was nothing to score; `failed`: making or scoring it broke."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneResult:
    """One scene of a data set and how well it was reconstructed.

    A scene without result is a result too: tables count it, and `reason` says why.
    """

    scene: str
    """Name of the scene, unique in the data set."""
    status: SceneStatus
    """Whether there are values."""
    reason: str | None = None
    """Why it was not scored, one sentence; None where it was."""
    values: dict[str, float] = field(default_factory=dict)
    """Numbers of the whole scene by the keys of `regen3d.evaluation.columns`, or by keys of their own. A metric
    that has no answer here is left out: no NaN, no infinity."""
    objects: tuple[ObjectResult, ...] = ()
    """One for each true object, matched or not."""
    pictures: dict[str, Path] = field(default_factory=dict)
    """Files that a report shows (PNG or JPEG), by what they show: `photo`, `overlay`, `dollhouse`."""
    notes: tuple[str, ...] = ()
    """Sentences for the report."""
