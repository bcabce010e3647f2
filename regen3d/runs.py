"""Finished runs: found again by what was asked, so that asking twice computes nothing."""

from pathlib import Path

from pydantic import ValidationError

from regen3d import codec
from regen3d.export.folder import MANIFEST_NAME, write_scene_folder
from regen3d.manifest import Manifest
from regen3d.store import Ref, Store


def keep_run(store: Store, key: str, manifest: Manifest) -> None:
    """Remember the manifest of a finished run under its `regen3d.fingerprint.run_key`."""
    store.put_record(f"runs/{key}", manifest.model_dump(mode="json"))


def keep_manifest(store: Store, manifest: Manifest) -> None:
    """Remember what one run made, whole or not, under the run's id."""
    store.put_record(f"manifests/{manifest.run.id}", manifest.model_dump(mode="json"))


def find_manifest(store: Store, run_id: str) -> Manifest | None:
    """What a run made; None where the store knows nothing of it, or another version wrote it."""
    document = store.get_record(f"manifests/{run_id}")
    try:
        return None if document is None else Manifest.model_validate(document)
    except ValidationError:
        return None


def is_corrected(store: Store, key: str) -> bool:
    """Whether the answer to a question is one of which somebody has redone an object."""
    found = find_run(store, key)
    return found is not None and bool(found.run.redone)


def undone(out: Path, answer: Manifest | None) -> tuple[str, ...]:
    """Objects that somebody has redone in a scene's folder and that it loses when another answer is written there.

    Args:
        out: the folder.
        answer: what will be there; None for a scene that is made anew.
    """
    try:
        there = Manifest.model_validate_json((out / MANIFEST_NAME).read_bytes())
    except (OSError, ValidationError):
        # A folder without a manifest, or with one of another version, holds no correction that could be known.
        return ()
    kept = answer.run.redone if answer is not None and answer.run.key == there.run.key else ()
    return tuple(name for name in there.run.redone if name not in kept)


def newest(store: Store, manifest: Manifest) -> Manifest:
    """The scene of a manifest as it stands after all that was redone since."""
    found = None if manifest.run.key is None else find_run(store, manifest.run.key)
    return manifest if found is None or found.run.started < manifest.run.started else found


def find_run(store: Store, key: str) -> Manifest | None:
    """The manifest of a finished run, if everything that it names is still in the store."""
    document = store.get_record(f"runs/{key}")
    if document is None:
        return None
    try:
        manifest = Manifest.model_validate(document)
    except ValidationError:
        # Written by a version with another schema: the stages are still found one by one.
        return None
    if not all(codec.is_complete(store, ref) for ref in refs_of(manifest)):
        return None
    stages = tuple(entry.model_copy(update={"reused": True}) for entry in manifest.stages)
    return manifest.model_copy(update={"stages": stages, "run": manifest.run.model_copy(update={"id": "store"})})


def deliver(store: Store, manifest: Manifest, out: Path) -> Manifest:
    """Write a scene's folder and return the manifest as it stands there."""
    place = Path(store.uri).absolute()
    inside = "://" not in store.uri and place.is_relative_to(out.absolute())
    uri = place.relative_to(out.absolute()).as_posix() if inside else store.uri
    delivered = manifest.model_copy(update={"store": uri})
    write_scene_folder(store, delivered, out)
    return delivered


def refs_of(manifest: Manifest) -> list[Ref]:
    """Every value that a manifest names; those that the values name in turn are not followed."""
    values = [entry.value for entry in manifest.stages]
    inputs = [ref for entry in manifest.stages for ref in entry.call.inputs.values()]
    meshes = [entry.mesh for entry in manifest.objects if entry.mesh is not None]
    light = [] if manifest.light is None else [manifest.light.value]
    named = [*values, *inputs, *meshes, *light, *manifest.exports.values(), manifest.image.pixels]
    return list({ref.path: ref for ref in named}.values())
