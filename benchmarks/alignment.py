"""Alignment alone, on true masks, camera and meshes of unknown size and yaw.

Run: python -m benchmarks.alignment --data "$REGEN3D_DATA/scenes" [--scenes a,b] [--json FILE] [--preset P] [--stress]
     [--no-points] [--device cuda]

What stands on what and where the walls are is inferred, as in a run. `--stress` stretches every mesh by 15 % along
one axis, erodes every mask by 3 px and takes the camera's lens for 5 % longer (the points keep their own, as those of
an estimator do; `--stress stretch erode lens` has them follow the wrong one). Boxes are those of what stands in the
scene: the meshes as they were given, in the proportions and poses that were found; a column more has those of the true
meshes in these poses. `--no-points` leaves
silhouettes, looks and planes.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import get_args

import numpy as np
import torch

from benchmarks.alignment_overlaps import SceneOverlap, overlap_table, scene_overlap
from benchmarks.alignment_tables import PoseScore, object_table, summary_table
from benchmarks.memory import peak_rss_mb
from benchmarks.oracle import (
    STRAINS,
    OracleScene,
    Strain,
    TruePose,
    estimated_layout,
    load_oracle,
    stressed,
    without_points,
)
from benchmarks.truth import scene_folders
from regen3d.align.lens import calibrated_camera
from regen3d.align.proportions import proportioned
from regen3d.align.rim import regrown
from regen3d.align.scene import SceneRequest, align_scene
from regen3d.align.settings import AlignSettings, Preset
from regen3d.frames import rotation_about_y, transform, yaw_of
from regen3d.metrics.boxes import UprightBox, upright_iou
from regen3d.types import Alignment, Asset, Mesh


def main(arguments: Sequence[str] | None = None) -> int:
    """Align all scenes and print the tables."""
    options = _options(arguments)
    torch.set_num_threads(1)
    scores: list[PoseScore] = []
    overlaps: list[SceneOverlap] = []
    seconds: dict[str, float] = {}
    for folder in scene_folders(Path(options.data), options.scenes):
        scene = load_oracle(folder)
        scene = stressed(scene, options.seed, options.stress)
        scene = without_points(scene) if options.no_points else scene
        started = time.process_time()
        settings = AlignSettings(preset=options.preset, device=options.device)
        alignments = align_scene(scene_request(scene, settings, options.seed))
        seconds[folder.name] = time.process_time() - started
        scores += [score_pose(scene, pose, alignments[pose.name]) for pose in scene.truth]
        overlaps.append(scene_overlap(scene, alignments))
    baseline = _baseline(Path(options.data), scores)
    print(object_table(scores, baseline), summary_table(scores, baseline), overlap_table(overlaps), sep="\n")
    peak_mb = peak_rss_mb()
    total = sum(seconds.values())
    each = total / max(len(scores), 1)
    print(f"\n{total:.1f} CPU seconds for {len(scores)} objects ({each:.2f} each), {peak_mb:.0f} MB")
    if options.json:
        document = {"objects": [asdict(score) for score in scores], "seconds": seconds, "peak_rss_mb": peak_mb}
        document["overlaps"] = [asdict(item) for item in overlaps]
        Path(options.json).write_text(json.dumps(document, indent=1), encoding="utf-8")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alignment", description=str(__doc__).split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of scenes with an oracle folder each")
    parser.add_argument("--scenes", help="names with commas between them; default: all")
    parser.add_argument("--json", help="file for all numbers")
    parser.add_argument("--preset", default="default", choices=get_args(Preset), help="which algorithm")
    parser.add_argument(
        "--stress", nargs="*", choices=get_args(Strain), help="what is wrong; all but `lens` where none is named"
    )
    parser.add_argument("--no-points", action="store_true", help="without depth")
    parser.add_argument("--device", default="cpu", help="of torch")
    parser.add_argument("--seed", type=int, default=0, help="for every random choice")
    options = parser.parse_args(arguments)
    options.stress = () if options.stress is None else options.stress or STRAINS
    return options


def scene_request(scene: OracleScene, settings: AlignSettings, seed: int) -> SceneRequest:
    """What is to be aligned, with the room that the picture's lines or points show."""
    # Lens and masks are set right before anything is built on them.
    scene = replace(scene, camera=calibrated_camera(scene.camera, scene.points)[0])
    bare = replace(scene, instances=regrown(scene.image, scene.instances)[0])
    return SceneRequest(
        image=scene.image,
        instances=scene.instances,
        assets={name: Asset(mesh=mesh, scale="relative", kind="oracle") for name, mesh in scene.meshes.items()},
        camera=scene.camera,
        points=scene.points,
        background=scene.background,
        floor=scene.floor,
        layout=estimated_layout(bare, seed),
        seed=seed,
        settings=settings,
    )


