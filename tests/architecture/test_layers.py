"""Who may import whom, and what a bare import costs."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

HEAVY = ("cv2", "fsspec", "numpy", "onnxruntime", "prefect", "ray", "s3fs", "scipy", "torch", "transformers", "trimesh")
"""Packages that take tenths of seconds to import, or that are optional."""


def test_layers_hold() -> None:
    """The contracts of import-linter in pyproject.toml."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def imported_by(statement: str) -> set[str]:
    """Which heavy packages a fresh interpreter has after a statement."""
    code = f"import sys\n{statement}\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("regen3d", set()),
        ("regen3d.cli", set()),
        ("regen3d.errors", set()),
        ("regen3d.config", set()),
        ("models.registry", set()),
        ("regen3d.types", {"numpy"}),
        ("regen3d.frames", {"numpy"}),
        # What `regen3d run` needs to find a finished scene.
        ("regen3d.fingerprint", set()),
        ("regen3d.runs", {"numpy"}),
    ],
)
def test_light_modules_stay_light(module: str, allowed: set[str]) -> None:
    assert imported_by(f"import {module}") <= allowed


def test_help_and_version_import_nothing_heavy() -> None:
    for option in ("--help", "--version"):
        run = f"""
from typer.testing import CliRunner
from regen3d.cli.app import app
assert CliRunner().invoke(app, ["{option}"]).exit_code == 0
"""
        assert imported_by(run) == set()
