"""What `regen3d watch --out` delivers of a scene that the farm made."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from flows import client, watching
from regen3d.cli.runs import _deliver
from regen3d.errors import ConfigError
from regen3d.manifest import Manifest
from regen3d.runs import keep_manifest
from regen3d.store import Store
from regen3d.viewer.pages import viewer_pages
from tests.synthetic.records import finished_scene
from tests.synthetic.room import SyntheticRoom


@pytest.fixture
def made(tmp_path: Path, synthetic_room: SyntheticRoom, monkeypatch: pytest.MonkeyPatch) -> Manifest:
    """A scene that a run on a farm made, kept in its store."""
    store = Store(str(tmp_path / "store"))
    view = SimpleNamespace(id="1", name="room", parameters={"request": {"store": store.uri}})

    @contextlib.contextmanager
    def server() -> Iterator[None]:
        yield

    monkeypatch.setattr(client, "server", server)
    monkeypatch.setattr(watching, "find_run", lambda *_: None)
    monkeypatch.setattr(watching, "views", lambda *_: (view,))
    manifest = finished_scene(store, synthetic_room)
    keep_manifest(store, manifest)
    return manifest


def test_the_scene_is_named_where_it_was_delivered(
    made: Manifest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _deliver("1", tmp_path / "mine")
    assert capsys.readouterr().out == f"Scene: {tmp_path / 'mine/scene.glb'}\n"
    assert (tmp_path / "mine/scene.glb").is_file()


def test_a_scene_without_its_glb_is_told_by_its_report(
    made: Manifest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(made.store)
    exports = {"report.html": store.put_bytes(b"<html>", ".html")}
    lacking = made.model_copy(update={"exports": exports, "missing_formats": {"glb": "no room on the disk"}})
    keep_manifest(store, lacking)
    _deliver("1", tmp_path / "mine")
    assert capsys.readouterr().out == f"Scene: {tmp_path / 'mine/report.html'}\n"
    with pytest.raises(ConfigError, match=r"has no scene\.glb.*no room on the disk.*run the scene again"):
        viewer_pages(lacking, tmp_path / "mine", store)