def score_pose(scene: OracleScene, pose: TruePose, alignment: Alignment) -> PoseScore:
    """One pose against the truth."""
    found = scene.theirs_from_ours @ alignment.world_from_object.matrix
    mesh = proportioned(scene.meshes[pose.name], alignment.proportions)
    ours, true = _box(found, pose, mesh), pose.box
    up = np.array([0.0, 0.5, 0.0])
    tilt = found[:3, 1] / np.linalg.norm(found[:3, 1])
    return PoseScore(
        scene=scene.folder.name,
        object=pose.name,
        support=pose.support,
        found_support=alignment.support,
        visible_fraction=pose.visible_fraction,
        truncated=pose.truncated,
        thin=bool(pose.box.size_m.min() < 0.08),
        box_iou=upright_iou(ours, true),
        true_mesh_box_iou=upright_iou(_box(found, pose, scene.true_meshes[pose.name]), true),
        yaw_error_deg=_yaw_error_deg(ours.yaw_rad - true.yaw_rad, pose.symmetry_deg),
        base_error_m=float(np.linalg.norm(ours.base - true.base)),
        centre_error_m=float(np.linalg.norm(ours.base + up * ours.size_m - true.base - up * true.size_m)),
        tilt_deg=float(np.degrees(np.arccos(np.clip(tilt[1], -1.0, 1.0)))),
        contact_gap_m=alignment.contact_gap_m,
        mask_iou=alignment.mask_iou,
        point_residual_m=alignment.point_residual_m,
        margin=alignment.runner_up_margin,
        confidence=alignment.confidence,
        world_from_object=found.tolist(),
        proportions=alignment.proportions,
    )


def _box(world_from_object: np.ndarray, pose: TruePose, mesh: Mesh) -> UprightBox:
    """The box round a posed mesh along its model's own axes; along the true ones where every turn looks the same."""
    yaw = yaw_of(world_from_object[:3, :3]) + pose.axes_yaw_rad
    turn = rotation_about_y(yaw)
    along = transform(world_from_object, mesh.vertices) @ turn
    low, high = along.min(axis=0), along.max(axis=0)
    base = turn @ np.array([0.5 * (low[0] + high[0]), low[1], 0.5 * (low[2] + high[2])])
    return UprightBox(base=base, size_m=high - low, yaw_rad=pose.box.yaw_rad if pose.symmetry_deg == 0.0 else yaw)


def _yaw_error_deg(turn_rad: float, symmetry_deg: float) -> float | None:
    if symmetry_deg == 0.0:
        return None
    return abs((float(np.degrees(turn_rad)) + symmetry_deg / 2) % symmetry_deg - symmetry_deg / 2)


def _baseline(data: Path, scores: Sequence[PoseScore]) -> dict[tuple[str, str], float]:
    """Box IoU that the released code reaches, where baseline.json has it."""
    found: dict[tuple[str, str], float] = {}
    for scene in {score.scene for score in scores}:
        path = data / scene / "oracle" / "baseline.json"
        if path.is_file():
            objects = json.loads(path.read_text(encoding="utf-8"))["objects"]
            found |= {(scene, name): entry["released"]["obb_iou"] for name, entry in objects.items()}
    return found


if __name__ == "__main__":
    raise SystemExit(main())
