"""Tables count what failed, keep what is finite, and say which run is better."""

import json
from pathlib import Path

import numpy as np
import pytest

from regen3d.evaluation.columns import column, headline
from regen3d.evaluation.results import SceneResult
from regen3d.evaluation.summary import Run, counts_sentence, object_summary, run_counts, scene_summary, summarise
from regen3d.evaluation.tables import (
    comparison,
    json_text,
    object_table,
    results_document,
    results_markdown,
    scene_table,
    summary_table,
)
from regen3d.metrics.protocols.base import ObjectResult


def run(name: str = "baseline", better: float = 0.0) -> Run:
    """Two scenes that were scored and one that failed."""

    def scene(title: str, f_score: float, chamfer: float) -> SceneResult:
        return SceneResult(
            scene=title,
            status="scored",
            values={
                "objects_missing": 1.0,
                "f_score_5cm": f_score + better,
                "chamfer_m": chamfer - better / 10,
                "box_iou": 0.5,
                "aligned_scale": float("nan"),
            },
            objects=(
                ObjectResult(name="bed", matched="bed-1", values={"oriented_box_iou": f_score, "chamfer_m": chamfer}),
                ObjectResult(name="lamp", matched=None, values={"oriented_box_iou": 0.0}),
            ),
            notes=("A remark | with a bar.",),
        )

    failed = SceneResult(scene="attic", status="failed", reason="no objects | at all")
    return Run(name=name, description="as it is", scenes=(scene("bedroom", 0.8, 0.02), scene("den", 0.4, 0.06), failed))


def test_summaries_are_mean_median_and_band_over_what_was_scored() -> None:
    summary = scene_summary(run())
    assert summary["f_score_5cm"].mean.value == pytest.approx(0.6)
    assert summary["f_score_5cm"].median.value == pytest.approx(0.6)
    assert summary["f_score_5cm"].mean.count == 2
    assert 0.4 <= summary["f_score_5cm"].mean.low <= 0.6 <= summary["f_score_5cm"].mean.high <= 0.8
    assert "aligned_scale" not in summary


def test_failed_scenes_count_as_zero_where_zero_is_the_worst() -> None:
    summary = scene_summary(run())
    assert summary["f_score_5cm"].mean_with_failed == pytest.approx(0.4)
    assert summary["chamfer_m"].mean_with_failed is None
    assert summarise([{"f_score_5cm": 1.0}], failed=0)["f_score_5cm"].mean_with_failed is None


def test_objects_are_summed_up_over_all_scenes() -> None:
    summary = object_summary(run())
    assert summary["oriented_box_iou"].mean.value == pytest.approx(0.3)
    assert (summary["oriented_box_iou"].mean.count, summary["chamfer_m"].mean.count) == (4, 2)


def test_everything_is_counted() -> None:
    counts = run_counts(run())
    assert counts == {"scenes": 3, "scored": 2, "missing": 0, "failed": 1, "objects": 4, "objects_matched": 2}
    assert counts_sentence(run()) == "2 of 3 scenes scored, 0 missing, 1 failed; 2 of 4 objects matched."


def test_the_document_is_finite_json_with_relative_pictures(tmp_path: Path) -> None:
    first = run()
    inside, outside = tmp_path / "scenes" / "overlay.png", tmp_path.parent / "photo.png"
    shown = SceneResult(
        scene="x", status="scored", values={"box_iou": np.float64(1.0)}, pictures={"a": inside, "b": outside}
    )
    document = results_document("Rooms", [Run(name="r", description="d", scenes=(*first.scenes, shown))], tmp_path)
    read = json.loads(json_text(document))
    assert read["schema"] == 1
    scenes = read["runs"][0]["scenes"]
    assert [scene["status"] for scene in scenes] == ["scored", "scored", "failed", "scored"]
    assert scenes[2]["reason"] == "no objects | at all"
    assert "aligned_scale" not in scenes[0]["values"]
    assert scenes[0]["objects"][1] == {"name": "lamp", "matched": None, "values": {"oriented_box_iou": 0.0}}
    assert scenes[3]["pictures"] == {"a": "scenes/overlay.png", "b": outside.as_posix()}
    assert set(read["runs"][0]["scene_values"]["box_iou"]) == {
        "count", "mean", "mean_low", "mean_high", "median", "median_low", "median_high", "mean_with_failed",
    }  # fmt: skip
    with pytest.raises(ValueError, match="JSON"):
        json_text({"a": float("nan")})


