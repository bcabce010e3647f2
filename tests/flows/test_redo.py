"""One object again: everything else stays exactly as it was, and what the user gives wins."""

import contextvars
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from models.base import Segmentation
from regen3d import codec
from regen3d.cli.app import app
from regen3d.cli.run import PARTIAL
from regen3d.errors import ConfigError, InputError
from regen3d.export import obj
from regen3d.fingerprint import derive_seed, run_key
from regen3d.manifest import HAND_MADE, Manifest
from regen3d.redo import RedoRequest, calls_of, new_seed
from regen3d.runs import keep_run
from regen3d.store import Store
from tests.flows.conftest import FinishedScene


@dataclass(frozen=True)
class Copied:
    """A copy of the furnished scene, to change."""

    folder: Path
    before: Manifest

    @property
    def store(self) -> Store:
        return Store(str(self.folder / "store"))

    def read(self) -> Manifest:
        return Manifest.model_validate_json((self.folder / "manifest.json").read_bytes())

    def redo(self, **changes: object) -> Manifest:
        from flows.redo import redo_object

        run = self.read().run.id
        request = {"run": run, "store": str(self.folder / "store"), "out": str(self.folder), **changes}
        return redo_object(RedoRequest.model_validate(request))


@pytest.fixture
def scene(furnished_scene: FinishedScene, tmp_path: Path) -> Copied:
    shutil.copytree(furnished_scene.out, tmp_path / "scene")
    return Copied(folder=tmp_path / "scene", before=furnished_scene.manifest)


def others(manifest: Manifest, name: str) -> list:
    """All that a manifest says of the other objects, the room and the camera."""
    scene = calls_of(manifest)
    values = {stage: entry.value for stage, entry in scene.shared.items() if stage in ("plate", "geometry", "room")}
    made = {
        (key, stage): (entry.value, entry.provenance)
        for key, calls in scene.objects.items()
        for stage, entry in calls.items()
        if key != name
    }
    return [[entry for entry in manifest.objects if entry.name != name], values, made, manifest.camera, manifest.room]


