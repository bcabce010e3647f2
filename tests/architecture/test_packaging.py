"""What is built is what is in the source tree: code, weights and templates, and nothing else."""

import hashlib
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import regen3d

ROOT = Path(__file__).parents[2]
PACKAGES = ("flows", "tasks", "models", "regen3d")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_wheel_has_every_source_file_and_no_other(wheel: zipfile.ZipFile) -> None:
    source = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    built = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert built == source


def test_wheel_files_are_the_source_files(wheel: zipfile.ZipFile) -> None:
    for name in wheel.namelist():
        if ".dist-info/" not in name:
            assert wheel.read(name) == (ROOT / name).read_bytes(), name


def test_weights_and_templates_travel(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    weights = {name for name in names if name.endswith(".onnx")}
    assert len(weights) >= 2
    assert "regen3d/export/report.html.j2" in names
    assert not any(name.startswith(("tests/", "benchmarks/", "docs/")) for name in names)


def test_weights_have_the_digests_that_are_written_down() -> None:
    lists = sorted((ROOT / "models").rglob("SHA256SUMS"))
    assert lists
    for sums in lists:
        entries = dict(reversed(line.split()) for line in sums.read_text(encoding="utf-8").splitlines())
        assert {path.name for path in sums.parent.glob("*.onnx")} <= set(entries)
        for name, digest in entries.items():
            assert hashlib.sha256((sums.parent / name).read_bytes()).hexdigest() == digest, name


def test_wheel_names_version_licence_and_command(wheel: zipfile.ZipFile) -> None:
    folder = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")).rsplit("/", 1)[0]
    metadata = wheel.read(f"{folder}/METADATA").decode()
    assert f"Version: {regen3d.__version__}\n" in metadata
    assert "License-Expression: MIT\n" in metadata
    assert f"{folder}/licenses/LICENSE" in wheel.namelist()
    assert "regen3d = regen3d.cli:main" in wheel.read(f"{folder}/entry_points.txt").decode()


def test_third_party_weights_have_a_notice() -> None:
    for folder in {path.parent for path in (ROOT / "models").rglob("*.onnx")}:
        notices = [parent / "NOTICE.md" for parent in (folder, folder.parent) if (parent / "NOTICE.md").is_file()]
        assert notices, f"{folder.relative_to(ROOT)} has weights of others and no NOTICE.md"


def test_extras_that_are_offered_exist() -> None:
    """Every `pip install 'regen3d[EXTRA]'` in code and documents names an extra of pyproject.toml."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    folders = [ROOT / name for name in (*PACKAGES, "docs")]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".md")]
    for path in [*files, *ROOT.glob("*.md")]:
        for names in re.findall(r"regen3d\[([a-z0-9, -]+)\]", path.read_text(encoding="utf-8")):
            assert {name.strip() for name in names.split(",")} <= set(extras), path.name
