"""The command line as a user starts it: in a process of its own."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import regen3d

COMMAND = str(Path(sys.executable).with_name("regen3d"))


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=300, check=False)


def test_help_names_the_commands() -> None:
    answer = _run("--help")
    assert answer.returncode == 0
    for name in ("run", "stage", "doctor"):
        assert name in answer.stdout


def test_version() -> None:
    assert _run("--version").stdout.strip() == f"regen3d {regen3d.__version__}"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, regen3d.cli\n"
        "heavy = {'torch', 'prefect', 'cv2', 'numpy', 'scipy', 'trimesh', 'pydantic', 'onnxruntime'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 0, answer.stderr


def test_doctor_says_what_can_run_and_how_to_get_the_rest() -> None:
    answer = _run("doctor")
    assert answer.returncode == 0, answer.stdout
    assert "embedded profile can run" in answer.stdout
    assert "pip install" in answer.stdout
    assert "[ray]" in answer.stdout or importlib.util.find_spec("ray") is not None


def test_bad_input_is_refused_before_an_orchestrator_starts(tmp_path: Path) -> None:
    started = time.monotonic()
    answer = _run("run", str(tmp_path / "no.png"), "--out", str(tmp_path / "out"))
    assert answer.returncode == 2
    assert answer.stderr.startswith("regen3d: ")
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "out").exists()
    assert time.monotonic() - started < 60


def test_a_server_that_does_not_answer_is_one_sentence(synthetic_inputs: Path, tmp_path: Path) -> None:
    answer = subprocess.run(
        [COMMAND, "run", str(synthetic_inputs / "image.png"), "--out", str(tmp_path / "out")],
        # Nothing listens on the discard port.
        env=os.environ | {"PREFECT_API_URL": "http://127.0.0.1:9/api"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 2
    assert "PREFECT_API_URL" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_ctrl_c_says_that_nothing_is_lost(synthetic_inputs: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [COMMAND, "run", str(synthetic_inputs / "image.png"), "--out", str(tmp_path / "out")],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr:
        said = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said += process.stderr.read()
    assert process.wait(timeout=120) == 130, said
    assert "run the same command again" in said
    assert "Traceback" not in said


def test_check_reads_everything_and_writes_nothing(synthetic_inputs: Path, tmp_path: Path) -> None:
    given = [str(synthetic_inputs / "image.png"), "--masks", str(synthetic_inputs / "masks")]
    answer = _run("run", *given, "--out", str(tmp_path / "out"), "--check")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "can be used" in answer.stdout
    assert not (tmp_path / "out").exists()
