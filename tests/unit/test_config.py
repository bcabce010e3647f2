"""Stages, profiles and requests."""

import pytest
from pydantic import ValidationError

from models import registry
from regen3d.config import MODEL_STAGES, OBJECT_STAGES, PROFILES, STAGES, SceneRequest, adapters_of
from regen3d.errors import ConfigError


def test_stages_are_in_order_and_known() -> None:
    assert len(set(STAGES)) == len(STAGES)
    for part in (MODEL_STAGES, OBJECT_STAGES):
        assert [stage for stage in STAGES if stage in part] == list(part)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_names_a_known_adapter_for_every_model_stage(profile: str) -> None:
    adapters = adapters_of(profile, {})
    assert set(adapters) == set(MODEL_STAGES)
    for stage, name in adapters.items():
        assert registry.find(stage, name).name == name


def test_overrides_win() -> None:
    adapters = adapters_of("embedded", {"segment": "other"})
    assert adapters["segment"] == "other"
    assert adapters["plate"] == "embedded"
    assert PROFILES["embedded"]["segment"] == "embedded"


def test_unknown_profiles_and_stages_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"unknown profile 'best': choose one of .*embedded"):
        adapters_of("best", {})
    for stage in ("align", "paint"):
        with pytest.raises(ConfigError, match=rf"unknown stage '{stage}' in --set: choose one of segment"):
            adapters_of("embedded", {stage: "x"})


def test_a_request_names_its_scene_and_store() -> None:
    request = SceneRequest(image="/photos/My room.final.jpg", out="/scenes/a/")
    assert request.name == "My room.final"
    assert request.store_uri == "/scenes/a/store"
    assert SceneRequest(image="a.png", out="b", store="s3://x/y").store_uri == "s3://x/y"


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"seed": "x"}, {"execution": "moon"}, {"colour": 1}, {"image": None}])
def test_malformed_requests_are_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        SceneRequest.model_validate({"image": "a.png", "out": "b", **wrong})


def test_a_request_travels_as_json() -> None:
    request = SceneRequest(image="a.png", out="b", labels=("chair",), meshes={"chair-1": "c.glb"}, seed=4)
    assert SceneRequest.model_validate_json(request.model_dump_json()) == request
