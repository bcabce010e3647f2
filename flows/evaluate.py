"""A data set with truth in, results out: every scene run and scored, one that breaks is a row with its reason."""

from dataclasses import replace
from pathlib import Path

from prefect import flow

from flows.scene import reconstruct_scene
from regen3d.config import SceneRequest
from regen3d.datasets.registry import chosen_scenes, open_dataset
from regen3d.datasets.truth import DatasetReader, TrueScene
from regen3d.errors import Regen3dError
from regen3d.evaluation.given import truth_as_input, truth_picture
from regen3d.evaluation.report import write_results
from regen3d.evaluation.request import EvaluationRequest, Variant
from regen3d.evaluation.results import SceneResult
from regen3d.evaluation.summary import Run
from regen3d.fingerprint import run_key
from regen3d.manifest import Manifest
from regen3d.runs import deliver, find_run
from regen3d.store import Store
from tasks.evaluate import score, score_prediction
from tasks.progress import Progress, tell

PICTURES = ("overlay", "render", "masks", "dollhouse")
"""Of a scene's folder, shown in the report."""


@flow(name="evaluate", flow_run_name="evaluate")
def evaluate(request: EvaluationRequest) -> tuple[Run, ...]:
    """Run and score the scenes of a data set in each variant, and write the results.

    Raises:
        ConfigError: the data set, or a scene that is named, is not there.
    """
    reader = open_dataset(Path(request.dataset))
    names = chosen_scenes(reader, request.scenes)
    # Scene by scene: the variants of one share most of their stages.
    rows = {name: [_result(request, reader, name, variant) for variant in request.variants] for name in names}
    runs = tuple(
        Run(name=variant.name, description=variant.summary, scenes=tuple(rows[name][k] for name in names))
        for k, variant in enumerate(request.variants)
    )
    write_results(folder=Path(request.out), title=request.title, runs=runs)
    return runs


def scene_folder(request: EvaluationRequest, scene: str, variant: Variant) -> Path:
    """Where one scene of one variant is written."""
    return Path(request.out) / "scenes" / scene / variant.name.replace("'", "").replace(" ", "-")


def _result(request: EvaluationRequest, reader: DatasetReader, name: str, variant: Variant) -> SceneResult:
    title = f"{name}, {variant.name}"
    tell(Progress(stage="evaluate", object=title, event="started"))
    try:
        truth = reader.read(name)
        if request.predictions is None:
            result = _scored(request, truth, variant)
        else:
            store = Path(request.out) / "scenes" / name / "store"
            result = score_prediction(request, truth, request.predictions, str(store))
        drawn = truth_picture(truth, Path(request.out) / "scenes" / name / "truth.png")
        result = replace(result, pictures={"photo": truth.image, "truth": drawn, **result.pictures})
    except Exception as error:  # noqa: BLE001 - the border of one scene: the others go on, whatever broke in this one
        reason = str(error) if isinstance(error, Regen3dError) else f"{type(error).__name__}: {error}"
        result = SceneResult(scene=name, status="failed", reason=reason)
    event = "finished" if result.status == "scored" else "failed"
    tell(Progress(stage="evaluate", object=title, event=event))
    return result


def _scored(request: EvaluationRequest, truth: TrueScene, variant: Variant) -> SceneResult:
    out = scene_folder(request, truth.name, variant)
    asked = SceneRequest(
        image=str(truth.image),
        out=str(out),
        store=str(out.parent / "store"),
        profile=request.profile,
        overrides={**request.overrides, **variant.overrides},
        allow_noncommercial=request.allow_noncommercial,
        territory=request.territory,
        seed=request.seed,
        align=variant.align,
        **truth_as_input(truth, request.oracle, out.parent / "truth"),
    )
    result = score(request, truth, _manifest(asked), asked.store_uri)
    return replace(result, pictures={name: out / f"{name}.png" for name in PICTURES})


def _manifest(request: SceneRequest) -> Manifest:
    """The finished scene, from its store where it is there."""
    store = Store(request.store_uri)
    known = find_run(store, run_key(request))
    return reconstruct_scene(request) if known is None else deliver(store, known, Path(request.out))
