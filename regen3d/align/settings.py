"""How alignment is done: which algorithm, with which parts switched off."""

from dataclasses import dataclass
from typing import Literal

Preset = Literal["default", "paper", "paper-released"]
"""`default` is ours; `paper` is the published algorithm without its coding faults; `paper-released` has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignSettings:
    """What a studio or an ablation may change; the defaults are what a run uses."""

    preset: Preset = "default"
    """The algorithm."""
    pose: Literal["planar", "free"] = "planar"
    """`planar`: four numbers on the support plane where there is one; `free`: five numbers for every object."""
    starts: Literal["search", "single"] = "search"
    """`search`: many yaws and scales; `single`: one start from the fitted box, as published."""
    proportions: Literal["fitted", "kept"] = "fitted"
    """`fitted`: meshes are scaled along their own axes where the picture shows other proportions; `kept`: never."""
    support: Literal["inferred", "paper"] = "inferred"
    """`inferred`: the support forest; `paper`: on the floor where the object's box touches the floor's, else free."""
    renderer: Literal["torch", "pytorch3d"] = "torch"
    """Which differentiable silhouettes refinement uses."""
    device: str = "cpu"
    """Where torch works: `cpu`, `cuda`, `cuda:1`."""
    paper_width_px: int = 1024
    """Width of the pictures that the published presets compare; smaller than published is told in the notes."""
    paper_steps: int = 300
    """Steps of the published presets' descent, at most; fewer than published are told in the notes."""
    memory_mb: int | None = None
    """Working memory that batched rendering keeps within, megabytes; where it is not set 512 on a CPU, and on a GPU a
    quarter of its free memory, 512 to 8000."""
