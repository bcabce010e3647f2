"""`regen3d models`: what there is, under which licence, and what is missing here."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.registry import ADAPTERS, FLUX2_KLEIN, GROUNDING_DINO, HUNYUAN_2_MINI, SAM
from models.weights import FOLDER_VARIABLE
from regen3d.cli.app import app
from regen3d.errors import ConfigError

runner = CliRunner()


def said(*arguments: str, code: int = 0) -> str:
    result = runner.invoke(app, ["models", *arguments])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_list_names_every_adapter_with_its_licence() -> None:
    output = said("list")
    for adapter in ADAPTERS:
        assert adapter.name in output
        assert adapter.licence in output


def test_show_tells_licence_weights_and_key() -> None:
    hunyuan = said("show", "hunyuan3d")
    assert "clause 5.c forbids use of outputs elsewhere" in hunyuan
    assert f"{HUNYUAN_2_MINI.repo} at {HUNYUAN_2_MINI.revision}" in hunyuan
    assert "EU, GB, KR" in hunyuan
    assert "GEMINI_API_KEY or GOOGLE_API_KEY" in said("show", "gemini")
    assert FLUX2_KLEIN.revision in said("show", "diffusion")


def test_check_says_what_is_missing(nothing_here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert said("check", "embedded").count("ready") == 5
    assert "regen3d models fetch grounded-sam" in said("check", "grounded-sam", code=1)
    assert "needs a key in GEMINI_API_KEY" in said("check", "gemini", code=1)
    assert "needs moge, vggt: pip install" in said("check", "vggt+moge", code=1)
    for weights in (GROUNDING_DINO["base"], SAM["huge"]):
        (nothing_here / weights.folder_name).mkdir()
    monkeypatch.setenv("GEMINI_API_KEY", "a-key")
    assert "segment: grounded-sam: ready" in said("check", "grounded-sam")
    assert said("check", "gemini").count("ready") == 2


def test_fetch_says_where_there_is_nothing_to_fetch() -> None:
    assert "embedded has nothing to download" in said("fetch", "embedded")


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    result = runner.invoke(app, ["models", "show", "sam9"])
    assert isinstance(result.exception, ConfigError)
    assert "no adapter 'sam9': choose one of" in str(result.exception)
