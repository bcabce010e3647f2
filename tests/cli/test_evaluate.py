"""`regen3d evaluate` from outside: what cannot be used is one sentence, what broke has its row and its exit code."""

from collections.abc import Callable
from pathlib import Path

import pytest

from regen3d.cli import main
from regen3d.cli.evaluate import split_names
from tests.synthetic.dataset import moved_world, write_rendered
from tests.synthetic.room import SyntheticRoom

Case = tuple[str, Callable[[Path, Path], list[str]], str]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, synthetic_room: SyntheticRoom) -> Path:
    root = tmp_path_factory.mktemp("dataset")
    write_rendered(synthetic_room, root / "parlour", moved_world())
    return root


def _file(folder: Path) -> str:
    (folder / "taken").write_text("a file")
    return str(folder / "taken")


CASES: list[Case] = [
    ("a missing data set", lambda d, t: [str(t / "nowhere")], "no folder"),
    ("a folder without scenes", lambda d, t: [str(t)], "no scenes with truth"),
    ("an unknown scene", lambda d, t: [str(d), "--scenes", "attic"], "parlour"),
    ("a scene twice", lambda d, t: [str(d), "--scenes", "parlour,parlour"], "twice"),
    ("an unknown oracle", lambda d, t: [str(d), "--oracle", "masks,luck"], "luck"),
    ("an unknown ablation", lambda d, t: [str(d), "--ablate", "luck"], "completion"),
    ("an unknown protocol", lambda d, t: [str(d), "--protocol", "luck"], "canonical"),
    ("an unknown frame", lambda d, t: [str(d), "--predictions", str(t), "--frame", "luck"], "camera-opencv"),
    ("an unknown profile", lambda d, t: [str(d), "--profile", "luck"], "embedded"),
    ("an unknown adapter", lambda d, t: [str(d), "--set", "segment=luck"], "luck"),
    ("missing predictions", lambda d, t: [str(d), "--predictions", str(t / "nowhere")], "nowhere"),
    ("predictions with oracle", lambda d, t: [str(d), "--predictions", str(t), "--oracle", "masks"], "--oracle"),
    ("a file for results", lambda d, t: [str(d), "--out", _file(t)], "is a file"),
]


@pytest.mark.parametrize(("arguments", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_bad_input_is_one_sentence_and_exit_code_2(
    arguments: Callable[[Path, Path], list[str]],
    words: str,
    dataset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["regen3d", "evaluate", *arguments(dataset, tmp_path)])
    with pytest.raises(SystemExit) as exit_:
        main()
    said = capsys.readouterr().err.strip()
    assert exit_.value.code == 2, said
    assert words in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "evaluation").exists()


def test_names_have_commas_between_them() -> None:
    assert split_names(" a, b ,,c ") == ("a", "b", "c")
    assert split_names("") == ()