def test_the_same_results_give_the_same_document(tmp_path: Path) -> None:
    assert json_text(results_document("t", [run()], tmp_path)) == json_text(results_document("t", [run()], tmp_path))


def test_comparison_has_a_row_a_run_and_marks_what_is_best() -> None:
    table = comparison([run(), run("without search", better=-0.2)])
    assert [row[0] for row in table.rows] == ["baseline", "without search"]
    assert [row[1] for row in table.rows] == ["2/3", "2/3"]
    columns = {title: k for k, title in enumerate(table.headings)}
    assert table.rows[0][columns["F-score 5 cm"]] == "0.600"
    assert (0, columns["F-score 5 cm"]) in table.best
    assert (1, columns["F-score 5 cm"]) not in table.best
    assert (0, columns["Chamfer, m"]) in table.best
    assert {(0, columns["Box IoU"]), (1, columns["Box IoU"])} <= table.best


def test_scenes_and_objects_have_a_row_each_whatever_became_of_them() -> None:
    scenes, objects = scene_table(run()), object_table(run())
    assert [row[:2] for row in scenes.rows] == [
        ("bedroom", "scored"),
        ("den", "scored"),
        ("attic", "failed: no objects | at all"),
    ]
    assert scenes.rows[2][2:] == ("-",) * (len(scenes.headings) - 2)
    assert [row[:3] for row in objects.rows][:2] == [("bedroom", "bed", "bed-1"), ("bedroom", "lamp", "missing")]


def test_markdown_tables_are_whole_and_escaped() -> None:
    text = results_markdown("Rooms", [run(), run("without search")])
    lines = text.split("\n")
    for k, line in enumerate(lines):
        if line.startswith("| ---"):
            widths = [len(part.replace("\\|", "").split("|")) for part in lines[k - 1 : k + 3] if part]
            assert len(set(widths)) == 1
    assert "no objects \\| at all" in text
    assert "## Comparison" in text
    assert "## Comparison" not in results_markdown("Rooms", [run()])


def test_a_run_without_any_scored_scene_still_has_its_tables(tmp_path: Path) -> None:
    failed = Run(name="r", description="d", scenes=(SceneResult(scene="a", status="missing", reason="no file"),))
    assert "missing: no file" in results_markdown("t", [failed])
    assert summary_table(scene_summary(failed)).rows == ()
    assert results_document("t", [failed], tmp_path)["runs"][0]["counts"]["missing"] == 1
    assert comparison([failed, run()]).rows[0][1:] == ("0/1", *("-",) * (len(comparison([failed, run()]).headings) - 2))


@pytest.mark.parametrize(
    ("key", "title", "better"),
    [
        ("f_score_10cm", "F-score 10 cm", "higher"),
        ("object_aligned_oriented_box_iou", "Object aligned oriented box IoU", "higher"),
        ("chamfer_m", "Chamfer, m", "lower"),
        ("chamfer_squared_m2", "Chamfer squared, m²", "lower"),
        ("gravity_error_deg", "Gravity error, °", "lower"),
        ("plate_psnr_db", "Plate PSNR, dB", "higher"),
        ("part_overlap_iou", "Part overlap IoU", "lower"),
        ("objects_extra", "Objects extra", "lower"),
        ("size_ratio", "Size ratio", "neither"),
        ("never_heard_of", "Never heard of", "neither"),
    ],
)
def test_columns_say_what_a_key_means(key: str, title: str, better: str) -> None:
    assert (column(key).title, column(key).better) == (title, better)
    assert column(key).text(None) == "-"


def test_a_table_without_any_headline_shows_all_it_has() -> None:
    assert headline(["regen_f_score", "regen_hausdorff"], ("f_score_5cm",)) == ["regen_f_score", "regen_hausdorff"]
    assert headline(["a", "b", "c", "d", "e"], ("e", "b", "d", "a")) == ["e", "b", "d", "a"]
