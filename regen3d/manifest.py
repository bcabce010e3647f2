"""The record of a scene: what was made, from what, by what, and where it lies in the store.

Everything that regen3d writes can be rebuilt from a manifest and its store. Frames and units are those of
`regen3d.frames`; matrices are lists of rows. The JSON schema is published as `docs/manifest.schema.json`.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from regen3d.store import Ref, digest_of

SCHEMA_VERSION = 1
"""Raised when a reader of the old schema could not read the new one."""

HAND_MADE = "hand-made"
"""Adapter name of what the user gave instead of a model's answer."""

Vector3 = Annotated[list[float], Field(min_length=3, max_length=3)]
Vector4 = Annotated[list[float], Field(min_length=4, max_length=4)]
Matrix3 = Annotated[list[Vector3], Field(min_length=3, max_length=3)]
Matrix4 = Annotated[list[Vector4], Field(min_length=4, max_length=4)]

_OUTSIDE_DIGEST = {"run", "store", "exports", "stages"}


class Entry(BaseModel):
    """A frozen part of the manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StageCall(Entry):
    """One call of one stage: all that its result depends on, but for the code."""

    stage: str = Field(description="Name of the stage.")
    object: str | None = Field(default=None, description="The object's name, for stages that run once an object.")
    adapter: str | None = Field(default=None, description="Name of the model; null where no model runs.")
    inputs: dict[str, Ref] = Field(default_factory=dict, description="Values that the stage reads.")
    params: dict[str, Any] = Field(default_factory=dict, description="Options, as JSON.")
    seed: int = Field(default=0, description="Seed of the call, derived from the scene's seed, stage and object.")

    @property
    def title(self) -> str:
        """Stage and object, as people read it: `align: armchair-1`."""
        return f"{self.stage}: {self.object}" if self.object else self.stage

    def with_inputs(self, **inputs: Ref) -> "StageCall":
        """The same call with further inputs."""
        return self.model_copy(update={"inputs": {**self.inputs, **inputs}})

    def by_hand(self, value: Ref | None) -> "StageCall":
        """The same call answered by what the user made, if that is anything."""
        return self.model_copy(update={"adapter": HAND_MADE}).with_inputs(hand_made=value) if value else self


class Provenance(Entry):
    """Who made an artifact."""

    adapter: str = Field(description="Name in the registry, `hand-made`, or `regen3d` where no model runs.")
    model: str = Field(description="The model or method.")
    revision: str = Field(description="Version of weights or code.")
    licence: str = Field(description="SPDX expression of the model's licence; `user` for hand-made input.")
    seed: int = Field(description="Seed of the call.")
    key: str = Field(description="Digest of everything that the result depends on.")


class StageEntry(Entry):
    """One finished call."""

    call: StageCall = Field(description="What was asked.")
    value: Ref = Field(description="What came out.")
    provenance: Provenance = Field(description="Who made it.")
    seconds: float = Field(ge=0, description="Time the computation took when it was made.")
    reused: bool = Field(description="Whether this run took it from the store.")
    notes: tuple[str, ...] = Field(default=(), description="What was assumed or fell back, in sentences.")
    usage: dict[str, float] = Field(
        default_factory=dict,
        description="What it cost when it was made: `gpu_seconds` and `cpu_seconds` (share held times seconds), "
        "`api_calls`, `api_usd`; outside the digest.",
    )


class ImageEntry(Entry):
    """The picture."""

    name: str = Field(description="File name as given.")
    pixels: Ref = Field(description="The working picture: sRGB, 8 bit, upright.")
    width: int = Field(gt=0, description="Pixels.")
    height: int = Field(gt=0, description="Pixels.")


class CameraEntry(Entry):
    """The camera that took the picture."""

    intrinsics: Matrix3 = Field(description="K in pixels of the working picture.")
    world_from_camera: Matrix4 = Field(description="From the OpenCV camera frame to the world, metres.")
    hfov_deg: float = Field(description="Horizontal field of view.")
    height_m: float = Field(description="Above the floor.")
    confidence: float = Field(ge=0, le=1, description="0..1.")


class RoomEntry(Entry):
    """The empty room."""

    yaw_deg: float = Field(description="Rotation about +Y that takes the room's axes to the world's.")
    bounds_min: Vector3 = Field(description="Least corner in the room's axes, metres; y = 0 is the floor.")
    bounds_max: Vector3 = Field(description="Greatest corner in the room's axes, metres.")
    seen: list[str] = Field(description="Sides that the picture shows.")
    confidence: float = Field(ge=0, le=1, description="0..1.")
    believable: bool = Field(description="Whether the confidence suffices to trust walls and floor.")
    scale_source: str = Field(description="Where metres come from.")


class Diagnostics(Entry):
    """How well an object explains the picture and stands in the room."""

    mask_iou: float = Field(description="Rendered mesh against visible mask, 0..1.")
    contact_gap_m: float = Field(description="Lowest point above its support; negative when sunk in.")
    point_residual_m: float | None = Field(description="Median distance of visible points to the mesh.")
    runner_up_margin: float = Field(description="Lead over the best start that faces elsewhere.")
    confidence: float | None = Field(
        default=None, ge=0, le=1, description="Calibrated probability that the pose is right; null where unknown."
    )


class ObjectEntry(Entry):
    """One object."""

    name: str = Field(description="Unique in the scene; node and file name.")
    label: str = Field(description="What it is.")
    score: float = Field(description="Confidence of the detection, 0..1.")
    status: Literal["ok", "placeholder", "failed"] = Field(description="`failed` objects have no mesh.")
    reason: str | None = Field(default=None, description="Why it is not `ok`.")
    box: tuple[int, int, int, int] = Field(description="(x0, y0, x1, y1) of the visible mask, pixels.")
    truncated: bool = Field(description="Whether the picture's border cuts it.")
    kind: str | None = Field(default=None, description="What mesh was made.")
    support: str | None = Field(default=None, description="floor, wall, ceiling, free, or the object below.")
    world_from_object: Matrix4 | None = Field(default=None, description="Similarity, metres.")
    size_m: Vector3 | None = Field(default=None, description="Width, height, depth along the object's own axes.")
    mesh: Ref | None = Field(default=None, description="The mesh, object frame.")
    diagnostics: Diagnostics | None = Field(default=None, description="Null for placeholders.")
    notes: tuple[str, ...] = Field(default=(), description="What was assumed or fell back.")


class LightEntry(Entry):
    """The light of the room, estimated from the picture."""

    value: Ref = Field(description="Environment, harmonics and key light.")
    direction: Vector3 = Field(description="Unit vector towards where most light comes from, world frame.")
    direction_spread_deg: float | None = Field(
        default=None, ge=0, description="How far the direction is usually off: root mean square over rooms with truth."
    )
    error: float = Field(
        ge=0,
        description="Mean difference between the empty room and its relightable version under this light, as a share "
        "of the mean brightness (linear).",
    )
    estimated: tuple[str, ...] = Field(description="Maps and lights that nobody measured.")
    files: dict[str, str] = Field(
        default_factory=dict, description="Files with the scene that hold it -> which of `estimated` each is."
    )


class RunEntry(Entry):
    """The run that wrote this manifest; outside the digest."""

    id: str = Field(description="The flow run, or `store` where the answer was in the store.")
    started: str = Field(description="ISO 8601, UTC.")
    seconds: float = Field(description="From start to manifest.")
    host: str = Field(description="Machine.")
    key: str | None = Field(
        default=None, description="Under which the store keeps the newest answer to the same question."
    )
    redone: tuple[str, ...] = Field(default=(), description="Objects that `redo` made again since the scene was made.")
    versions: dict[str, str] = Field(
        default_factory=dict, description="Of the packages in the process that wrote this."
    )
    request: dict[str, Any] | None = Field(
        default=None, description="What was asked (`regen3d.config.SceneRequest`), to ask it again with a change."
    )


class Manifest(Entry):
    """A whole scene."""

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, description="Of this document.")
    regen3d: str = Field(description="Version of regen3d.")
    scene: str = Field(description="Name of the scene.")
    status: Literal["whole", "partial"] = Field(
        description="`partial`: placeholders, no believable room, or a format that could not be written."
    )
    profile: str = Field(description="Profile that chose the adapters.")
    adapters: dict[str, str] = Field(description="Stage -> adapter.")
    seed: int = Field(description="Seed of the scene.")
    image: ImageEntry
    camera: CameraEntry
    room: RoomEntry
    background: Ref = Field(description="Meshes of the empty room.")
    plate: Ref = Field(description="Picture of the empty room.")
    light: LightEntry | None = Field(default=None, description="Null where it was not estimated.")
    objects: tuple[ObjectEntry, ...] = Field(description="In the order of the segmentation.")
    notes: tuple[str, ...] = Field(default=(), description="What was assumed or fell back, in sentences.")
    stages: tuple[StageEntry, ...] = Field(description="Every finished call, with its provenance.")
    exports: dict[str, Ref] = Field(default_factory=dict, description="Path in the scene's folder -> file.")
    missing_formats: dict[str, str] = Field(
        default_factory=dict, description="Formats that were asked for and could not be written -> why."
    )
    store: str = Field(description="URI of the store; relative to this file where it lies beside it.")
    run: RunEntry

    @property
    def digest(self) -> str:
        """SHA-256 of the scene itself: times, run ids, hosts and links are left out.

        Values and provenance of the stages count; the report and what else shows times does not.
        """
        document = self.model_dump(mode="json", exclude=_OUTSIDE_DIGEST)
        document["made"] = sorted((entry.provenance.key, entry.value.digest) for entry in self.stages)
        return digest_of(document)


def schema() -> dict[str, Any]:
    """The JSON schema of a manifest."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Manifest.model_json_schema()}
