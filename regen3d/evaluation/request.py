"""What an evaluation is asked to do: which scenes, which stages by truth, which parts left out."""

from dataclasses import dataclass, field
from pathlib import PurePath

from pydantic import BaseModel, ConfigDict, Field

from regen3d.align.settings import AlignSettings
from regen3d.errors import ConfigError
from regen3d.evaluation.predictions import Frame

ORACLES = ("masks", "camera", "geometry", "meshes", "plate")
"""What the truth can stand in for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A way of running the pipeline that is compared with others."""

    name: str
    """As tables have it."""
    summary: str
    """What ran in place of what, for people."""
    align: AlignSettings = field(default_factory=AlignSettings)
    """Which alignment."""
    overrides: dict[str, str] = field(default_factory=dict)
    """Stage -> adapter, before the profile."""


PAPER_WIDTH_PX, PAPER_STEPS = 256, 100
"""Of the published alignment in ablations: at its own settings a room takes hours."""

BASELINE = Variant(name="baseline", summary="everything as a run has it")
"""What the others are compared with."""

ABLATIONS = {
    "completion": Variant(
        name="without completion",
        summary="the visible part of each object alone, nothing completed",
        overrides={"complete": "visible"},
    ),
    "planar": Variant(
        name="without planar model",
        summary="five numbers a pose (translation, yaw, scale) for every object, none bound to its support",
        align=AlignSettings(pose="free"),
    ),
    "search": Variant(
        name="without search",
        summary="one start from the fitted box for every object",
        align=AlignSettings(starts="single"),
    ),
    "support": Variant(
        name="paper's support",
        summary="on the floor where the object's mask meets the floor's, else free",
        align=AlignSettings(support="paper"),
    ),
    "paper": Variant(
        name="paper's preset",
        summary=(
            "the published losses, weights and optimiser, without the coding faults of the release, "
            f"at {PAPER_WIDTH_PX} px and {PAPER_STEPS} steps (published: 1024 px and 300)"
        ),
        align=AlignSettings(preset="paper", paper_width_px=PAPER_WIDTH_PX, paper_steps=PAPER_STEPS),
    ),
    "paper-released": Variant(
        name="paper as released",
        summary=(
            "the published alignment with the coding faults of the release, "
            f"at {PAPER_WIDTH_PX} px and {PAPER_STEPS} steps (published: 1024 px and 300)"
        ),
        align=AlignSettings(preset="paper-released", paper_width_px=PAPER_WIDTH_PX, paper_steps=PAPER_STEPS),
    ),
}
"""What can be left out or put back, by the name that `--ablate` takes."""


class EvaluationRequest(BaseModel):
    """A data set to run and score."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = Field(description="Folder of scenes with truth.")
    out: str = Field(description="Folder for results, scenes and their stores.")
    scenes: tuple[str, ...] = Field(default=(), description="Which; empty: all.")
    profile: str = Field(default="embedded", description="Chooses one adapter for every stage.")
    overrides: dict[str, str] = Field(default_factory=dict, description="Stage -> adapter, before the profile.")
    allow_noncommercial: bool = Field(default=False, description="Whether models may run that forbid commercial use.")
    territory: str | None = Field(default=None, description="Country of the results' use, for licences that ask.")
    seed: int = Field(default=0, ge=0, description="For every random choice.")
    oracle: tuple[str, ...] = Field(default=(), description="What the truth stands in for.")
    ablate: tuple[str, ...] = Field(default=(), description="What is run once more without.")
    protocols: tuple[str, ...] = Field(default=("canonical",), description="To score by; the first pairs objects.")
    predictions: str | None = Field(default=None, description="Folder of another system's scenes, scored instead.")
    frame: Frame = Field(default="camera-opencv", description="Their frame.")

    @property
    def title(self) -> str:
        """Of the results, for people."""
        name = PurePath(self.dataset).name
        given = f", {', '.join(self.oracle)} from the truth" if self.oracle else ""
        return f"{name}: {self.predictions or f'profile {self.profile}'}{given}"

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The baseline and one variant for each ablation, or the one that is predicted elsewhere."""
        if self.predictions is not None:
            return (Variant(name=PurePath(self.predictions).name, summary="scenes that another system made"),)
        return (BASELINE, *(ABLATIONS[name] for name in self.ablate))


def check_names(kind: str, given: tuple[str, ...], known: tuple[str, ...]) -> None:
    """Make sure that all names of an option are known, and none is there twice.

    Raises:
        ConfigError: one is not.
    """
    for name in given:
        if name not in known:
            raise ConfigError(f"{kind} knows no '{name}': choose from {', '.join(known)}")
    if len(set(given)) < len(given):
        raise ConfigError(f"{kind} names something twice: {', '.join(given)}")
