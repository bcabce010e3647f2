"""Where weights are looked for, and what is said where they are not."""

from pathlib import Path

import pytest

from models.weights import FOLDER_VARIABLE, Weights, locate
from regen3d.errors import WeightsMissingError

TINY = Weights(repo="regen3d-tests/no-such-model", revision="abc", size_gb=1.5)


def test_a_folder_of_ones_own_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "regen3d-tests--no-such-model").mkdir()
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert locate(TINY, "tiny") == tmp_path / "regen3d-tests--no-such-model"


def test_missing_weights_name_the_command_that_fetches_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(WeightsMissingError, match=r"no-such-model at abc.*1\.5 GB with `regen3d models fetch tiny`"):
        locate(TINY, "tiny")


def test_another_revision_in_a_folder_of_ones_own_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    notes = tmp_path / TINY.folder_name / ".cache" / "huggingface" / "download"
    notes.mkdir(parents=True)
    (notes / "config.json.metadata").write_text("def\netag\n1700000000.0\n")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(
        WeightsMissingError, match=r"at def, and abc is needed: `hf download .* --revision abc --local-dir"
    ):
        locate(TINY, "tiny")
    (notes / "config.json.metadata").write_text("abc\netag\n1700000000.0\n")
    assert locate(TINY, "tiny") == tmp_path / TINY.folder_name


def test_another_revision_in_the_cache_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from huggingface_hub import constants

    (tmp_path / "models--regen3d-tests--no-such-model" / "snapshots" / "def").mkdir(parents=True)
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsMissingError, match=r"at abc are not in .* \(that has revision def\): get 1\.5 GB"):
        locate(TINY, "tiny")


def test_what_only_an_option_asks_for_has_a_command_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(WeightsMissingError, match="with `hf download regen3d-tests/no-such-model --revision abc`"):
        locate(TINY, "tiny", default=False)
