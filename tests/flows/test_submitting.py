"""What is handed to the farm again, and what stands as it is."""

from pathlib import Path
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.states import Failed, Scheduled

from flows import submitting
from flows.submitting import Order, submit_scene
from regen3d.config import SceneRequest
from regen3d.corrections import CorrectedObject, with_corrections, write_corrections
from regen3d.fingerprint import run_key
from regen3d.runs import deliver, keep_run
from regen3d.store import Store
from tests.synthetic.records import finished_scene
from tests.synthetic.room import SyntheticRoom


@pytest.fixture
def request_(synthetic_inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SceneRequest:
    """A scene whose first run failed."""
    failed = FlowRun(id=uuid4(), flow_id=uuid4(), state=Failed())
    started = FlowRun(id=uuid4(), flow_id=uuid4(), state=Scheduled())
    monkeypatch.setattr(submitting, "_known", lambda _, key: failed if key.endswith("-0") else None)
    monkeypatch.setattr(submitting, "_ordered", lambda *_: started)
    return SceneRequest(
        image=str(synthetic_inputs / "image.png"), out=str(tmp_path / "scene"), store=str(tmp_path / "store")
    )


def news(request: SceneRequest) -> str:
    return submit_scene(None, request, Order()).news  # type: ignore[arg-type]


def keep_correction(request: SceneRequest, out: str, room: SyntheticRoom, missing: tuple[str, ...] = ()) -> None:
    """The answer of the request as it stands after a redo in a folder, where it is delivered."""
    store = Store(request.store_uri)
    scene = finished_scene(store, room)
    key = run_key(with_corrections(request))
    asked = {**request.model_dump(mode="json"), "out": out}
    run = scene.run.model_copy(update={"key": key, "redone": ("chair-1",), "request": asked})
    corrected = scene.model_copy(update={"run": run, "missing_formats": dict.fromkeys(missing, "no room")})
    keep_run(store, key, corrected)
    deliver(store, corrected, Path(out))


def test_a_scene_that_failed_is_tried_again_but_for_one_that_was_corrected(
    request_: SceneRequest, synthetic_room: SyntheticRoom
) -> None:
    assert news(request_) == "submitted"
    keep_correction(request_, request_.out, synthetic_room)
    assert news(request_) == "done"


def test_a_correction_in_another_folder_leaves_this_one_to_be_made(
    request_: SceneRequest, synthetic_room: SyntheticRoom
) -> None:
    keep_correction(request_, f"{request_.out}-2", synthetic_room)
    assert news(request_) == "submitted"


def test_a_correction_of_a_scene_whose_masks_were_mended_stands(
    request_: SceneRequest, synthetic_room: SyntheticRoom
) -> None:
    objects = [CorrectedObject(id=1, name="chair-1", label="chair", support=None)]
    index = (next(item for item in synthetic_room.instances if item.name == "chair-1").mask).astype("uint8")
    write_corrections(Path(request_.out), objects, index)
    keep_correction(request_, request_.out, synthetic_room)
    assert news(request_) == "done"


def test_a_corrected_scene_that_lacks_a_format_is_handed_over_and_keeps_its_corrections(
    request_: SceneRequest, synthetic_room: SyntheticRoom
) -> None:
    keep_correction(request_, request_.out, synthetic_room, missing=("fbx",))
    submitted = submit_scene(None, request_, Order())  # type: ignore[arg-type]
    assert (submitted.news, submitted.undone) == ("submitted", ())


def test_what_another_order_undoes_in_the_folder_is_told(request_: SceneRequest, synthetic_room: SyntheticRoom) -> None:
    keep_correction(request_, request_.out, synthetic_room)
    other = request_.model_copy(update={"seed": 1})
    submitted = submit_scene(None, other, Order())  # type: ignore[arg-type]
    assert (submitted.news, submitted.undone) == ("submitted", ("chair-1",))
    again = submit_scene(None, request_, Order(), again=True)  # type: ignore[arg-type]
    assert again.undone == ("chair-1",)
