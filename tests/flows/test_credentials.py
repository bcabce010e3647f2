"""The object store's key from a Prefect block: taken once, shown nowhere."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from regen3d.cli.app import app
from regen3d.errors import ConfigError
from regen3d.redo import RedoRequest
from tasks import credentials


def save(name: str, value: str) -> None:
    from prefect.blocks.system import Secret

    Secret(value=value).save(name, overwrite=True)


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(credentials, "_used", set())
    for variable in credentials.FIELDS.values():
        # Set, then removed: what the block puts there is taken away again after the test.
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)
    return monkeypatch


def test_the_key_comes_from_the_block_but_what_is_set_wins(prefect_server: None, clean: pytest.MonkeyPatch) -> None:
    save("farm-store", json.dumps({"access_key_id": "key", "secret_access_key": "hush", "region": "eu-1"}))
    clean.setenv("REGEN3D_S3_BLOCK", "farm-store")
    clean.setenv("REGEN3D_S3_REGION", "us-2")
    credentials.use_block()
    assert os.environ["AWS_ACCESS_KEY_ID"] == "key"
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "hush"
    assert os.environ["REGEN3D_S3_REGION"] == "us-2"


@pytest.mark.parametrize("value", ["hush-hush", json.dumps({"password": "hush-hush"}), json.dumps(["hush-hush"])])
def test_a_block_of_another_form_is_refused_without_its_value(
    prefect_server: None, clean: pytest.MonkeyPatch, value: str
) -> None:
    save("odd-store", value)
    clean.setenv("REGEN3D_S3_BLOCK", "odd-store")
    with pytest.raises(ConfigError, match="'odd-store' must be a JSON object") as refused:
        credentials.use_block()
    assert "hush-hush" not in str(refused.value)


def test_a_missing_block_is_named(prefect_server: None, clean: pytest.MonkeyPatch) -> None:
    clean.setenv("REGEN3D_S3_BLOCK", "no-such-block")
    with pytest.raises(ConfigError, match="no Secret block of that name"):
        credentials.use_block()


def test_nothing_happens_without_a_block(clean: pytest.MonkeyPatch) -> None:
    clean.delenv("REGEN3D_S3_BLOCK", raising=False)
    credentials.use_block()
    assert "AWS_ACCESS_KEY_ID" not in os.environ


def test_who_opens_a_store_asks_for_its_key(prefect_server: None, clean: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from flows.redo import redo_object

    clean.setenv("REGEN3D_S3_BLOCK", "no-such-block")
    request = RedoRequest(run="none", store=str(tmp_path), out=str(tmp_path), object="chair-1")
    with pytest.raises(ConfigError, match="no Secret block of that name"):
        redo_object(request)
    answer = CliRunner().invoke(app, ["gc", "--store", str(tmp_path)])
    assert "no Secret block of that name" in str(answer.exception)
