"""Score: how near does a finished scene come to the truth? Kept in the scene's store, so that it is measured once."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import TypeAdapter, ValidationError

from regen3d.datasets.truth import TrueObject, TrueScene
from regen3d.evaluation.found import found_in, open_scene
from regen3d.evaluation.placement import MISSING
from regen3d.evaluation.predictions import camera_from_file, prediction_path, read_objects
from regen3d.evaluation.request import EvaluationRequest
from regen3d.evaluation.results import SceneResult
from regen3d.evaluation.scoring import ScoreSettings, score_scene
from regen3d.fingerprint import content_digest, source_digest
from regen3d.manifest import Manifest
from regen3d.metrics.protocols.base import ObjectResult
from regen3d.store import Store, digest_of

_RESULT = TypeAdapter(SceneResult)
_MEASURES = ("regen3d/datasets", "regen3d/evaluation", "regen3d/metrics", "regen3d/meshes", "regen3d/render")


@task(name="score", task_run_name="score: {truth.name}", cache_policy=NO_CACHE)
def score(request: EvaluationRequest, truth: TrueScene, manifest: Manifest, store_uri: str) -> SceneResult:
    """The numbers of one finished scene, from its store where they were measured before.

    Args:
        request: which protocols, which seed.
        truth: the scene as it is.
        manifest: the scene as it was made.
        store_uri: where its values are; the manifest's own address may be relative to its folder.
    """
    store = Store(store_uri)
    settings = ScoreSettings(protocols=request.protocols, seed=request.seed)

    def measured() -> SceneResult:
        found = open_scene(manifest, store, (truth.camera.width, truth.camera.height))
        return score_scene(found, truth, settings)

    return _kept(store, [manifest.digest], truth, settings, measured)


@task(name="score-prediction", task_run_name="score: {truth.name}", cache_policy=NO_CACHE)
def score_prediction(request: EvaluationRequest, truth: TrueScene, folder: str, store_uri: str) -> SceneResult:
    """The numbers of a scene that another system made; one that it did not make is missing with all its objects.

    Args:
        request: which protocols, which seed, which frame.
        truth: the scene as it is.
        folder: of the other system's scenes.
        store_uri: where the numbers are kept.
    """
    path = prediction_path(Path(folder), truth.name)
    if not path.exists():
        missing = tuple(ObjectResult(name=item.name, matched=None, values=dict(MISSING)) for item in truth.objects)
        reason = f"there is no {truth.name}.glb among the predictions"
        return SceneResult(scene=truth.name, status="missing", reason=reason, objects=missing)
    settings = ScoreSettings(protocols=request.protocols, seed=request.seed)

    def measured() -> SceneResult:
        native_from_camera = truth.native_from_world @ truth.camera.world_from_camera
        prediction = read_objects(path, camera_from_file(request.frame, truth.camera, native_from_camera))
        result = score_scene(found_in(prediction.objects), truth, settings)
        return replace(result, notes=(*result.notes, *prediction.notes))

    return _kept(Store(store_uri), [_content(path), request.frame], truth, settings, measured)


def _kept(
    store: Store, scene: list[Any], truth: TrueScene, settings: ScoreSettings, measured: Callable[[], SceneResult]
) -> SceneResult:
    """A scene's numbers from the store, or measured and kept there; `scene` says which scene, as JSON."""
    facts = [*scene, list(settings.protocols), settings.seed, _facts_of(truth), source_digest(_MEASURES)]
    key = f"scores/{digest_of(facts)}"
    document = store.get_record(key)
    if document is not None:
        try:
            return _RESULT.validate_python(document)
        except ValidationError:
            # Written by a version with other fields: measured anew.
            pass
    result = measured()
    store.put_record(key, _RESULT.dump_python(result, mode="json"))
    return result


def _facts_of(truth: TrueScene) -> list[Any]:
    """All that a score depends on of the truth, as JSON."""
    files = (truth.image, truth.plate, truth.depth, truth.room)
    camera = truth.camera
    numbers = (camera.intrinsics, camera.world_from_camera, truth.native_from_world)
    return [
        [_content(path) for path in files],
        [matrix.tolist() for matrix in numbers],
        [_facts_of_object(item) for item in truth.objects],
    ]


def _facts_of_object(item: TrueObject) -> list[Any]:
    pose = None if item.canonical is None else item.canonical.world_from_object.matrix.tolist()
    known = [item.name, item.label, item.truncated, item.visible_fraction, item.yaw_rad, item.symmetry, pose]
    mask = hashlib.sha256(item.mask.tobytes()).hexdigest()
    return [*known, mask, _content(item.mesh), _content(item.amodal_mask), item.world_from_mesh.tolist()]


def _content(path: Path | None) -> str | None:
    return content_digest(None if path is None else str(path))
