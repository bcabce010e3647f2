"""Masks mended in a real browser: drawn, undone, saved, rebuilt, seen; and a run that waits for them."""

import contextvars
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from flows.review import go_on
from models.segmentation.clicks import GrabCutter
from regen3d.cli.edit import _opened, _work
from regen3d.config import SceneRequest
from regen3d.corrections import CorrectedObject, corrections_folder, write_corrections
from regen3d.editor.pages import EditorPages
from regen3d.editor.scene import index_of
from regen3d.editor.session import Session
from regen3d.editor.waiting import read_waiting
from regen3d.errors import ConfigError, StageError
from regen3d.manifest import Manifest
from regen3d.serving.server import Server
from tests.flows.conftest import FinishedScene
from tests.synthetic.room import SyntheticRoom

if TYPE_CHECKING:
    from playwright.sync_api import Page

LONG = {"timeout": 600_000}


def in_background(work: Callable[[], object]) -> threading.Thread:
    """Run in a thread that knows the settings of the temporary server."""
    thread = threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True)
    thread.start()
    return thread


@dataclass(frozen=True)
class Sitting:
    """An editor that is open, and works as the command does."""

    out: Path
    url: str
    session: Session


@pytest.fixture
def sitting(furnished_scene: FinishedScene, tmp_path: Path) -> Iterator[Sitting]:
    out = tmp_path / "scene"
    shutil.copytree(furnished_scene.out, out)
    scene, request, waiting = _opened(out, out, None)
    session = Session()
    pages = EditorPages(scene, GrabCutter(), session)
    server = Server(pages.get, pages.post, most_bytes=pages.most_bytes)
    in_background(server.serve)
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            if session.wait_for_job(0.1):
                _work(session, pages, request, waiting)

    worker = in_background(work)
    yield Sitting(out=out, url=server.url, session=session)
    over.set()
    worker.join(timeout=60)
    server.close()


