"""What the command does for the page."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from flows import scene
from regen3d.cli import edit
from regen3d.config import SceneRequest
from regen3d.editor.session import Session
from regen3d.runs import deliver
from regen3d.store import Store
from tests.synthetic.records import finished_scene
from tests.synthetic.room import SyntheticRoom


def test_whatever_breaks_in_a_rebuild_is_told_and_the_editor_stays_open(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stumbles(*_: object) -> None:
        raise ZeroDivisionError("of no class of ours")

    monkeypatch.setattr(edit, "_rebuild", stumbles)
    session = Session()
    edit._work(session, None, SceneRequest(image="room.png", out="out"), None)  # type: ignore[arg-type]
    assert session.state == "failed"
    assert "ZeroDivisionError: of no class of ours" in session.message
    assert "Traceback" in capsys.readouterr().err


def test_corrections_that_a_rebuild_loses_are_told(
    tmp_path: Path, synthetic_room: SyntheticRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(str(tmp_path / "store"))
    anew = finished_scene(store, synthetic_room)
    redone = anew.run.model_copy(update={"redone": ("chair-1",)})
    deliver(store, anew.model_copy(update={"run": redone}), tmp_path)
    monkeypatch.setattr(scene, "reconstruct_scene", lambda _: anew)
    session = Session()
    request = SceneRequest(image="room.png", out=str(tmp_path))
    edit._work(session, SimpleNamespace(viewer=None), request, None)  # type: ignore[arg-type]
    assert session.state == "done"
    assert session.message.endswith(" What was redone is lost: chair-1.")
