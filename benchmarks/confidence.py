"""How well the confidence of poses is calibrated, each room judged by a model that was fitted on the others.

Run: python -m benchmarks.alignment --data DIR --json clean.json, and again with --stress, --no-points or both; then
     python -m benchmarks.confidence --data DIR --runs clean=clean.json spoiled=stress.json blind=no_points.json

Prints the calibration of the fit, of the weights that `regen3d/align/confidence.py` holds, and of these with another
bias: few poses are wrong, which is enough to say how many, not which. Then the weights of both.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from benchmarks.oracle import OracleScene, load_oracle, stressed, without_points
from benchmarks.tables import table
from regen3d.align.confidence import BIAS, FEATURES, WEIGHTS, pose_features
from regen3d.align.occlusion import occluders
from regen3d.types import Alignment, ObjectView, Similarity

RIGHT_IOU, RIGHT_YAW_DEG, RIGHT_CENTRE_M = 0.5, 15.0, 0.04
"""A pose within these is right; the last in place of the first for things with a side under 8 cm."""

RIDGE = 3.0
"""Weight of the squares of the standardised weights, in poses: 0.3 to 10 change the left-out Brier by 0.004."""

BINS = 8
"""Of equal numbers of poses, for the calibration error."""

Spoil = Callable[[OracleScene, int], OracleScene]

KINDS: dict[str, Spoil] = {
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
    features: list[float]
    """As the model sees it."""
    right: bool
    """Against the truth."""


Model = Callable[[Sequence[Judged]], tuple[Float[np.ndarray, " f"], float]]
"""Fits weights and a bias to poses."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Read poses, judge, fit and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.confidence", description=str(__doc__).split("\n")[0])
    parser.add_argument("--data", required=True, help="folder of scenes with an oracle folder each")
    parser.add_argument(
        "--runs", required=True, nargs="+", help=f"KIND=FILE of benchmarks.alignment: {', '.join(KINDS)}"
    )
    options = parser.parse_args(arguments)
    poses = []
    for run in options.runs:
        kind, _, file = run.partition("=")
        if kind not in KINDS:
            parser.error(f"--runs takes KIND=FILE with KIND one of {', '.join(KINDS)}, not '{run}'")
        poses += judge_run(Path(options.data), kind, json.loads(Path(file).read_text(encoding="utf-8"))["objects"])
    print(calibration_table(poses))
    fits = {"fitted": fit(poses), "another bias": refit_bias(poses)}
    rows = [(name, *(f"{value:.3g}" for value in (bias, *weights))) for name, (weights, bias) in fits.items()]
    print(table("Weights, on all rooms", ("model", "bias", *FEATURES), rows))
    return 0


def refit_bias(poses: Sequence[Judged]) -> tuple[Float[np.ndarray, " f"], float]:
    """The stored weights and the likeliest bias: that under which as many poses are right as there are."""
    share, bias = float(np.mean([pose.right for pose in poses])), BIAS
    for _ in range(30):
        chance = predict(poses, WEIGHTS, bias)
        bias += (share - float(chance.mean())) / max(float((chance * (1.0 - chance)).mean()), 1e-6)
    return WEIGHTS, bias


def judge_run(data: Path, kind: str, scores: Sequence[Mapping[str, Any]]) -> list[Judged]:
    """The poses of one run of the alignment benchmark, with their features."""
    judged = []
    for name in sorted({score["scene"] for score in scores}):
        scene = KINDS[kind](load_oracle(data / name), 0)
        hidden = occluders(scene.instances)
        known = {score["object"]: score for score in scores if score["scene"] == name}
        for item in scene.instances:
            view = ObjectView(instance=item, image=scene.image, ignore=hidden[item.name], camera=scene.camera)
            score = known[item.name]
            features = pose_features(_alignment(scene, score), view).tolist()
            judged.append(Judged(scene=name, features=features, right=is_right(score)))
    return judged


def is_right(score: Mapping[str, Any]) -> bool:
    """Whether a pose is right, as the module says."""
    close = score["centre_error_m"] <= RIGHT_CENTRE_M if score["thin"] else score["box_iou"] >= RIGHT_IOU
    return bool(close and (score["yaw_error_deg"] is None or score["yaw_error_deg"] <= RIGHT_YAW_DEG))


def _alignment(scene: OracleScene, score: Mapping[str, Any]) -> Alignment:
    """The alignment behind a row of the benchmark."""
    matrix = np.linalg.inv(scene.theirs_from_ours) @ np.array(score["world_from_object"])
    return Alignment(
        world_from_object=Similarity.of_matrix(matrix),
        support=score["found_support"],
        mask_iou=score["mask_iou"],
        contact_gap_m=score["contact_gap_m"],
        point_residual_m=score["point_residual_m"],
        runner_up_margin=score["margin"],
    )


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
    right = np.array([pose.right for pose in poses], dtype=np.float64)
    stored = predict(poses, WEIGHTS, BIAS)
    rows = [
        (name, *(f"{measure(chance, right):.3f}" for measure in (_brier, calibration_error, _ranking)))
        for name, chance in (
            ("fitted, each room left out", left_out(poses, fit)),
            ("as stored", stored),
            ("another bias, each room left out", left_out(poses, refit_bias)),
        )
    ]
    rows.append(("always the share of right ones", f"{_brier(np.full(len(poses), right.mean()), right):.3f}", "-", "-"))
    title = f"Calibration on {len(poses)} poses, {int(right.sum())} right (ranking: wrong ones below right ones)"
    return table(title, ("model", "Brier", "calibration error", "ranking"), rows)


def left_out(poses: Sequence[Judged], model: Model) -> Float[np.ndarray, " n"]:
    """Probability of each pose by a model fitted to the poses of the other rooms."""
    chance, scenes = np.zeros(len(poses)), np.array([pose.scene for pose in poses])
    for scene in np.unique(scenes):
        others = [pose for pose in poses if pose.scene != scene]
        here = np.flatnonzero(scenes == scene)
        chance[here] = predict([poses[int(k)] for k in here], *model(others))
    return chance


def calibration_error(chance: Float[np.ndarray, " n"], right: Float[np.ndarray, " n"]) -> float:
    """Mean gap between probability and share of right ones over bins of equal numbers (Naeini et al., AAAI 2015)."""
    parts = np.array_split(np.argsort(chance, kind="stable"), BINS)
    return float(
        sum(len(part) * abs(chance[part].mean() - right[part].mean()) for part in parts if len(part)) / len(right)
    )


def _brier(chance: Float[np.ndarray, " n"], right: Float[np.ndarray, " n"]) -> float:
    """Mean squared difference of probability and outcome (Brier 1950)."""
    return float(((chance - right) ** 2).mean())


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
