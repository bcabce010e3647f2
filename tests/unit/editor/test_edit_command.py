"""What the command does for the page."""

import pytest

from regen3d.cli import edit
from regen3d.config import SceneRequest
from regen3d.editor.session import Session


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