def test_a_mask_and_a_label_win_and_the_others_stay(scene: Copied, tmp_path: Path) -> None:
    name = "cabinet-1"
    known = codec.get_value(scene.store, calls_of(scene.before).shared["segment"].value, Segmentation)
    old = next(item for item in known.instances if item.name == name).mask
    # The user leaves a strip of the object out, and paints over a neighbour's pixels.
    painted = old.copy()
    columns = np.flatnonzero(old.any(axis=0))
    painted[:, columns[: len(columns) // 8]] = False
    neighbour = next(item for item in known.instances if item.name != name).mask
    painted |= neighbour & (np.cumsum(neighbour).reshape(neighbour.shape) <= 20)
    Image.fromarray(painted.astype(np.uint8) * 255).save(tmp_path / "mask.png")
    after = scene.redo(object=name, mask=str(tmp_path / "mask.png"), label="wardrobe")
    assert others(after, name) == others(scene.before, name)
    entry = next(item for item in after.objects if item.name == name)
    assert (entry.label, entry.score) == ("wardrobe", 1.0)
    segment = calls_of(after).shared["segment"]
    assert segment.call.adapter == HAND_MADE
    seen = codec.get_value(scene.store, segment.value, Segmentation).instances
    assert np.array_equal(next(item for item in seen if item.name == name).mask, painted)
    fresh = {(item.call.stage, item.call.object) for item in after.stages if not item.reused}
    shared = {("segment", None), ("isolate", None), ("assemble", None), ("export", None), ("report", None)}
    assert fresh == shared | {("complete", name), ("generate", name), ("align", name)}
    assert scene.read() == after


def test_without_anything_given_the_next_seed_is_tried_by_the_command_on_a_folder(scene: Copied) -> None:
    name = "cabinet-1"
    answer = CliRunner().invoke(app, ["redo", str(scene.folder), "--object", name])
    assert answer.exit_code == 0, answer.output
    assert "scene.glb" in answer.output
    after = scene.read()
    assert others(after, name) == others(scene.before, name)
    tried = calls_of(after).objects[name]["generate"].call.seed
    assert tried == derive_seed(scene.before.seed + 1, "generate", name)
    assert new_seed(after, RedoRequest(run="r", store="s", out="o", object=name)) == scene.before.seed + 2
    # The old seed again is the old object again: nothing of it is computed.
    given = scene.redo(object=name, seed=scene.before.seed)
    assert calls_of(given).objects[name]["align"].value == calls_of(scene.before).objects[name]["align"].value
    assert {item.call.object for item in given.stages if not item.reused} <= {None}


def test_redos_of_one_scene_add_up_and_the_same_run_again_delivers_them(
    scene: Copied, furnished_scene: FinishedScene
) -> None:
    first, names = scene.read().run.id, ("cabinet-1", "chair-1")

    def again(name: str) -> Manifest:
        return scene.redo(run=first, object=name, seed=5)

    # Both name the first run, as who knows the scene by name does, and both at the same time.
    with ThreadPoolExecutor() as threads:
        for answer in [threads.submit(contextvars.copy_context().run, again, name) for name in names]:
            answer.result()
    after = scene.read()
    for name in names:
        assert calls_of(after).objects[name]["generate"].call.seed == derive_seed(5, "generate", name)
    assert after.run.redone == names
    asked = furnished_scene.request
    command = ["run", asked.image, "--masks", str(asked.masks), "--camera", str(asked.camera)]
    places = ["--out", str(scene.folder), "--store", str(scene.folder / "store")]
    answer = CliRunner().invoke(app, [*command, *places])
    assert answer.exit_code == 0, answer.output
    assert "Nothing to compute" in answer.output
    assert "without what was redone" not in answer.output
    assert scene.read().digest == after.digest
    # Another question that was answered before is not computed either, but knows no correction: that is said.
    store = Store(str(scene.folder / "store"))
    keep_run(store, run_key(asked.model_copy(update={"seed": 1})), scene.before)
    answer = CliRunner().invoke(app, [*command, *places, "--seed", "1"])
    assert "Nothing to compute" in answer.output
    assert "gets a scene without what was redone there: cabinet-1, chair-1" in answer.output


def test_formats_that_a_corrected_scene_lacks_are_tried_again(
    scene: Copied, furnished_scene: FinishedScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = furnished_scene.request
    command = ["run", asked.image, "--masks", str(asked.masks), "--camera", str(asked.camera), "--format", "obj"]
    places = ["--out", str(scene.folder), "--store", str(scene.folder / "store")]
    with monkeypatch.context() as broken:
        broken.setattr(obj, "write", lambda scene, settings: {}["chair-1"])
        assert CliRunner().invoke(app, [*command, *places]).exit_code == PARTIAL
        corrected = scene.redo(object="cabinet-1", seed=5)
    assert corrected.missing_formats.keys() == {"obj"}
    answer = CliRunner().invoke(app, [*command, *places])
    assert answer.exit_code == 0, answer.output
    after = scene.read()
    assert (after.objects, after.run.redone) == (corrected.objects, ("cabinet-1",))
    assert after.missing_formats == {}
    assert (scene.folder / "obj/chair-1.obj").is_file()
    assert {entry.call.stage for entry in after.stages if not entry.reused} == {"export"}
    assert "Nothing to compute" in CliRunner().invoke(app, [*command, *places]).output


def test_what_cannot_be_used_leaves_the_scene_as_it_was(scene: Copied, tmp_path: Path) -> None:
    Image.new("L", (33, 44), 255).save(tmp_path / "small.png")
    before = (scene.folder / "manifest.json").read_bytes()
    with pytest.raises(ConfigError, match="no object 'throne-1': choose one of"):
        scene.redo(object="throne-1")
    with pytest.raises(InputError, match="33 x 44"):
        scene.redo(object="cabinet-1", mask=str(tmp_path / "small.png"))
    with pytest.raises(ConfigError, match="knows no scene"):
        scene.redo(object="cabinet-1", run="never")
    assert (scene.folder / "manifest.json").read_bytes() == before
