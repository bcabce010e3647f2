"""The embedded completion and asset generator on true masks and the true camera, object by object.

Run: python -m benchmarks.assets --data "$REGEN3D_DATA/scenes" [--scenes a,b] [--objects x,y] [--json FILE]
"""

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import trimesh
from jaxtyping import Float, Integer
from PIL import Image

from benchmarks.choice import chosen
from benchmarks.shapes import shape_score
from benchmarks.tables import number, table
from benchmarks.truth import TrueObject, Truth, load_truth, scene_folders
from models.assets.embedded import EmbeddedAssets
from models.base import AssetRequest, CompleteRequest
from models.editing.complete_embedded import EmbeddedCompletion
from regen3d.align.occlusion import occluders
from regen3d.frames import gravity_in_camera, transform, world_from_gravity
from regen3d.meshes.quality import is_closed, uv_overlap
from regen3d.metrics.masks import amodal_mask, mask_iou
from regen3d.metrics.sampling import sample_surface
from regen3d.render.raster import rasterize
from regen3d.types import Asset, Camera, Completion, Instance, Mask, ObjectView

SAMPLES = 8000
"""Points on each surface: the distance between two such samples of one chair is 1 % of its radius."""
HIDDEN = (0.02, 0.4)
"""Shares of an object that are hidden, between which its completion is judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetScore:
    """One object."""

    name: str
    """Scene and object."""
    kind: str
    """What was made."""
    truncated: bool
    """Whether the picture's border cuts it."""
    hidden: float
    """Share of it that something hides, 0..1."""
    silhouette_iou: float
    """Of the mesh in its own pose with the visible mask, where nothing nearer is."""
    amodal_iou: float
    """Of the completed picture with the whole object, inside the picture."""
    visible_iou: float
    """Of the visible mask alone with the whole object: what completing nothing would score."""
    chamfer: float
    """Mean distance from either surface to the other, summed, after a similarity; the true radius is 1."""
    box_chamfer: float
    """The same of a box in the mesh's place."""
    f_score: float
    """Share of points within a twentieth of the true radius, harmonic mean of both directions."""
    box_f_score: float
    """The same of a box in the mesh's place."""
    seconds: float
    """Processor time of completion and generation."""
    faces: int
    """Triangles."""
    closed: bool
    """Whether the mesh has no border."""
    uv_overlap: float
    """Share of the covered texels that several faces share."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.assets", description=str(__doc__).split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of scenes with truth")
    parser.add_argument("--scenes", help="names with commas between them; default: all")
    parser.add_argument("--objects", help="names of objects with commas between them; default: all")
    parser.add_argument("--json", help="file for all numbers")
    options = parser.parse_args(arguments)
    truths = [load_truth(folder) for folder in scene_folders(Path(options.data), options.scenes)]
    views = [(truth, item, view) for truth in truths for item, view in true_views(truth)]
    wanted = chosen(options.objects, list(dict.fromkeys(item.name for _, item, _ in views)), "object")
    scores = [measure(truth, item, view) for truth, item, view in views if item.name in wanted]
    print(object_table(scores), summary(scores), sep="\n")
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(score) for score in scores], indent=2), encoding="utf-8")
    return 0


def true_camera(truth: Truth) -> Camera:
    """The true camera in a world of our own: origin on the floor below it, looking along -Z."""
    pose = world_from_gravity(gravity_in_camera(truth.camera), float(truth.camera.position[1]))
    return replace(truth.camera, world_from_camera=pose)


def true_views(truth: Truth) -> list[tuple[TrueObject, ObjectView]]:
    """Each object as the isolate stage would hand it on, had masks and camera been found without error."""
    with Image.open(truth.folder / "image.png") as picture:
        image = np.array(picture.convert("RGB"))
    instances = [Instance(name=item.name, label=item.label, score=1.0, mask=item.mask) for item in truth.objects]
    hidden, camera = occluders(instances), true_camera(truth)
    return [
        (item, ObjectView(instance=instance, image=image, ignore=hidden[item.name], camera=camera))
        for item, instance in zip(truth.objects, instances, strict=True)
    ]


def make(view: ObjectView) -> tuple[Completion, Asset, float]:
    """Completion, asset and the processor seconds that both took."""
    started = time.process_time()
    completion = EmbeddedCompletion().complete([CompleteRequest(view=view)])[0]
    asset = EmbeddedAssets().generate([AssetRequest(view=view, completion=completion)])[0]
    return completion, asset, time.process_time() - started


def measure(truth: Truth, item: TrueObject, view: ObjectView) -> AssetScore:
    """Complete, generate and compare with the truth."""
    completion, asset, seconds = make(view)
    whole = true_amodal(truth, item)
    true = trimesh.load_scene(truth.folder / "meshes" / f"{item.name}.glb", process=False).to_mesh()
    true_points = surface_points(np.asarray(true.vertices), np.asarray(true.faces))
    block = trimesh.creation.box(extents=np.ptp(asset.mesh.vertices, axis=0))
    ours = shape_score(surface_points(asset.mesh.vertices, asset.mesh.faces), true_points)
    boxed = shape_score(surface_points(np.asarray(block.vertices), np.asarray(block.faces)), true_points)
    return AssetScore(
        name=f"{truth.name} / {item.name}",
        kind=asset.kind,
        truncated=item.truncated,
        hidden=1.0 - float(item.mask.sum()) / max(float(whole.sum()), 1.0),
        silhouette_iou=own_silhouette_iou(asset, view),
        amodal_iou=mask_iou(amodal_mask(completion, whole.shape), whole),
        visible_iou=mask_iou(item.mask, whole),
        chamfer=ours.chamfer,
        box_chamfer=boxed.chamfer,
        f_score=ours.f_score,
        box_f_score=boxed.f_score,
        seconds=seconds,
        faces=len(asset.mesh.faces),
        closed=is_closed(asset.mesh),
        uv_overlap=uv_overlap(asset.mesh),
    )


def surface_points(vertices: Float[np.ndarray, "v 3"], faces: Integer[np.ndarray, "f 3"]) -> Float[np.ndarray, "n 3"]:
    """Points on a surface in random order."""
    points = sample_surface(vertices, faces, SAMPLES, 0).points
    return np.random.default_rng(0).permutation(points)


def own_silhouette_iou(asset: Asset, view: ObjectView) -> float:
    """IoU of an asset in the pose that it was fitted in with the visible mask, outside `ignore`; 0 without a pose."""
    if asset.pose_hint is None:
        return 0.0
    vertices = transform(view.camera.camera_from_world @ asset.pose_hint.matrix, asset.mesh.vertices)
    drawn = rasterize(vertices, asset.mesh.faces, view.camera.intrinsics, view.camera.hw).face >= 0
    counted = view.instance.mask | ~view.ignore
    return mask_iou(drawn & counted, view.instance.mask)


def true_amodal(truth: Truth, item: TrueObject) -> Mask:
    """The whole object's mask as the picture's frame cuts it."""
    with Image.open(truth.folder / "amodal" / f"{item.name}_mask.png") as picture:
        return np.array(picture.convert("L")) > 127


def object_table(scores: Sequence[AssetScore]) -> str:
    """One row an object."""
    headings = ("scene / object", "made", "cut", "hidden", "IoU", "amodal", "seen", "CD", "box", "F", "box")
    headings += ("CPU s", "faces", "closed", "overlap")
    return table("Assets from true masks and the true camera", headings, [_row(score) for score in scores])


def _row(score: AssetScore) -> tuple[str, ...]:
    shares = (score.silhouette_iou, score.amodal_iou, score.visible_iou)
    shapes = (score.chamfer, score.box_chamfer, score.f_score, score.box_f_score)
    return (
        score.name,
        score.kind,
        "cut" if score.truncated else "",
        f"{100 * score.hidden:.0f} %",
        *(f"{share:.3f}" for share in shares),
        *(f"{value:.3f}" for value in shapes),
        f"{score.seconds:.1f}",
        str(score.faces),
        "yes" if score.closed else "no",
        f"{100 * score.uv_overlap:.1f} %",
    )


def summary(scores: Sequence[AssetScore]) -> str:
    """The figures by which the stage is judged."""
    partly = [s for s in scores if HIDDEN[0] < s.hidden <= HIDDEN[1]]
    gains = [(1 - s.chamfer / s.box_chamfer, s.f_score / max(s.box_f_score, 1e-9) - 1) for s in scores]
    amodal = [s.amodal_iou for s in partly]
    lines = [
        f"Silhouette IoU: median {_median([s.silhouette_iou for s in scores])} of {len(scores)} objects",
        f"Against a box: Chamfer {100 * statistics.mean(g[0] for g in gains):.0f} % lower, "
        f"F-score {100 * statistics.mean(g[1] for g in gains):.0f} % higher on average",
        f"Amodal IoU of {len(partly)} objects hidden by {HIDDEN[0]:.0%}-{HIDDEN[1]:.0%}: median {_median(amodal)}, "
        f"least {number(min(amodal, default=None), '.3f')}; "
        f"visible masks alone {_median([s.visible_iou for s in partly])}",
        f"Processor seconds: median {statistics.median(s.seconds for s in scores):.1f}, "
        f"most {max(s.seconds for s in scores):.1f}; faces: most {max(s.faces for s in scores)}; "
        f"closed: {sum(s.closed for s in scores)}/{len(scores)}; "
        f"layout overlap: most {max(s.uv_overlap for s in scores):.1%}",
    ]
    return "\n".join(lines)


def _median(values: Sequence[float]) -> str:
    return number(statistics.median(values) if values else None, ".3f")


if __name__ == "__main__":
    raise SystemExit(main())
