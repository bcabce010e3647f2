"""The document's tables are what `results.json` says, in the places that name them."""

import pytest

from benchmarks.evaluation import QUESTIONS, markdown, with_table
from regen3d.evaluation.results import SceneResult
from regen3d.evaluation.summary import Run
from regen3d.evaluation.tables import results_document
from regen3d.metrics.protocols.base import ObjectResult


def run(name: str, *iou: float) -> Run:
    objects = tuple(
        ObjectResult(name=f"thing-{k}", matched=f"chair-{k}" if value else None, values={"box_iou_room": value})
        for k, value in enumerate(iou)
    )
    scene = SceneResult(scene="attic", status="scored", values={"recall": 0.75, "focal_error": 0.012}, objects=objects)
    failed = SceneResult(scene="cellar", status="failed", reason="dark")
    return Run(name=name, description="", scenes=(scene, failed))


@pytest.fixture
def results(tmp_path) -> dict:
    return results_document("rooms", [run("baseline", 0.5, 0.9, 0.0), run("without", 0.1, 0.2, 0.3)], tmp_path)


def test_scenes_have_a_row_each_and_one_for_all(results: dict) -> None:
    lines = markdown(QUESTIONS[0], results).splitlines()
    assert lines[0].startswith("| room | n | large found | precision | focal length |")
    assert lines[2].startswith("| attic | 2/3 | 0.75 | - | 1.2 % |")
    assert lines[3].startswith("| cellar | 0/0 | - | - | - |")
    assert lines[4].startswith("| all | 2/3 | 0.75 | - | 1.2 % |")
    assert all(line.count("|") == lines[0].count("|") for line in lines)


def test_variants_have_a_row_each(results: dict) -> None:
    lines = markdown(QUESTIONS[1], results).splitlines()
    assert lines[2] == "| baseline | 2/3 | - | - | 0.467 | 0.500 | - | - | - |"
    assert lines[3] == "| without | 3/3 | - | - | 0.200 | 0.200 | - | - | - |"


def test_a_table_takes_the_place_that_names_it_and_no_other() -> None:
    text = "a\n<!-- whole -->\nold\n<!-- end of whole -->\nb\n<!-- completion -->\nkept\n<!-- end of completion -->\n"
    new = with_table(text, "whole", "| \\1 |")
    assert new == text.replace("\nold\n", "\n\n| \\1 |\n\n")
    assert with_table(new, "whole", "| \\1 |") == new
    with pytest.raises(SystemExit, match="end of alignment"):
        with_table(text, "alignment", "|")
