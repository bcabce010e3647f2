"""The documentation builds without a warning, has what it takes from the program, and needs no network."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def test_commands_and_docstrings_are_in_it(site: Path) -> None:
    commands = (site / "reference/commands.html").read_text(encoding="utf-8")
    for name in ("regen3d run", "regen3d view", "regen3d edit", "regen3d evaluate", "regen3d models list"):
        assert f"<code>{name}</code>" in commands
    values = (site / "reference/values.html").read_text(encoding="utf-8")
    assert "A pinhole camera without distortion" in values
    assert "world_from_camera" in values


def test_it_opens_without_a_network(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 15
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe)[^>]+src=\"?([^\" >]+)", text)
        loaded += re.findall(r"<link[^>]+rel=\"?stylesheet\"?[^>]+href=\"?([^\" >]+)", text)
        assert [link for link in loaded if link.startswith(("http:", "https:", "//"))] == [], page.name


def test_pictures_are_there(site: Path) -> None:
    for page in site.rglob("*.html"):
        for source in re.findall(r"<img[^>]+src=\"?([^\" >]+)", page.read_text(encoding="utf-8")):
            assert source.startswith("data:") or (page.parent / source).is_file(), f"{page.name}: {source}"
