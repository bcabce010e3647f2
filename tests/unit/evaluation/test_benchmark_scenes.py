"""The benchmark of whole runs: what it takes, and that its tables hold every scene and stage."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import scenes
from benchmarks.command import Finished
from benchmarks.scenes import Outcome, main, run_table, stage_table
from regen3d import codec
from regen3d.datasets.registry import open_dataset
from regen3d.evaluation.results import SceneResult
from regen3d.evaluation.scoring import ScoreSettings
from regen3d.frames import pixel_centers, transform, unproject
from regen3d.metrics.boxes import bounds_of
from regen3d.runs import deliver
from regen3d.store import Store
from tests.synthetic.dataset import moved_world, write_rendered
from tests.synthetic.records import finished_scene
from tests.synthetic.room import SyntheticRoom


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, synthetic_room: SyntheticRoom) -> Path:
    root = tmp_path_factory.mktemp("dataset")
    write_rendered(synthetic_room, root / "parlour", moved_world())
    return root


def test_a_run_is_timed_and_scored(
    dataset: Path, synthetic_room: SyntheticRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(image: Path, out: Path, options: list[str]) -> Finished:
        assert options == ["--camera", str(tmp_path / "parlour.given" / "camera.json")]
        store = Store(str(out / "store"))
        manifest = finished_scene(store, synthetic_room)
        exports = {"masks/chair-1.png": store.put_bytes(codec.png_bytes(synthetic_room.instances[1].mask), ".png")}
        exports["plate.png"] = store.put_bytes(codec.png_bytes(synthetic_room.plate), ".png")
        background = codec.put_value(store, synthetic_room.room)
        deliver(store, manifest.model_copy(update={"exports": exports, "background": background}), out)
        return Finished(code=0, seconds=12.0, peak_mb=900.0)

    monkeypatch.setattr(scenes, "run_regen3d", run)
    settings = ScoreSettings(samples=2000, drop=False)
    outcome = scenes.measure(open_dataset(dataset).read("parlour"), tmp_path / "parlour", ["camera"], settings)
    assert outcome.result.status == "scored"
    matched = {item.name: item.matched for item in outcome.result.objects}
    assert matched == {"cabinet-1": None, "chair-1": "chair-1", "table-1": None, "vase-1": None}
    crashed = Outcome(
        run=Finished(code=1, seconds=1.0, peak_mb=9.0),
        manifest=None,
        result=SceneResult(scene="attic", status="failed", reason="exit code 1"),
    )
    lines = run_table([outcome, crashed]).splitlines()
    assert [line.split()[:3] for line in lines[4:]] == [["parlour", "0", "12"], ["attic", "1", "1"]]
    assert "align" in stage_table([outcome, crashed])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--given", "masks,poses"], "--given takes masks, camera, plate"),
        (["--scenes", "attic"], "no scene 'attic'"),
    ],
)
def test_what_cannot_be_used_is_named(
    dataset: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    with pytest.raises(SystemExit):
        main(["--data", str(dataset), *arguments])
    assert words in capsys.readouterr().err


def test_shared_scenes_are_what_they_say(data_root: Path) -> None:
    reader = open_dataset(data_root / "scenes")
    for name in reader.names():
        scene = reader.read(name)
        assert scene.objects, name
        assert scene.depth is not None
        assert scene.floor is not None
        depth = np.load(scene.depth).astype(np.float64)
        points = unproject(scene.camera.intrinsics, pixel_centers(scene.camera.hw), depth)
        heights = transform(scene.camera.world_from_camera, points)[..., 1]
        assert np.abs(heights[scene.floor]).max() < 0.02, name
        for item in scene.objects:
            low, high = bounds_of(scene.surface(item).vertices)
            assert (points[item.mask] > low - 0.02).all(), item.name
            assert (points[item.mask] < high + 0.02).all(), item.name
