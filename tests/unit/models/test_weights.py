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
