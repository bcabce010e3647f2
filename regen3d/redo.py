"""One object of a finished scene again: what is asked, and the calls that answer it.

Other objects, the room and the camera stay exactly as the manifest has them; a mask of the user's counts for the one
object, even where it reaches over another's.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from regen3d.config import Execution
from regen3d.errors import ConfigError
from regen3d.fingerprint import derive_seed
from regen3d.manifest import Manifest, StageCall, StageEntry
from regen3d.store import Store
from regen3d.store.claims import held
from regen3d.types import Instance, Mask

SEEDS_TRIED = 10_000
"""How far the seed of an earlier redo is looked for."""


class RedoRequest(BaseModel):
    """One object to make again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str = Field(description="The run whose scene it is: its manifest is in the store.")
    store: str = Field(description="URI of the store.")
    out: str = Field(description="The scene's folder.")
    object: str = Field(description="Name of the object.")
    seed: int | None = Field(default=None, ge=0, description="Seed of this object; null takes the next one.")
    mask: str | None = Field(
        default=None, description="PNG file with the object's mask: white or opaque is the object."
    )
    label: str | None = Field(default=None, description="What the object is.")
    execution: Execution = Field(default=Execution(), description="Where heavy calls run.")

    @property
    def name(self) -> str:
        """What runs, for people."""
        return f"redo {self.object}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The finished calls of a scene, by stage and object."""

    shared: Mapping[str, StageEntry]
    """Stage -> call, for the stages that run once a scene."""
    objects: Mapping[str, Mapping[str, StageEntry]]
    """Object -> stage -> call."""


def one_change(store: Store, manifest: Manifest) -> AbstractContextManager[None]:
    """A block that changes a finished scene: one after the other, else the second would not know of the first."""
    return held(store, f"redo/{manifest.run.key or manifest.run.id}")


def calls_of(manifest: Manifest) -> Scene:
    """The finished calls of a manifest."""
    objects: dict[str, dict[str, StageEntry]] = {entry.name: {} for entry in manifest.objects}
    for entry in manifest.stages:
        if entry.call.object is not None:
            objects.setdefault(entry.call.object, {})[entry.call.stage] = entry
    return Scene(shared={e.call.stage: e for e in manifest.stages if e.call.object is None}, objects=objects)


def check_object(manifest: Manifest, name: str) -> None:
    """Make sure that a scene has an object.

    Raises:
        ConfigError: it has none of that name.
    """
    names = [entry.name for entry in manifest.objects]
    if name not in names:
        raise ConfigError(f"the scene has no object '{name}': choose one of {', '.join(names) or 'none, it is empty'}")


def mended(instance: Instance, mask: Mask | None, label: str | None) -> Instance:
    """An object as the user says that it is; its name stays, whatever it is now."""
    return replace(
        instance,
        mask=instance.mask if mask is None else mask,
        label=instance.label if label is None else label,
        score=1.0,
    )


def new_seed(manifest: Manifest, request: RedoRequest) -> int:
    """The seed that the user asks for, the scene's where a mask or label makes the call a new one, else the next."""
    if request.seed is not None:
        return request.seed
    if request.mask is not None or request.label is not None:
        return manifest.seed
    last = calls_of(manifest).objects[request.object].get("generate")
    tried = None if last is None else last.call.seed
    for step in range(SEEDS_TRIED):
        if derive_seed(manifest.seed + step, "generate", request.object) == tried:
            return manifest.seed + step + 1
    return manifest.seed + 1


def call_again(manifest: Manifest, stage: str, name: str, **changes: Any) -> StageCall:
    """A call of one object as it was made; where it never finished, as another object's was.

    Args:
        manifest: the scene.
        stage: one of `regen3d.config.OBJECT_STAGES`.
        name: the object.
        changes: fields of the call that are new.
    """
    scene = calls_of(manifest)
    own = scene.objects[name].get(stage)
    if own is not None:
        return own.call.model_copy(update=changes)
    like = next((calls[stage].call for calls in scene.objects.values() if stage in calls), None)
    params = {} if like is None else {key: value for key, value in like.params.items() if key != "support"}
    call = StageCall(stage=stage, object=name, adapter=manifest.adapters.get(stage), params=params)
    return call.model_copy(update=changes)
