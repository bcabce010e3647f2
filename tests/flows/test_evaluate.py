"""A data set through the flow: run, scored, resumed; a scene that breaks stays alone."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import trimesh

from regen3d.cli import main
from regen3d.datasets.registry import open_dataset
from regen3d.errors import ConfigError
from regen3d.evaluation.given import truth_as_input
from regen3d.evaluation.request import EvaluationRequest
from tasks.progress import Progress, listening
from tests.synthetic.dataset import moved_world, write_front3d, write_rendered
from tests.synthetic.room import SyntheticRoom


@dataclass(frozen=True)
class Evaluated:
    """Results, how they were asked for, and what happened on the way."""

    request: EvaluationRequest
    results: tuple
    events: list[Progress]

    @property
    def rows(self) -> dict:
        return {scene.scene: scene for scene in self.results[0].scenes}


def evaluated(request: EvaluationRequest) -> Evaluated:
    from flows.evaluate import evaluate

    events: list[Progress] = []
    with listening(events.append):
        results = evaluate(request)
    return Evaluated(request=request, results=results, events=events)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, synthetic_room: SyntheticRoom) -> Path:
    root = tmp_path_factory.mktemp("dataset")
    for name in ("attic", "parlour"):
        write_rendered(synthetic_room, root / name, moved_world())
    (root / "attic" / "camera.json").write_text("{")
    return root


@pytest.fixture(scope="module")
def alignment(prefect_server: None, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """Alignment alone: everything else is the truth."""
    request = EvaluationRequest(
        dataset=str(dataset),
        out=str(tmp_path_factory.mktemp("results")),
        oracle=("masks", "camera", "geometry", "meshes", "plate"),
    )
    return evaluated(request)


def test_with_the_truth_for_all_else_alignment_is_judged(alignment: Evaluated) -> None:
    result = alignment.rows["parlour"]
    assert (result.status, result.reason) == ("scored", None)
    assert result.values["recall_all"] == 1.0
    assert result.values["focal_error"] == pytest.approx(0.0)
    for item in result.objects:
        assert item.matched == item.name
        assert item.values["box_iou_own"] > 0.8, item
        assert item.values["rotation_error_deg"] < 10.0, item
        assert item.values["scale_ratio"] == pytest.approx(1.0, abs=0.05)
    assert all(path.is_file() for path in result.pictures.values())


def test_one_broken_scene_is_a_row_with_its_reason(alignment: Evaluated) -> None:
    broken = alignment.rows["attic"]
    assert broken.status == "failed"
    assert broken.reason is not None
    assert "camera.json" in broken.reason
    assert broken.values == {}


def test_a_second_run_computes_nothing(alignment: Evaluated, monkeypatch: pytest.MonkeyPatch) -> None:
    again = evaluated(alignment.request.model_copy(update={"scenes": ("parlour",)}))
    stages = {event.stage for event in again.events if event.event == "finished"}
    assert stages == {"evaluate"}
    assert again.rows["parlour"] == alignment.rows["parlour"]


def test_an_ablation_is_a_variant_beside_the_baseline(alignment: Evaluated) -> None:
    request = alignment.request.model_copy(update={"scenes": ("parlour",), "ablate": ("planar",)})
    both = evaluated(request)
    assert [each.name for each in both.results] == ["baseline", "without planar model"]
    computed = {event.stage for event in both.events if event.event == "finished"}
    # The variants share what they have in common: only alignment and what follows is made again.
    assert "align" in computed
    assert computed <= {"align", "walls", "assemble", "export", "report", "evaluate"}
    assert both.results[0].scenes[0] == alignment.rows["parlour"]
    assert both.results[1].scenes[0].status == "scored"


def test_depth_stands_in_where_no_estimated_points_are(
    dataset: Path, tmp_path: Path, synthetic_room: SyntheticRoom
) -> None:
    from dataclasses import replace

    import numpy as np

    truth = open_dataset(dataset).read("parlour")
    given = truth_as_input(replace(truth, points=None), ("geometry",), tmp_path)
    assert set(given) == {"camera", "points"}
    with np.load(given["points"]) as arrays:
        assert np.allclose(arrays["points"], synthetic_room.geometry.image_points.points, atol=1e-4)
        assert arrays["background_points"].shape == arrays["points"].shape


@pytest.mark.parametrize("oracle", ["plate", "geometry", "meshes"])
def test_what_a_data_set_does_not_know_cannot_stand_in(
    synthetic_room: SyntheticRoom, tmp_path: Path, oracle: str
) -> None:
    reader = open_dataset(write_front3d(synthetic_room, tmp_path / "front3d"))
    with pytest.raises(ConfigError, match=f"leave {oracle} out of --oracle"):
        truth_as_input(reader.read("house.Kitchen-1"), (oracle,), tmp_path / "given")


def test_another_system_stands_in_the_same_table(
    dataset: Path,
    synthetic_room: SyntheticRoom,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    prefect_server: None,
) -> None:
    scene = trimesh.Scene()
    for path in sorted((dataset / "parlour" / "meshes").glob("*-1.glb")):
        solid = trimesh.load_scene(path).to_mesh()
        scene.add_geometry(trimesh.Trimesh(solid.vertices, solid.faces), node_name=path.stem)
    (tmp_path / "theirs").mkdir()
    scene.export(tmp_path / "theirs" / "parlour.glb")
    arguments = [str(dataset), "--scenes", "parlour", "--predictions", str(tmp_path / "theirs"), "--frame", "dataset"]
    monkeypatch.setattr("sys.argv", ["regen3d", "evaluate", *arguments, "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 0, capsys.readouterr().err
    document = json.loads((tmp_path / "out" / "results.json").read_text())
    (run,) = document["runs"]
    assert run["name"] == "theirs"
    assert run["counts"]["objects_matched"] == len(synthetic_room.objects)
    for key in ("stable_share", "watertight", "penetration_litres"):
        assert key in run["scene_values"], key
    # What was measured is not measured again, but a file that changed is.
    monkeypatch.setattr("tasks.evaluate.score_scene", _not_again)
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 0
    (tmp_path / "theirs" / "parlour.glb").write_bytes(b"no scene")
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 3
    assert run["scene_values"]["object_box_iou"]["mean"] == pytest.approx(1.0, abs=1e-3)
    assert "parlour" in (tmp_path / "out" / "results.md").read_text()


def _not_again(*_: object) -> None:
    raise AssertionError("measured twice")


def test_a_scene_that_is_not_there_is_a_row_and_exit_code_3(
    dataset: Path,
    synthetic_room: SyntheticRoom,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    prefect_server: None,
) -> None:
    (tmp_path / "theirs").mkdir()
    arguments = [
        str(dataset),
        "--scenes",
        "parlour",
        "--predictions",
        str(tmp_path / "theirs"),
        "--out",
        str(tmp_path / "out"),
    ]
    monkeypatch.setattr("sys.argv", ["regen3d", "evaluate", *arguments])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 3
    assert "parlour.glb" in capsys.readouterr().err
    (run,) = json.loads((tmp_path / "out" / "results.json").read_text())["runs"]
    assert run["counts"] == {
        "scenes": 1,
        "scored": 0,
        "missing": 1,
        "failed": 0,
        "objects": len(synthetic_room.objects),
        "objects_matched": 0,
    }
    assert run["object_values"]["box_iou_room"]["mean"] == 0.0
