"""The gate of licences: who may use what where."""

import pytest

from models.choice import check_choice
from models.licences import LICENCES, Permission, check_licence
from models.registry import ADAPTERS
from regen3d.errors import ConfigError

HUNYUAN = "Tencent Hunyuan 3D 2.1 Community License"


def test_every_adapter_names_a_known_licence():
    assert {adapter.licence for adapter in ADAPTERS} <= set(LICENCES)


def test_free_licences_ask_nothing():
    check_licence("a detector", "MIT", Permission())


def test_noncommercial_models_need_a_word():
    with pytest.raises(ConfigError, match=r"forbids commercial use \(section 2.*--allow-noncommercial"):
        check_licence("VGGT", "CC-BY-NC-4.0", Permission())
    check_licence("VGGT", "CC-BY-NC-4.0", Permission(allow_noncommercial=True))


@pytest.mark.parametrize("territory", ["EU", "de", "GB", "kr", "FR"])
def test_excluded_territories_are_refused_with_the_clause(territory: str):
    with pytest.raises(ConfigError, match=rf"grants nothing in {territory.upper()} \(clause 1 .*choose another"):
        check_licence("Hunyuan3D", HUNYUAN, Permission(territory=territory))


def test_a_territory_must_be_stated_where_a_licence_depends_on_it():
    with pytest.raises(ConfigError, match=r"say where results are used, for example --territory US"):
        check_licence("Hunyuan3D", HUNYUAN, Permission())
    check_licence("Hunyuan3D", HUNYUAN, Permission(territory="US"))


def test_a_run_is_refused_before_anything_is_loaded():
    adapters = {"segment": "embedded", "plate": "embedded"}
    check_choice(adapters, {}, Permission())
    with pytest.raises(ConfigError, match="--option names fly: choose a stage of segment, plate"):
        check_choice(adapters, {"fly": {"high": "1"}}, Permission())
    with pytest.raises(ConfigError, match="no adapter 'magic'"):
        check_choice({"segment": "magic"}, {}, Permission())
