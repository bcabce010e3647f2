"""What a run is asked to do: stages, profiles, and the request for one scene."""

import os
from pathlib import PurePath
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from regen3d.align.settings import AlignSettings
from regen3d.errors import ConfigError
from regen3d.export.settings import ExportSettings

MODEL_STAGES = ("segment", "plate", "geometry", "complete", "generate")
"""Stages that a model runs, in order."""

STAGES = (
    "segment",
    "plate",
    "geometry",
    "room",
    "isolate",
    "complete",
    "generate",
    "align",
    "walls",
    "assemble",
    "export",
    "report",
)
"""Every stage, in order."""

OBJECT_STAGES = ("complete", "generate", "align")
"""Stages that run once an object."""

PROFILES: dict[str, dict[str, str]] = {
    "embedded": dict.fromkeys(MODEL_STAGES, "embedded"),
    "studio": {
        "segment": "grounded-sam",
        "plate": "gemini",
        "geometry": "vggt+moge",
        "complete": "gemini",
        "generate": "hunyuan3d",
    },
    "studio-local": {
        "segment": "grounded-sam",
        "plate": "diffusion",
        "geometry": "moge",
        "complete": "diffusion",
        "generate": "hunyuan3d",
    },
}
"""Profile -> stage -> adapter. `studio` is the published method with today's parts; with `studio-local` no picture
leaves the machine, and every model allows commercial use."""


class Execution(BaseModel):
    """Where heavy calls run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["local", "ray", "ray-tasks"] = Field(
        default="local", description="This process, warm workers of Ray, or each task run a task of Ray."
    )
    address: str | None = Field(default=None, description="Ray cluster; null starts one on this machine.")

    @property
    def here(self) -> "Execution":
        """The same with the cluster that this machine's `REGEN3D_RAY_ADDRESS` names, where none is given."""
        if self.name == "local" or self.address is not None:
            return self
        return self.model_copy(update={"address": os.environ.get("REGEN3D_RAY_ADDRESS") or None})


class SceneRequest(BaseModel):
    """One picture to turn into a scene, with everything the user decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str = Field(description="Path of the picture.")
    out: str = Field(description="Folder that the scene is written to.")
    store: str | None = Field(default=None, description="URI of the store; default: `store` in the folder `out`.")
    profile: str = Field(default="embedded", description="Chooses one adapter for every stage.")
    overrides: dict[str, str] = Field(default_factory=dict, description="Stage -> adapter, before the profile.")
    options: dict[str, dict[str, str]] = Field(default_factory=dict, description="Stage -> option of its adapter.")
    allow_noncommercial: bool = Field(default=False, description="Whether models may run that forbid commercial use.")
    territory: str | None = Field(default=None, description="Country of the results' use, for licences that ask.")
    seed: int = Field(default=0, ge=0, description="For every random choice.")
    labels: tuple[str, ...] = Field(default=(), description="What to look for; empty: the model's vocabulary.")
    boxes: str | None = Field(default=None, description="JSON file of boxes.")
    masks: str | None = Field(default=None, description="Folder of masks.")
    camera: str | None = Field(default=None, description="JSON file of the camera.")
    plate: str | None = Field(default=None, description="Picture of the empty room.")
    points: str | None = Field(default=None, description="NPZ file of point maps.")
    scale: str | None = Field(default=None, description="A length that is known: NAME:DIMENSION=METRES.")
    meshes: dict[str, str] = Field(default_factory=dict, description="Object name -> GLB file.")
    align: AlignSettings = Field(default_factory=AlignSettings, description="Which alignment.")
    pause_after: Literal["segment"] | None = Field(default=None, description="Stage after which a person is asked.")
    export: ExportSettings = Field(default_factory=ExportSettings, description="Which files are written.")
    execution: Literal["local", "ray", "ray-tasks"] = Field(default="local", description="Where heavy calls run.")
    ray_address: str | None = Field(default=None, description="Ray cluster; null starts one on this machine.")

    @property
    def name(self) -> str:
        """Name of the scene: the picture's file name without its ending."""
        return PurePath(self.image).stem

    @property
    def given(self) -> tuple[str, ...]:
        """Stages whose whole answer is a file of the user."""
        answers = {"segment": self.masks, "plate": self.plate, "geometry": self.points}
        return tuple(stage for stage, path in answers.items() if path is not None)

    @property
    def store_uri(self) -> str:
        """URI of the store that the scene is kept in."""
        return self.store or f"{self.out.rstrip('/')}/store"

    @property
    def place(self) -> Execution:
        """Where heavy calls run."""
        return Execution(name=self.execution, address=self.ray_address).here


def adapters_of(profile: str, overrides: dict[str, str]) -> dict[str, str]:
    """Stage -> adapter.

    Raises:
        ConfigError: unknown profile, or a stage that no model runs.
    """
    if profile not in PROFILES:
        raise ConfigError(f"unknown profile '{profile}': choose one of {', '.join(sorted(PROFILES))}")
    for stage in overrides:
        if stage not in MODEL_STAGES:
            raise ConfigError(f"unknown stage '{stage}' in --set: choose one of {', '.join(MODEL_STAGES)}")
    return {**PROFILES[profile], **overrides}
