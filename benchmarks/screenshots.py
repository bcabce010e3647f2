"""The pictures of viewer and editor in the documentation, from a finished scene.

    python -m benchmarks.screenshots scenes/living-room

Needs a Chromium (`CHROMIUM` names another than `chromium`) and the package playwright; writes to docs/pictures.
"""

import argparse
import io
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from models.segmentation.clicks import GrabCutter
from regen3d.cli.manifests import manifest_path, read_manifest, store_of
from regen3d.cli.opening import from_manifest
from regen3d.editor.pages import EditorPages
from regen3d.editor.session import Session
from regen3d.export.annotate import inmost_point
from regen3d.serving.server import Server
from regen3d.store import Store
from regen3d.viewer.pages import viewer_pages

if TYPE_CHECKING:
    from playwright.sync_api import Page

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
ARGUMENTS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
]
QUALITY = 82


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scene", type=Path, help="Folder of a finished scene.")
    scene = parser.parse_args().scene
    path = manifest_path(scene)
    manifest = read_manifest(path)
    store = store_of(manifest, path)
    edited = from_manifest(manifest, store, path.absolute().parent)
    pages = EditorPages(edited, GrabCutter(), Session())
    viewer = _served(Server(viewer_pages(manifest, path.absolute().parent, Store(store))))
    editor = _served(Server(pages.get, pages.post, most_bytes=pages.most_bytes))
    largest = max(edited.instances, key=lambda item: int(item.mask.sum()))

    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=ARGUMENTS
        )
        page = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce").new_page()
        _viewer(page, viewer, largest.name)
        _editor(page, editor, inmost_point(largest.mask))
        browser.close()


def _served(server: Server) -> str:
    threading.Thread(target=server.serve, daemon=True).start()
    return server.url


def _viewer(page: "Page", url: str, name: str) -> None:
    page.goto(url)
    page.wait_for_selector(".rv.ready")
    page.locator(f".rv-name[data-name={name}]").click()
    _keep(page, "viewer-photo.jpg")
    page.locator(".rv-canvas").focus()
    for key in [*["ArrowLeft"] * 4, *["ArrowUp"] * 4, *["-"] * 4, "b", "g", "n"]:
        page.keyboard.press(key)
    _keep(page, "viewer-orbit.jpg")


def _editor(page: "Page", url: str, point: tuple[float, float]) -> None:
    page.goto(url)
    page.wait_for_selector("body[data-ready]")
    place = page.evaluate(
        """([x, y]) => {
            const { drawing } = editor, { canvas } = drawing;
            const at = drawing.toCanvas({ x, y }), box = canvas.getBoundingClientRect();
            return [box.x + at.x * box.width / canvas.width, box.y + at.y * box.height / canvas.height];
        }""",
        list(point),
    )
    page.mouse.click(*place)
    _keep(page, "editor.jpg")


def _keep(page: "Page", name: str) -> None:
    page.wait_for_timeout(1500)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.save(PICTURES / name, quality=QUALITY, optimize=True)


if __name__ == "__main__":
    main()
