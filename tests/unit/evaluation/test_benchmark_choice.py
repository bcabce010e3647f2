"""What a benchmark cannot find is named in one sentence, with exit code 2, before anything is measured."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmarks import asset_layouts, asset_search, assets, light, turned_truth
from benchmarks.choice import chosen
from tests.synthetic.dataset import moved_world, write_rendered
from tests.synthetic.room import SyntheticRoom


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, synthetic_room: SyntheticRoom) -> Path:
    root = tmp_path_factory.mktemp("dataset")
    write_rendered(synthetic_room, root / "parlour", moved_world())
    return root


def test_a_list_is_taken_as_it_is_and_none_means_all() -> None:
    assert chosen("b,a", ["a", "b", "c"], "letter") == ["b", "a"]
    assert chosen(None, ["a", "b"], "letter") == ["a", "b"]


def test_nothing_at_all_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        chosen(None, [], "letter")
    assert refused.value.code == 2
    assert capsys.readouterr().err == "there is no letter\n"


@pytest.mark.parametrize(
    ("main", "options", "words"),
    [
        (light.main, ["--scenes", "attic"], "is called attic: there are parlour"),
        (assets.main, ["--objects", "throne"], "no object is called throne: there are"),
        (turned_truth.main, ["--objects", "attic/plant"], "is called attic: there are parlour"),
        (turned_truth.main, ["--objects", "parlour/throne"], "no object in 'parlour' is called throne: there are"),
        (asset_search.main, ["--objects", "parlour/throne"], "no object is called parlour/throne: there are"),
    ],
)
def test_scenes_and_objects_that_are_not_there_are_named(
    dataset: Path,
    capsys: pytest.CaptureFixture[str],
    main: Callable[[Sequence[str]], int],
    options: list[str],
    words: str,
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["--data", str(dataset), *options])
    assert refused.value.code == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_furniture_that_is_not_known_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        asset_layouts.main(["--categories", "chair,throne"])
    assert refused.value.code == 2
    assert "no furniture is called throne: there are armchair," in capsys.readouterr().err
