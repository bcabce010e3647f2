import json

import pytest

from regen3d.manifest import Diagnostics, Manifest, ObjectEntry
from regen3d.viewer.facts import doubts, script_json, viewer_facts


def judged(entry: ObjectEntry, **changes: float) -> ObjectEntry:
    diagnostics = Diagnostics(mask_iou=0.93, contact_gap_m=0.0, point_residual_m=None, runner_up_margin=0.2)
    return entry.model_copy(update={"diagnostics": diagnostics.model_copy(update=changes)})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"mask_iou": 0.5}, ["poor fit"]),
        ({"runner_up_margin": 0.001}, ["ambiguous orientation"]),
        ({"confidence": 0.3}, ["pose may be wrong"]),
        ({"confidence": 0.95}, []),
        ({"contact_gap_m": 0.1}, ["floats"]),
        ({"contact_gap_m": -0.1}, ["sinks in"]),
    ],
)
def test_doubtful_objects_are_flagged(changes: dict[str, float], expected: list[str], manifest: Manifest):
    assert doubts(judged(manifest.objects[0], **changes)) == expected


def test_an_object_cut_by_the_border_is_flagged(manifest: Manifest):
    entry = manifest.objects[0].model_copy(update={"status": "failed", "truncated": True, "diagnostics": None})
    assert doubts(entry) == ["failed", "cut by the border"]


def test_what_the_viewer_reads_is_json_that_cannot_end_its_element(manifest: Manifest):
    attack = "</script><!--\u2028"
    scene = manifest.model_copy(update={"objects": (manifest.objects[0].model_copy(update={"label": attack}),)})
    text = script_json(viewer_facts(scene, photo="photo.png", glb="scene.glb"))
    assert "<" not in text
    facts = json.loads(text)
    assert facts["objects"][0]["label"] == attack
    assert facts["camera"]["world_from_camera"] == manifest.camera.world_from_camera
    assert facts["objects"][0]["file"] is None


def test_only_files_that_are_there_are_offered(manifest: Manifest):
    files = {"scene.glb": manifest.plate, "objects/chair-1.glb": manifest.plate, "report.html": manifest.plate}
    facts = viewer_facts(manifest.model_copy(update={"exports": files}), photo="", glb="")
    assert facts["files"] == ["scene.glb"]
    assert facts["objects"][0]["file"] == "objects/chair-1.glb"
