"""How well the confidence of poses is calibrated, each room judged by a model that was fitted on the others.

Run: python -m benchmarks.confidence --data "$REGEN3D_DATA/scenes" [--scenes a,b] [--variants clean,..] [--cache FILE]

Rooms are aligned clean, spoiled (stretched meshes, eroded masks, a wrong lens), without points (blind), and both.
Prints the calibration of the fit and of the weights that `regen3d/align/confidence.py` holds, and the fitted weights.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from benchmarks.alignment import score_pose
from benchmarks.oracle import OracleScene, estimated_layout, load_oracle, stressed, without_points
from benchmarks.tables import table
from benchmarks.truth import scene_folders
from regen3d.align.confidence import BIAS, FEATURES, WEIGHTS, pose_features
from regen3d.align.occlusion import occluders
from regen3d.align.scene import SceneRequest, align_scene
from regen3d.types import Asset, ObjectView

RIGHT_IOU, RIGHT_YAW_DEG, RIGHT_CENTRE_M = 0.75, 15.0, 0.04
"""A pose within these is right; the last in place of the first for things with a side under 8 cm."""

RIDGE = 0.3
"""Weight of the squares of the standardised weights, in poses: some thirty wrong ones leave six weights loose."""

BINS = 8
"""Of equal numbers of poses, for the calibration error."""

Spoil = Callable[[OracleScene, int], OracleScene]

VARIANTS: dict[str, Spoil] = {
    "clean": lambda scene, _: scene,
    "spoiled": stressed,
    "blind": lambda scene, _: without_points(scene),
    "spoiled-blind": lambda scene, seed: without_points(stressed(scene, seed)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One pose, and whether it is right."""

    scene: str
    """Name of the room."""
    variant: str
    """How its inputs were spoiled."""
    object: str
    """Name of the object."""
    features: list[float]
    """As the model sees it."""
    right: bool
    """Against the truth."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Align, fit and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.confidence", description=str(__doc__).split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of scenes with an oracle folder each")
    parser.add_argument("--scenes", help="names with commas between them; default: all")
    parser.add_argument("--variants", default=",".join(VARIANTS), help="which inputs, with commas between them")
    parser.add_argument("--cache", help="file for the judged poses; those that lie there already are not made again")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    poses = _judged(options)
    print(calibration_table(poses))
    weights, bias = fit(poses)
    print(table("Weights of the fit to all rooms", ("bias", *FEATURES), [_row(np.append(bias, weights))]))
    return 0


def _row(values: Float[np.ndarray, " n"]) -> tuple[str, ...]:
    return tuple(f"{value:.3g}" for value in values)


def _judged(options: argparse.Namespace) -> list[Judged]:
    cache = Path(options.cache) if options.cache else None
    known = [Judged(**entry) for entry in json.loads(cache.read_text())] if cache and cache.is_file() else []
    done = {(pose.scene, pose.variant) for pose in known}
    for variant in options.variants.split(","):
        for folder in scene_folders(Path(options.data), options.scenes):
            if (folder.name, variant) not in done:
                known += judge_scene(load_oracle(folder), variant)
                print(f"{folder.name}, {variant}: {sum(pose.right for pose in known)}/{len(known)} right", flush=True)
                if cache:
                    cache.write_text(json.dumps([asdict(pose) for pose in known]))
    return known


def judge_scene(scene: OracleScene, variant: str, seed: int = 0) -> list[Judged]:
    """Align one scene, spoiled as named, and judge every pose."""
    scene = VARIANTS[variant](scene, seed)
    hidden = occluders(scene.instances)
    alignments = align_scene(
        SceneRequest(
            image=scene.image,
            instances=scene.instances,
            assets={name: Asset(mesh=mesh, scale="relative", kind="oracle") for name, mesh in scene.meshes.items()},
            camera=scene.camera,
            points=scene.points,
            layout=estimated_layout(scene, seed),
            seed=seed,
        )
    )
    judged = []
    for item, pose in zip(scene.instances, scene.truth, strict=True):
        score = score_pose(scene, pose, alignments[pose.name])
        view = ObjectView(instance=item, image=scene.image, ignore=hidden[item.name], camera=scene.camera)
        close = score.centre_error_m <= RIGHT_CENTRE_M if score.thin else score.box_iou >= RIGHT_IOU
        right = close and (score.yaw_error_deg is None or score.yaw_error_deg <= RIGHT_YAW_DEG)
        features = pose_features(alignments[pose.name], view).tolist()
        judged.append(
            Judged(scene=scene.folder.name, variant=variant, object=pose.name, features=features, right=bool(right))
        )
    return judged


def fit(poses: Sequence[Judged]) -> tuple[Float[np.ndarray, " f"], float]:
    """Weights and bias of the logistic model, by Newton's method on the ridge-penalised likelihood."""
    features = np.array([pose.features for pose in poses])
    middle, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    design = np.concatenate([(features - middle) / spread, np.ones((len(poses), 1))], axis=1)
    right = np.array([pose.right for pose in poses], dtype=np.float64)
    penalty = RIDGE * np.diag([*np.ones(features.shape[1]), 1e-3])
    weights = np.zeros(design.shape[1])
    for _ in range(30):
        chance = _sigmoid(design @ weights)
        slope = design.T @ (right - chance) - penalty @ weights
        curvature = (design * (chance * (1.0 - chance))[:, None]).T @ design + penalty
        weights = weights + np.linalg.solve(curvature, slope)
    scaled = weights[:-1] / spread
    return scaled, float(weights[-1] - scaled @ middle)


