import base64
import dataclasses
import hashlib
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from regen3d.export.report import ReportPictures, report_html, shortfalls
from regen3d.manifest import LightEntry, Manifest
from regen3d.store import Ref


class Document(HTMLParser):
    """Collects every reference, every tag and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def pictures() -> ReportPictures:
    sizes = {field.name: (12 + k, 16 + k, 3) for k, field in enumerate(dataclasses.fields(ReportPictures))}
    return ReportPictures(**{name: np.full(size, 128, dtype=np.uint8) for name, size in sizes.items()})


def with_object(manifest: Manifest, **changes: object) -> Manifest:
    return manifest.model_copy(update={"objects": (manifest.objects[0].model_copy(update=changes),)})


def test_the_report_needs_no_other_file(manifest: Manifest, pictures: ReportPictures):
    html = report_html(manifest, pictures)
    document = Document(html)
    assert len(document.references) == 7
    assert all(reference.startswith("data:image/jpeg;base64,") for reference in document.references)
    assert "script" not in document.tags
    assert not re.search(r"https?:|url\(|@import|//[a-z]", re.sub(r"data:image[^\"]*", "", html))


def test_links_to_exports_are_relative(manifest: Manifest, pictures: ReportPictures):
    ref = Ref(digest="c" * 64, suffix=".glb", size=3)
    scene = manifest.model_copy(
        update={"exports": {"scene.glb": ref, "a plate#.png": ref, "objects/a.glb": ref, "objects/b.glb": ref}}
    )
    document = Document(report_html(scene, pictures))
    assert [link for link in document.references if not link.startswith("data:")] == [
        "a%20plate%23.png",
        "objects/",
        "scene.glb",
    ]
    assert 'bpy.ops.import_scene.gltf(filepath="scene.glb")' in document.text


def test_what_others_wrote_stays_text(manifest: Manifest, pictures: ReportPictures):
    attack = "<script>alert(1)</script>"
    scene = with_object(manifest, label=attack, notes=(attack,), reason=attack)
    scene = scene.model_copy(update={"scene": attack, "notes": (attack,)})
    html = report_html(scene, pictures)
    assert "script" not in Document(html).tags
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 5


def test_numbers_and_provenance_are_shown(manifest: Manifest, pictures: ReportPictures):
    text = Document(report_html(manifest, pictures)).text
    for shown in [
        "0.930",
        "+0.1",
        "0.200",
        "0.50 \u00d7 0.90 \u00d7 0.60",
        "GrabCut",
        "MIT",
        "1.50",
        "1.20 m",
        "4.00 by 6.00 m",
    ]:
        assert shown in text, shown
    assert "The ceiling was assumed." in text
    assert manifest.digest[:16] in text


def test_commands_can_be_pasted(manifest: Manifest, pictures: ReportPictures):
    text = Document(report_html(manifest, pictures)).text
    assert "regen3d run 'a room.png' --out . --mesh chair-1=chair-1-fixed.glb" in text
    assert "regen3d stage generate --manifest manifest.json --object chair-1 --seed 5" in text


def test_a_whole_scene_has_no_shortfalls(manifest: Manifest, pictures: ReportPictures):
    assert shortfalls(manifest) == []
    assert "The scene is whole." in Document(report_html(manifest, pictures)).text


def test_a_partial_scene_says_why(manifest: Manifest, pictures: ReportPictures):
    scene = with_object(manifest, status="placeholder", reason="no pose explains the mask", diagnostics=None)
    room = manifest.room.model_copy(update={"believable": False, "confidence": 0.2})
    scene = scene.model_copy(update={"status": "partial", "room": room})
    assert len(shortfalls(scene)) == 2
    text = Document(report_html(scene, pictures)).text
    assert "The scene is partial." in text
    assert "chair-1 is a placeholder: no pose explains the mask" in text
    assert "not believable (confidence 0.20)" in text


def test_the_light_is_told_with_how_far_it_may_be_off(manifest: Manifest, pictures: ReportPictures):
    light = LightEntry(
        value=manifest.plate, direction=[-0.6, 0.8, 0.0], direction_spread_deg=33.0, error=0.1, estimated=("albedo",)
    )
    text = Document(report_html(manifest.model_copy(update={"light": light}), pictures)).text
    assert "53° up, 90° to the left of ahead, give or take 33°" in text
    assert "10 % of the empty room" in text


def test_a_scene_without_objects_has_a_report(manifest: Manifest, pictures: ReportPictures):
    text = Document(report_html(manifest.model_copy(update={"objects": ()}), pictures)).text
    assert "the scene is the empty room" in text
    assert "regen3d stage room --manifest manifest.json" in text


def test_the_3d_view_is_part_of_the_file_and_nothing_else_may_run(manifest: Manifest, pictures: ReportPictures):
    attack = "</script><script>alert(1)</script>"
    html = report_html(with_object(manifest, label=attack, notes=(attack,)), pictures, b"a scene file")
    document = Document(html)
    assert document.tags.count("script") == 3
    assert base64.b64encode(b"a scene file").decode() in html
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html
    assert all(reference.startswith("data:") for reference in document.references)