class Picture:
    """The canvas of the editor, in pixels of the picture."""

    def __init__(self, page: "Page") -> None:
        self.page = page

    def at(self, x: float, y: float) -> tuple[float, float]:
        place = self.page.evaluate(
            """([x, y]) => {
                const { drawing } = editor, { canvas } = drawing;
                const at = drawing.toCanvas({ x, y }), box = canvas.getBoundingClientRect();
                return [box.x + at.x * box.width / canvas.width, box.y + at.y * box.height / canvas.height];
            }""",
            [x, y],
        )
        return place[0], place[1]

    def drag(self, *points: tuple[float, float]) -> None:
        self.page.mouse.move(*self.at(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.at(*point), steps=4)
        self.page.mouse.up()

    def count(self, name: str) -> int:
        return self.page.evaluate(
            """name => {
                const item = editor.masks.objects.find((other) => other.name === name);
                return item ? editor.masks.count(item.id) : 0;
            }""",
            name,
        )


def opened(page: "Page", url: str) -> Picture:
    page.goto(url)
    page.wait_for_selector("body[data-ready]")
    return Picture(page)


def inside(room: SyntheticRoom, name: str) -> tuple[float, float, float, float]:
    return tuple(map(float, next(item for item in room.instances if item.name == name).box))  # type: ignore[return-value]


def test_a_mask_is_mended_and_the_scene_rebuilt(page: "Page", sitting: Sitting, synthetic_room: SyntheticRoom) -> None:
    picture = opened(page, sitting.url)
    x0, y0, x1, y1 = inside(synthetic_room, "vase-1")
    whole = picture.count("vase-1")
    # Paint over the vase's upper half, take it back, and do it again.
    page.get_by_role("button", name="vase-1").click()
    page.locator("#view").focus()
    page.keyboard.press("l")
    page.keyboard.down("Alt")
    picture.drag((x0 - 3, y0 - 3), (x1 + 3, y0 - 3), (x1 + 3, (y0 + y1) / 2), (x0 - 3, (y0 + y1) / 2))
    page.keyboard.up("Alt")
    half = picture.count("vase-1")
    assert 0 < half < 0.8 * whole
    page.keyboard.press("Control+z")
    assert picture.count("vase-1") == whole
    page.keyboard.press("Control+Shift+z")
    assert picture.count("vase-1") == half
    # What it is and stands on is said, too.
    page.locator("#label").fill("bowl")
    page.locator("#label").press("Tab")
    page.locator("#support").select_option("table-1")
    page.get_by_role("button", name="Save and rebuild").click()
    page.wait_for_selector("#progress a", **LONG)
    assert "stages were made again" in page.locator("#progress").inner_text()
    # The files: a correction, and a scene that has it.
    saved = json.loads((corrections_folder(sitting.out) / "instances.json").read_text())
    assert {"bowl-1": "table-1"}.items() <= {item["name"]: item.get("support") for item in saved["objects"]}.items()
    manifest = Manifest.model_validate_json((sitting.out / "manifest.json").read_bytes())
    bowl = next(entry for entry in manifest.objects if entry.name == "bowl-1")
    assert bowl.support == "table-1"
    assert np.array(Image.open(sitting.out / "masks/bowl-1.png")).astype(bool).sum() == half
    assert any("mended in the editor" in note for note in manifest.notes)
    # What does not depend on the vase is kept: nothing of it hides the chair.
    kept = {entry.call.object for entry in manifest.stages if entry.reused and entry.call.stage == "generate"}
    assert "chair-1" in kept
    # And the scene itself, seen.
    with page.context.expect_page() as other:
        page.get_by_role("link", name="See the scene").click()
    other.value.wait_for_selector(".rv.ready", **LONG)
    assert "bowl-1" in other.value.locator(".rv-list").inner_text()


def test_every_tool_and_the_keyboard(page: "Page", sitting: Sitting, synthetic_room: SyntheticRoom) -> None:
    picture = opened(page, sitting.url)
    x0, y0, x1, y1 = inside(synthetic_room, "cabinet-1")
    # Choose on the picture, split, merge back.
    page.mouse.click(*picture.at((x0 + x1) / 2, y0 + 12))
    whole = picture.count("cabinet-1")
    page.keyboard.press("s")
    middle = (x0 + x1) / 2
    picture.drag((x0 - 2, y0 - 2), (middle, y0 - 2), (middle, y1 + 2), (x0 - 2, y1 + 2))
    assert picture.count("cabinet-1") + picture.count("cabinet-2") == whole
    page.get_by_role("button", name="cabinet-1").click(modifiers=["Shift"])
    page.locator("#view").focus()
    page.keyboard.press("m")
    assert {picture.count("cabinet-1"), picture.count("cabinet-2")} == {0, whole}
    for _ in range(2):
        page.keyboard.press("Control+z")
    assert picture.count("cabinet-1") == whole
    # A click asks for an outline; a box does.
    page.get_by_role("button", name="cabinet-1").click()
    page.locator("#view").focus()
    page.keyboard.press("Delete")
    assert picture.count("cabinet-1") == 0
    page.keyboard.press("a")
    page.mouse.click(*picture.at((x0 + x1) / 2, y0 + 12))
    page.wait_for_selector("#list [data-id]:has-text('object-1')")
    assert picture.count("object-1") > 0.4 * whole
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    picture.drag((x0, y0), (x1, y1))
    page.wait_for_selector("#list [data-id]:has-text('object-2')")
    # The brush by keyboard alone: a stroke of twenty pixels from the middle of the picture.
    page.keyboard.press("Escape")
    page.locator("#view").focus()
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    assert picture.count("object-3") > 400
    # A name that cannot be is refused in words; a rename is kept.
    page.locator("#name").fill("Not / a name")
    page.locator("#name").press("Tab")
    assert "lower-case letters" in page.locator("#hint").inner_text()
    page.locator("#name").fill("stroke-7")
    page.locator("#name").press("Tab")
    assert picture.count("stroke-7") > 400
    page.keyboard.press("Control+s")
    page.wait_for_selector("#message:has-text('masks saved')")
    assert "stroke-7" in (corrections_folder(sitting.out) / "instances.json").read_text()


def test_a_run_waits_for_its_masks_and_goes_on(furnished_scene: FinishedScene, tmp_path: Path) -> None:
    from flows.scene import reconstruct_scene

    out = tmp_path / "waiting"
    shutil.copytree(furnished_scene.out / "store", out / "store")
    request = furnished_scene.request.model_copy(update={"out": str(out), "store": None, "pause_after": "segment"})
    finished: list[Manifest] = []
    run = in_background(lambda: finished.append(reconstruct_scene(request)))
    waiting = _wait_for(out, run)
    scene, again, _ = _opened(out, out, None)
    assert scene.waiting
    assert again == SceneRequest.model_validate(request.model_dump())
    objects = [
        CorrectedObject(id=number, name=item.name, label=item.label, support="floor" if item.name == "vase-1" else None)
        for number, item in enumerate(scene.instances, start=1)
    ]
    write_corrections(out, objects, index_of(scene.instances, scene.hw))
    go_on(waiting)
    run.join(timeout=300)
    assert finished, "the run did not go on"
    assert read_waiting(out) is None
    with pytest.raises(ConfigError, match="does not wait any more"):
        go_on(waiting)
    assert next(entry for entry in finished[0].objects if entry.name == "vase-1").support == "floor"


def test_a_run_that_nobody_looks_at_says_so(
    furnished_scene: FinishedScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import review
    from flows.scene import reconstruct_scene

    monkeypatch.setattr(review, "PATIENCE_S", 1)
    monkeypatch.setattr(review, "POLL_S", 1)
    out = tmp_path / "waiting"
    shutil.copytree(furnished_scene.out / "store", out / "store")
    request = furnished_scene.request.model_copy(update={"out": str(out), "store": None, "pause_after": "segment"})
    with pytest.raises(StageError, match="nobody has looked at the masks of 'image'"):
        reconstruct_scene(request)
    assert read_waiting(out) is None


def _wait_for(out: Path, run: threading.Thread) -> str:
    """The flow run, as soon as the folder says that it waits: it can be answered then."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and run.is_alive():
        waiting = read_waiting(out)
        if waiting is not None:
            return waiting.flow_run
        time.sleep(0.02)
    raise AssertionError("the run did not wait")
