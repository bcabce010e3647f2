"""The page of an evaluation stands by itself, shows every scene and lets no text become markup."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from regen3d.errors import ConfigError
from regen3d.evaluation.report import THUMBNAIL_PX, results_html, write_results
from regen3d.evaluation.results import SceneResult
from regen3d.evaluation.summary import Run
from regen3d.metrics.protocols.base import ObjectResult


def picture(path: Path, wh: tuple[int, int] = (1200, 900)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((wh[1], wh[0], 3), 120, dtype=np.uint8)).save(path)
    return path


def run(folder: Path, name: str = "baseline", f_score: float = 0.7) -> Run:
    pictures = {"photo": picture(folder.parent / "photo.png"), "overlay": picture(folder / "scenes" / "my den.png")}
    scored = SceneResult(
        scene="den",
        status="scored",
        values={"f_score_5cm": f_score, "box_iou": 0.4},
        objects=(ObjectResult(name="<b>bed</b>", matched=None, values={"box_iou": 0.0}),),
        pictures={**pictures, "gone": folder / "gone.png"},
        notes=("Extra objects: cat.",),
    )
    failed = SceneResult(scene="attic", status="failed", reason="<script>alert(1)</script>")
    return Run(name=name, description="as a run has it", scenes=(scored, failed))


def test_all_three_files_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "out"
    paths = write_results(folder, "Rooms", [run(folder), run(folder, "other", 0.2)])
    assert [path.name for path in paths] == ["results.json", "results.md", "results.html"]
    assert all(path.is_file() for path in paths)
    assert json.loads(paths[0].read_text(encoding="utf-8"))["title"] == "Rooms"


def test_the_page_needs_no_other_file_and_no_script(tmp_path: Path) -> None:
    page = results_html("Rooms", [run(tmp_path / "out")], tmp_path / "out")
    sources = re.findall(r'src="([^"]*)"', page)
    assert len(sources) == 2
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert re.findall(r'href="([^"]*)"', page) == ["scenes/my%20den.png"]
    assert "<script" not in page
    assert "Content-Security-Policy" in page


def test_pictures_are_embedded_small(tmp_path: Path) -> None:
    import base64
    import io

    page = results_html("Rooms", [run(tmp_path / "out")], tmp_path / "out")
    content = re.findall(r'src="data:image/jpeg;base64,([^"]*)"', page)[0]
    with Image.open(io.BytesIO(base64.b64decode(content))) as small:
        assert small.size == (THUMBNAIL_PX, THUMBNAIL_PX * 3 // 4)


def test_text_does_not_become_markup(tmp_path: Path) -> None:
    page = results_html("<i>Rooms</i>", [run(tmp_path / "out")], tmp_path / "out")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;b&gt;bed&lt;/b&gt;" in page
    assert "<i>Rooms" not in page


def test_failures_are_told_at_the_top_and_the_best_is_marked(tmp_path: Path) -> None:
    out = tmp_path / "out"
    page = results_html("Rooms", [run(out), run(out, "other", 0.2)], out)
    assert page.count("Not scored") == 2
    assert page.count("1 of 2 scenes scored, 0 missing, 1 failed") == 2
    assert '<td class="best">0.700</td>' in page
    assert '<td class="best">0.200</td>' not in page
    assert "<h2>Comparison</h2>" not in results_html("Rooms", [run(out)], out)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_results(tmp_path / "file", "Rooms", [run(tmp_path / "out")])
