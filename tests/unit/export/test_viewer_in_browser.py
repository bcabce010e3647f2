"""The 3D view of a report in a real browser: opened as a file, without a network."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from regen3d.export.glb import scene_glb
from regen3d.export.report import ReportPictures, report_html
from regen3d.export.scene import ExportScene, SceneObject
from regen3d.frames import upright
from regen3d.manifest import Manifest
from regen3d.types import Camera, Mesh, Room
from tests.unit.export.conftest import object_entry

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDE = {"timeout": 60_000}


@pytest.fixture
def report(manifest: Manifest, room: Room, camera: Camera, red_box: Mesh, blue_box: Mesh, tmp_path: Path) -> Path:
    """A report with a red box on the left and a blue one on the right, three metres away, 1.6 m apart."""
    places = {"red-1": (red_box, -0.8), "blue-1": (blue_box, 0.8)}
    poses = {name: upright(yaw_rad=0.0, translation=np.array([x, 0.0, -3.0])) for name, (_, x) in places.items()}
    nodes = tuple(
        SceneObject(name=name, mesh=mesh, world_from_object=poses[name], extras={})
        for name, (mesh, _) in places.items()
    )
    scene = manifest.model_copy(update={"objects": tuple(object_entry(name) for name in places)})
    pixels = {field.name: np.full((120, 160, 3), 90, dtype=np.uint8) for field in dataclasses.fields(ReportPictures)}
    photo = np.zeros((120, 160, 3), dtype=np.uint8)
    shown = ExportScene(name="test", objects=nodes, room=room, camera=camera, photo=photo)
    html = report_html(scene, ReportPictures(**pixels), scene_glb(shown))
    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    return tmp_path / "report.html"


def at(page: "Page", camera: Camera, point: tuple[float, float, float]) -> tuple[float, float]:
    """Where a point of the world lies in the window, by the camera of the photograph as Python knows it."""
    x, y, z = (camera.intrinsics @ (camera.camera_from_world @ np.array([*point, 1.0]))[:3]).tolist()
    box = page.locator(".rv-canvas").bounding_box()
    assert box is not None
    scale = min(box["width"] / camera.width, box["height"] / camera.height)
    left, top = (box["width"] - camera.width * scale) / 2, (box["height"] - camera.height * scale) / 2
    return box["x"] + left + x / z * scale, box["y"] + top + y / z * scale


def test_a_scene_is_looked_at_and_measured(page: "Page", report: Path, camera: Camera) -> None:
    from playwright.sync_api import expect

    page.context.set_offline(True)
    page.goto(report.as_uri())
    page.wait_for_selector(".rv.ready", **WIDE)
    # It begins at the camera of the photograph: the boxes are where that camera sees them.
    page.mouse.click(*at(page, camera, (-0.8, 0.5, -2.5)))
    assert page.locator(".rv-name[aria-pressed=true]").inner_text().startswith("red-1")
    assert "0.930" in page.locator(".rv-card").inner_text()
    page.mouse.click(*at(page, camera, (0.8, 0.5, -2.5)))
    assert page.locator(".rv-name[aria-pressed=true]").inner_text().startswith("blue-1")
    # Two points on the fronts of the boxes.
    page.locator(".rv-canvas").focus()
    page.keyboard.press("m")
    page.mouse.click(*at(page, camera, (-0.8, 0.5, -2.5)))
    page.mouse.click(*at(page, camera, (0.8, 0.5, -2.5)))
    assert "1.6" in page.locator(".rv-status").inner_text()
    page.keyboard.press("Escape")
    # Placeholders, then the keyboard alone: turn, and back to the photograph.
    page.get_by_role("button", name="Placeholders").click()
    assert page.evaluate("document.getElementById('viewer').viewer.stage.thing('red-1').box.visible")
    before = page.locator(".rv-stage").screenshot()
    page.locator(".rv-canvas").focus()
    for key in ("ArrowLeft", "ArrowUp", "w", "b", "g", "n", "l"):
        page.keyboard.press(key)
    assert page.get_by_role("button", name="Photo's camera").get_attribute("aria-pressed") == "false"
    assert page.locator(".rv-stage").screenshot() != before
    page.keyboard.press("0")
    assert page.get_by_role("button", name="Photo's camera").get_attribute("aria-pressed") == "true"
    # The photograph over the scene.
    page.locator("#rv-blend").fill("100")
    expect(page.locator(".rv-photo")).to_have_css("opacity", "1")


def test_the_report_is_whole_without_webgl(page: "Page", report: Path) -> None:
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null; console.error = () => {};")
    page.goto(report.as_uri())
    page.wait_for_selector(".rv.failed", **WIDE)
    assert "Everything else on this page works" in page.locator(".rv-status").inner_text()
    assert page.get_by_alt_text("Overlay").is_visible()
    assert page.get_by_role("heading", name="Objects").is_visible()
