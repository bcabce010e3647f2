"""Every shell line of README, tutorial and the guide to masks: run in order on a small picture, or at least parsed.

Lines that would take long are run with `--check`, which reads and validates everything that they name. What cannot be
run here is parsed, and then counted as skipped with the reason.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner

from regen3d.cli.app import app
from regen3d.corrections import CorrectedObject, write_corrections
from regen3d.editor.scene import index_of
from tests.synthetic.files import write_inputs
from tests.synthetic.room import SyntheticRoom

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("docs/tutorial.md", "README.md", "docs/guides/masks.md")
"""The tutorial first: it makes the scene that the others find finished."""

LONG = (
    "--labels",
    "--boxes",
    "--masks",
    "--camera",
    "--plate",
    "--execution",
    "--pause-after",
    "--store",
    "--profile",
    "--set",
    "--format",
)
"""What makes a run find or make something else than the scene that is there."""

ELSEWHERE = {
    "view": "serves until Ctrl-C; tests/unit/export/test_viewer_in_browser.py looks at its page",
    "edit": "serves until Ctrl-C; tests/flows/test_editor.py uses it",
    "evaluate": "needs scenes with truth; tests/flows/test_evaluate.py runs it",
    "submit": "needs a farm; the tests of submitting run it",
    "batch": "needs a farm; the tests of libraries run it",
    "redo": "needs a farm; the tests of redoing run it",
    "export": "the tests of exporters run it",
    "contact": "the tests of contact sheets run it",
}


@dataclass(frozen=True)
class Line:
    """One line of a document."""

    document: str
    text: str

    def __str__(self) -> str:
        return f"{Path(self.document).stem}: {self.text}"


def lines_of(document: str) -> list[Line]:
    """Lines of the fenced blocks that a shell takes, and commands of ours that stand in the text."""
    text = (ROOT / document).read_text(encoding="utf-8")
    found = []
    for match in re.finditer(r"```(shell|bash|)\n(.*?)```|`(regen3d [^`\n]+(?:\n[^`\n]+)?)`", text, re.DOTALL):
        block = match[2].replace("\\\n", " ").splitlines() if match[2] is not None else [" ".join(match[3].split())]
        found += [re.sub(r"\s+#\s.*$", "", line).strip() for line in block]
    commands = ("regen3d ", ".venv/bin/", "make ", "prefect ", "pip ", "source ", "export ", "PREFECT_", "deploy/")
    return [Line(document, line) for line in found if line.startswith(commands) and not is_pattern(line)]


def is_pattern(line: str) -> bool:
    """Whether words in capitals or dots stand for something that the reader knows."""
    return re.search(r"\b[A-Z]{4,}\b|\.\.\.", without_setting(line)) is not None


def without_setting(line: str) -> str:
    """A command without what is set before it."""
    return re.sub(r"^([A-Z0-9_]+=\S+ )+", "", line)


LINES = [line for document in DOCUMENTS for line in lines_of(document)]


@pytest.fixture(scope="module")
def place(prefect_server: None, synthetic_room: SyntheticRoom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the lines name; `room` and `kitchen` are one scene."""
    folder = tmp_path_factory.mktemp("lines") / "here"
    write_inputs(synthetic_room, folder)
    for name in ("room.png", "kitchen.jpg"):
        shutil.copy(folder / "image.png", folder / name)
    (folder / "plate.png").rename(folder / "empty.png")
    trimesh.creation.box((0.5, 0.9, 0.5)).export(folder / "my-chair.glb")
    (folder / "scenes/room").mkdir(parents=True)
    (folder / "scenes/kitchen").symlink_to("room")
    objects = [
        CorrectedObject(id=number, name=item.name, label=item.label, support=None)
        for number, item in enumerate(synthetic_room.instances, start=1)
    ]
    hw = (synthetic_room.camera.height, synthetic_room.camera.width)
    write_corrections(folder / "scenes/room", objects, index_of(synthetic_room.instances, hw))
    return folder


@pytest.mark.parametrize("line", LINES, ids=str)
def test_a_documented_line(line: Line, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    words = shlex.split(without_setting(line.text))
    program = Path(words[0]).name
    if program == "make":
        dry = subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
        assert dry.returncode == 0, dry.stderr
        pytest.skip("only parsed (make -n): it installs packages")
    if program != "regen3d":
        found = shutil.which(program, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        assert found or program in ("source", "export") or (ROOT / words[0]).is_file()
        pytest.skip(f"only looked up: {program} changes the machine or serves until Ctrl-C")
    parsed(words[1:])
    if line.text != without_setting(line.text):
        pytest.skip("only parsed: needs the server of the line above; tests/flows/test_server.py runs it")
    if words[1] in ELSEWHERE:
        pytest.skip(f"only parsed: {ELSEWHERE[words[1]]}")
    if words[1] == "run" and any(word.startswith(LONG) for word in words):
        words.append("--check")
    answer = CliRunner().invoke(app, words[1:])
    assert answer.exit_code in (0, 3), f"{answer.output}\n{answer.exception!r}"


def parsed(words: list[str]) -> None:
    """Make sure that the options of a line exist."""
    command = get_command(app)
    while hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    known = {option for item in command.params for option in (*item.opts, *item.secondary_opts)} | {"--help"}
    unknown = {word.partition("=")[0] for word in words if word.startswith("--")} - known
    assert not unknown


def test_there_are_lines_of_every_document() -> None:
    assert {line.document for line in LINES} == set(DOCUMENTS)
    assert len(LINES) > 12


def test_the_scene_of_the_lines_was_made(place: Path) -> None:
    if not (place / "scenes/room/scene.glb").is_file():
        pytest.skip("the line that makes it was not chosen")
    assert np.array(Image.open(place / "scenes/room/overlay.png")).std() > 10
