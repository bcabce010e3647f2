"""The published alignment, reproduced, against what the released code reached on the same inputs.

Run: python -m benchmarks.alignment_published --data "$REGEN3D_DATA/scenes" [--scenes a,b] [--objects a,b]
     [--width 256] [--steps 300]

Box IoU of presets `paper` and `paper-released` beside `repaired` and `released` of the scenes' baseline.json, on true
masks, camera, meshes and floor mask and an estimator's points. Smaller pictures than the published 1024 pixels keep
the released outlines' blur in pixels. `repaired` is not quite `paper`: it keeps points that draw every face, the
camera's up and the last step, and tries 24 yaws.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.alignment import score_pose
from benchmarks.oracle import OracleScene, load_oracle
from benchmarks.tables import table
from benchmarks.truth import scene_folders
from regen3d.align.engine import AlignRequest, align_object
from regen3d.align.occlusion import occluders
from regen3d.align.settings import AlignSettings
from regen3d.types import Asset, Instance, ObjectView

PAIRS = (("paper-released", "released"), ("paper", "repaired"))
"""Our preset and the variant of baseline.json that it is compared with."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both presets and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.alignment_published", description=str(__doc__).split("\n")[0]
    )
    parser.add_argument("--data", required=True, help="folder of scenes with an oracle folder each")
    parser.add_argument("--scenes", help="names with commas between them; default: all that have a baseline")
    parser.add_argument("--objects", help="names with commas between them; default: all that stand on the floor")
    parser.add_argument("--width", type=int, default=256, help="of the pictures compared, pixels")
    parser.add_argument("--steps", type=int, default=AlignSettings().paper_steps, help="of descent, at most")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows, ious, started = [], [], time.process_time()
    for folder in scene_folders(Path(options.data), options.scenes):
        path = folder / "oracle" / "baseline.json"
        if not path.is_file():
            continue
        scene, baseline = load_oracle(folder), json.loads(path.read_text(encoding="utf-8"))["objects"]
        for instance, pose in zip(scene.instances, scene.truth, strict=True):
            wanted = instance.name in options.objects.split(",") if options.objects else pose.support == "floor"
            if not wanted or instance.name not in baseline:
                continue
            found = [_box_iou(scene, instance, preset, options) for preset, _ in PAIRS]
            theirs = [float(baseline[instance.name][variant]["obb_iou"]) for _, variant in PAIRS]
            ious.append((found[0], theirs[0], found[1], theirs[1]))
            rows.append((f"{folder.name} / {instance.name}", *(f"{iou:.2f}" for iou in ious[-1])))
    if ious:
        rows.append(("mean", *(f"{iou:.2f}" for iou in np.mean(ious, axis=0))))
    title = f"Box IoU, at {options.width} px and {options.steps} steps"
    print(table(title, ("object", *(name for pair in PAIRS for name in pair)), rows))
    print(f"\n{(time.process_time() - started) / max(2 * len(ious), 1):.0f} CPU seconds an object")
    return 0


def published_request(scene: OracleScene, instance: Instance, settings: AlignSettings) -> AlignRequest:
    """An object with all that the published alignment gets, the mask of the bare floor among it."""
    hidden = occluders(list(scene.instances))[instance.name]
    return AlignRequest(
        view=ObjectView(instance=instance, image=scene.image, ignore=hidden, camera=scene.camera),
        asset=Asset(mesh=scene.meshes[instance.name], scale="relative", kind="oracle"),
        support="floor",
        points=scene.points,
        floor=scene.floor,
        settings=settings,
    )


def _box_iou(scene: OracleScene, instance: Instance, preset: str, options: argparse.Namespace) -> float:
    settings = AlignSettings(
        preset="paper-released" if preset == "paper-released" else "paper",
        paper_width_px=options.width,
        paper_steps=options.steps,
    )
    alignment = align_object(published_request(scene, instance, settings))
    pose = next(pose for pose in scene.truth if pose.name == instance.name)
    return score_pose(scene, pose, alignment).box_iou


if __name__ == "__main__":
    raise SystemExit(main())
