"""A run that is killed loses no finished stage."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from regen3d.manifest import Manifest

COMMAND = str(Path(sys.executable).with_name("regen3d"))


def _start(inputs: Path, out: Path) -> subprocess.Popen[str]:
    arguments = [str(inputs / "image.png"), "--masks", str(inputs / "masks"), "--camera", str(inputs / "camera.json")]
    # A session of its own, so that the kill reaches the server that the command has started, too.
    return subprocess.Popen(
        [COMMAND, "run", *arguments, "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _read_until(process: subprocess.Popen[str], stage: str) -> list[str]:
    """Lines up to the one that says the stage has finished."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if stage in line and ("finished" in line or "reused" in line):
            return lines
    raise AssertionError(f"{stage} never finished:\n" + "".join(lines))


def _titles(lines: list[str], *events: str) -> set[str]:
    return {line.split(" s  ", 1)[1].rsplit("  ", 1)[0] for line in lines if line.split()[-1:][0] in events}


def _kill_after(inputs: Path, out: Path, stage: str, pause_s: float = 0.0) -> set[str]:
    process = _start(inputs, out)
    lines = _read_until(process, stage)
    time.sleep(pause_s)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    return _titles(lines, "finished", "reused")


def _complete(inputs: Path, out: Path) -> tuple[set[str], set[str], Manifest]:
    process = _start(inputs, out)
    output, _ = process.communicate(timeout=500)
    assert process.returncode in (0, 3), output
    lines = [line for line in output.splitlines() if line.rstrip().endswith(("finished", "reused", "failed"))]
    manifest = Manifest.model_validate_json((out / "manifest.json").read_bytes())
    return _titles(lines, "reused"), _titles(lines, "finished"), manifest


def test_a_killed_run_goes_on_where_it_was(two_objects: Path, tmp_path: Path) -> None:
    done = _kill_after(two_objects, tmp_path / "out", "generate: ")
    assert not (tmp_path / "out/manifest.json").exists()
    reused, computed, manifest = _complete(two_objects, tmp_path / "out")
    assert {"segment", "plate", "geometry", "room", "isolate"} <= done
    assert done <= reused
    assert not done & computed
    assert (tmp_path / "out/scene.glb").is_file()
    assert manifest.run.id != "store"


@pytest.mark.soak
def test_killing_at_many_moments_loses_nothing(synthetic_inputs: Path, tmp_path: Path) -> None:
    out, done = tmp_path / "out", set[str]()
    for stage in ("segment", "plate", "geometry", "room", "isolate", "complete: ", "generate: ", "align: ", "assemble"):
        done |= _kill_after(synthetic_inputs, out, stage, pause_s=0.3)
    reused, computed, killed = _complete(synthetic_inputs, out)
    assert done <= reused
    _, _, straight = _complete(synthetic_inputs, tmp_path / "straight")
    assert killed.digest == straight.digest
    assert not done & computed
