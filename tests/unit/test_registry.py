"""The table of adapters: in order, complete, and honest about what is missing."""

import ast
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pytest

import models
from models import registry
from models.registry import ADAPTERS, Adapter
from regen3d.config import MODEL_STAGES
from regen3d.errors import ConfigError, NotInstalledError

ROOT = Path(models.__file__).parent.parent
ANY = pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda adapter: f"{adapter.stage}-{adapter.name}")


def test_table_is_in_order_without_doubles() -> None:
    names = [(adapter.stage, adapter.name) for adapter in ADAPTERS]
    assert names == sorted(set(names))


@ANY
def test_an_adapter_runs_a_stage_that_exists(adapter: Adapter) -> None:
    assert adapter.stage in MODEL_STAGES
    assert registry.find(adapter.stage, adapter.name) is adapter


@ANY
def test_the_target_is_a_class_in_a_file(adapter: Adapter) -> None:
    module, name = adapter.target.split(":")
    source = (ROOT / Path(*module.split("."))).with_suffix(".py").read_text(encoding="utf-8")
    classes = [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    assert name in classes


@ANY
def test_people_are_told_what_it_is(adapter: Adapter) -> None:
    assert adapter.model
    assert adapter.revision
    assert adapter.licence
    assert adapter.install.startswith("pip install")


def test_unknown_adapters_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no adapter 'sam9' for stage 'segment': choose one of .*embedded"):
        registry.find("segment", "sam9")
    with pytest.raises(ConfigError, match="no adapter 'embedded' for stage 'align'"):
        registry.find("align", "embedded")


def test_missing_packages_are_named_with_the_command() -> None:
    adapter = replace(ADAPTERS[0], packages=("numpy", "no_such_package_1"), install="pip install 'regen3d[x]'")
    assert adapter.missing == ("no_such_package_1",)
    with pytest.raises(NotInstalledError, match=r"needs no_such_package_1: install with `pip install 'regen3d\[x\]'`"):
        registry.construct(adapter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Options of the adapter below."""

    steps: int = 50
    mode: Literal["fast", "fine"] = "fine"


class Chooser:
    """An adapter with options."""

    Options = Choices


def test_options_are_read_from_text() -> None:
    assert registry.read_options(
        registry.find("complete", "embedded"), Chooser, {"steps": "30", "mode": "fast"}
    ) == Choices(steps=30, mode="fast")


@pytest.mark.parametrize(
    ("made", "options", "sentence"),
    [
        (Chooser, {"step": "1"}, "has no option 'step': it knows steps, mode"),
        (Chooser, {"steps": "many"}, "option 'steps' of 'embedded' for complete cannot be read: input should be"),
        (Chooser, {"mode": "slow"}, "option 'mode' .* cannot be read: input should be 'fast' or 'fine'"),
        (object, {"steps": "1"}, "it knows none"),
    ],
)
def test_bad_options_are_refused_with_one_sentence(made: type, options: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        registry.read_options(registry.find("complete", "embedded"), made, options)


@pytest.mark.parametrize("stage", MODEL_STAGES)
def test_embedded_adapters_are_cheap_to_construct_and_obey_their_protocol(stage: str) -> None:
    from models import base

    protocols = {
        "segment": base.Segmenter,
        "plate": base.PlateEditor,
        "geometry": base.GeometryEstimator,
        "complete": base.CompletionEditor,
        "generate": base.AssetGenerator,
    }
    assert isinstance(registry.construct(registry.find(stage, "embedded")), protocols[stage])
