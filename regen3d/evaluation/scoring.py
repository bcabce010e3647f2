"""One reconstructed scene against the truth: every number that there is, in one result."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from regen3d.datasets.truth import TrueScene
from regen3d.errors import Regen3dError
from regen3d.evaluation.found import FoundObject, FoundScene
from regen3d.evaluation.perception import camera_errors, detection, hole_of, room_errors, true_plate
from regen3d.evaluation.placement import MISSING, Pair, object_values
from regen3d.evaluation.plausible import plausibility, quality
from regen3d.evaluation.results import SceneResult
from regen3d.metrics.masks import match_masks
from regen3d.metrics.pictures import lpips_distance, psnr_db, ssim
from regen3d.metrics.protocols.base import ObjectResult, PlacedMesh, ProtocolResult, ProtocolSettings
from regen3d.metrics.protocols.registry import evaluate as run_protocol

LARGEST_PSNR_DB = 100.0
"""Equal pictures have no finite ratio; 8 bits end at 48 dB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSettings:
    """What is measured."""

    protocols: tuple[str, ...] = ("canonical",)
    """By name, besides what is always measured."""
    samples: int | None = None
    """Points a surface; None: each protocol's own number."""
    seed: int = 0
    """Of samples and of convex pieces."""
    drop: bool = True
    """Whether objects are let fall; the slowest of all measures."""


def score_scene(found: FoundScene, truth: TrueScene, settings: ScoreSettings) -> SceneResult:
    """Compare a scene with the truth.

    Objects are paired by their masks where there are any, else by the boxes that the first protocol pairs. What cannot
    be measured is left out, with a sentence in `notes` where that is not plain from the data.

    Raises:
        InputError: files of the truth are missing or damaged.
    """
    true_surfaces = [truth.surface(item) for item in truth.objects]
    protocols, notes = _protocols(found, truth, true_surfaces, settings)
    pairs = _pairs(found, protocols, truth, true_surfaces)
    zoom = 1.0 if found.camera is None else float(truth.camera.position[1] / found.camera.position[1])
    values = _object_values(pairs, truth, zoom)
    standing = found if found.camera is not None else _held(found, pairs)
    stands = plausibility(standing, found.camera or truth.camera, settings.seed if settings.drop else None)
    for name, pair in pairs.items():
        values[name] |= stands.objects.get(pair.found.name, {})
    for result in protocols:
        for each in result.objects:
            start = "" if result.protocol == "canonical" else f"{result.protocol}_"
            values[each.name] = {f"{start}{key}": value for key, value in each.values.items()} | values[each.name]
    plate, said = _plate(found, truth)
    scene = _scene_values(found, truth) | plate | stands.values | quality(found)
    for result in protocols:
        start = "" if result.protocol == "canonical" else f"{result.protocol}_"
        scene |= {f"{start}{key}": value for key, value in result.scene.items()}
        notes += tuple(f"{result.protocol}: {note}" for note in result.notes)
    return SceneResult(
        scene=truth.name,
        status="scored",
        values=_finite(scene),
        objects=tuple(
            ObjectResult(
                name=item.name,
                matched=pairs[item.name].found.name if item.name in pairs else None,
                values=_finite(values[item.name]),
            )
            for item in truth.objects
        ),
        notes=notes + said + stands.notes,
    )


def _protocols(
    found: FoundScene, truth: TrueScene, true_surfaces: Sequence[PlacedMesh], settings: ScoreSettings
) -> tuple[list[ProtocolResult], tuple[str, ...]]:
    asked = ProtocolSettings(samples=settings.samples, seed=settings.seed, camera=truth.camera)
    results, notes = [], []
    for name in settings.protocols:
        try:
            results.append(run_protocol(name, found.surfaces, true_surfaces, asked))
        except Regen3dError as error:
            notes.append(f"{name}: not measured, {error}.")
    return results, tuple(notes)


def _pairs(
    found: FoundScene, protocols: Sequence[ProtocolResult], truth: TrueScene, true_surfaces: Sequence[PlacedMesh]
) -> dict[str, Pair]:
    """True name -> what stands for it."""
    masked = [item for item in found.objects if item.mask is not None]
    chosen: dict[int, FoundObject] = {}
    if masked:
        masks = [item.mask for item in masked if item.mask is not None]
        chosen = {each.true: masked[each.found] for each in match_masks(masks, [item.mask for item in truth.objects])}
    else:
        by_name = {item.name: item for item in found.objects}
        matched = next((result.objects for result in protocols if result.objects), ())
        for k, item in enumerate(truth.objects):
            name = next((each.matched for each in matched if each.name == item.name), None)
            if name is not None:
                chosen[k] = by_name[name]
    return {
        truth.objects[k].name: Pair(true=truth.objects[k], true_surface=true_surfaces[k], found=item)
        for k, item in chosen.items()
    }


def _object_values(pairs: dict[str, Pair], truth: TrueScene, zoom: float) -> dict[str, dict[str, float]]:
    values: dict[str, dict[str, float]] = defaultdict(dict)
    for item in truth.objects:
        pair = pairs.get(item.name)
        values[item.name] = dict(MISSING) if pair is None else object_values(pair, truth, zoom)
        values[item.name]["truncated"] = float(item.truncated)
        if item.visible_fraction is not None:
            values[item.name]["visible_fraction"] = item.visible_fraction
    return values


def _scene_values(found: FoundScene, truth: TrueScene) -> dict[str, float]:
    values: dict[str, float] = {}
    if any(item.mask is not None for item in found.objects) or found.camera is not None:
        values |= detection(found.objects, truth)
    if found.camera is not None:
        values |= camera_errors(found.camera, truth)
    values |= room_errors(found, truth)
    facts = {"room_confidence": found.room_confidence, "seconds": found.seconds}
    return values | {name: value for name, value in facts.items() if value is not None}


def _held(found: FoundScene, pairs: dict[str, Pair]) -> FoundScene:
    """Another system's scene, in which what stands for something that hangs hangs too."""
    hanging = {pair.found.name for pair in pairs.values() if pair.true.support in ("wall", "ceiling")}
    return replace(found, objects=tuple(replace(item, hangs=item.name in hanging) for item in found.objects))


def _plate(found: FoundScene, truth: TrueScene) -> tuple[dict[str, float], tuple[str, ...]]:
    """How like the true empty room the found one is, and what could not be measured of it."""
    true = true_plate(truth)
    if found.plate is None or true is None:
        return {}, ()
    hole = hole_of(truth)
    ratio = psnr_db(found.plate, true, hole)
    learned = lpips_distance(found.plate, true, hole)
    values = {
        "plate_psnr_db": None if ratio is None else min(ratio, LARGEST_PSNR_DB),
        "plate_ssim": ssim(found.plate, true, hole),
        "plate_lpips": learned.value,
    }
    said = (f"No LPIPS: {learned.reason}",) if learned.reason else ()
    return {name: value for name, value in values.items() if value is not None}, said


def _finite(values: dict[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if np.isfinite(value)}