def predict(poses: Sequence[Judged], weights: Float[np.ndarray, " f"], bias: float) -> Float[np.ndarray, " n"]:
    """The model's probability for each pose."""
    return _sigmoid(np.array([pose.features for pose in poses]) @ weights + bias)


def calibration_table(poses: Sequence[Judged]) -> str:
    """Brier score and expected calibration error: of each room left out, of the stored weights, of no model at all."""
    left_out = np.zeros(len(poses))
    scenes = np.array([pose.scene for pose in poses])
    for scene in np.unique(scenes):
        others = [pose for pose in poses if pose.scene != scene]
        here = np.flatnonzero(scenes == scene)
        left_out[here] = predict([poses[int(k)] for k in here], *fit(others))
    right = np.array([pose.right for pose in poses], dtype=np.float64)
    stored = predict(poses, WEIGHTS, BIAS)
    constant = np.full(len(poses), right.mean())
    rows = [
        (
            name,
            f"{((chance - right) ** 2).mean():.3f}",
            f"{calibration_error(chance, right):.3f}",
            f"{_ranking(chance, right):.2f}",
        )
        for name, chance in (("each room left out", left_out), ("as stored", stored), ("share of right ones", constant))
    ]
    title = f"Calibration on {len(poses)} poses, {int(right.sum())} right (ranking: wrong ones below right ones)"
    return table(title, ("model", "Brier", "calibration error", "ranking"), rows)


def calibration_error(chance: Float[np.ndarray, " n"], right: Float[np.ndarray, " n"]) -> float:
    """Mean gap between probability and share of right ones over bins of equal numbers (Naeini et al., AAAI 2015)."""
    parts = np.array_split(np.argsort(chance, kind="stable"), BINS)
    return float(
        sum(len(part) * abs(chance[part].mean() - right[part].mean()) for part in parts if len(part)) / len(right)
    )


def _ranking(chance: Float[np.ndarray, " n"], right: Float[np.ndarray, " n"]) -> float:
    """Area under the ROC curve."""
    wrong, good = chance[right < 0.5], chance[right > 0.5]
    if not len(wrong) or not len(good):
        return float("nan")
    return float((good[:, None] > wrong).mean() + 0.5 * (good[:, None] == wrong).mean())


def _sigmoid(value: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return 1.0 / (1.0 + np.exp(-np.clip(value, -40.0, 40.0)))


if __name__ == "__main__":
    raise SystemExit(main())
