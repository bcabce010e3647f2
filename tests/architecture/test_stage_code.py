"""Stale results are never reused: whatever a stage runs is part of its code's digest."""

import ast
from pathlib import Path

import grimp
import pytest

from models.registry import ADAPTERS
from regen3d import fingerprint
from regen3d.config import STAGES

ROOT = Path(fingerprint.__file__).parent.parent
PACKAGES = ("flows", "tasks", "models", "regen3d")

WITHOUT_SAY: tuple[str, ...] = (
    # Carry values and calls about, and have no part in what the values are.
    "models.registry",
    "regen3d.config",
    "regen3d.errors",
    "regen3d.fingerprint",
    "regen3d.manifest",
    "regen3d.store",
    "regen3d.usage",
    "tasks.artifacts",
    "tasks.execution",
    "tasks.log",
    "tasks.progress",
    "tasks.stage",
    "tasks.work",
)
"""Modules that cannot change a stage's result."""

SHOWS_ONLY = ("regen3d.export",)
"""Draws the previews in the Prefect UI; part of the result of export and report alone."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def covered(module: str, stage: str) -> bool:
    """Whether a module's file is among those that the stage's digest reads."""
    path = (ROOT / Path(*module.split("."))).with_suffix(".py")
    if not path.is_file():
        path = path.with_suffix("") / "__init__.py"
    roots = [ROOT / root for root in (*fingerprint.STAGE_CODE[stage], *fingerprint._SHARED)]
    return any(path == root or path.is_relative_to(root) for root in roots)


@pytest.mark.parametrize("stage", STAGES)
def test_every_module_that_a_stage_runs_is_in_its_digest(graph: grimp.ImportGraph, stage: str) -> None:
    entrances = {f"tasks.{stage}"}
    entrances |= {adapter.target.split(":")[0] for adapter in ADAPTERS if adapter.stage == stage}
    spared = WITHOUT_SAY if stage in ("export", "report") else (*WITHOUT_SAY, *SHOWS_ONLY)
    seen, waiting = set(), entrances
    while waiting:
        module = waiting.pop()
        seen.add(module)
        imported = graph.find_modules_directly_imported_by(module)
        waiting |= {name for name in imported if not name.startswith(spared)} - seen
    own = {module for module in seen if not is_empty(module)}
    assert sorted(module for module in own if not covered(module, stage)) == []


def is_empty(module: str) -> bool:
    """Whether a module is a package whose `__init__.py` only says what it is."""
    path = ROOT / Path(*module.split(".")) / "__init__.py"
    return path.is_file() and len(ast.parse(path.read_text(encoding="utf-8")).body) == 1
