import copy
import inspect
import pickle  # noqa: TID251 - what carries errors between processes
import re

import pytest

from regen3d import errors
from regen3d.errors import InputError, ModelError, Regen3dError, ResourceError, StageError

TREE = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, Regen3dError)]
FAMILIES = (InputError, StageError, ModelError, ResourceError)


def by_name(cls: type) -> str:
    return cls.__name__


@pytest.mark.parametrize("cls", TREE, ids=by_name)
def test_every_error_pickles_whole(cls: type[Regen3dError]) -> None:
    error = cls("the chair is missing; give a chair").within("segment", "chair-1")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is cls
        assert str(again) == "the chair is missing; give a chair"
        assert again.args == error.args
        assert (again.stage, again.instance) == ("segment", "chair-1")
        assert again.retryable is cls.retryable


@pytest.mark.parametrize("cls", TREE, ids=by_name)
def test_every_error_pickles_without_context(cls: type[Regen3dError]) -> None:
    again = pickle.loads(pickle.dumps(cls()))
    assert type(again) is cls
    assert (again.args, again.stage, again.instance) == ((), None, None)


@pytest.mark.parametrize("cls", TREE, ids=by_name)
def test_every_error_is_drawn_in_the_docstring(cls: type[Regen3dError]) -> None:
    assert errors.__doc__
    drawn = [match.groups() for match in re.finditer(r"^([│ ├└─]*)(\w+Error)\b", errors.__doc__, re.MULTILINE)]
    names = [name for _, name in drawn]
    assert names.count(cls.__name__) == 1
    at = names.index(cls.__name__)
    depth = len(drawn[at][0]) // 3
    parent = next((name for indent, name in reversed(drawn[:at]) if len(indent) // 3 == depth - 1), "Exception")
    assert cls.__bases__ == (Exception if parent == "Exception" else getattr(errors, parent),)


def test_the_docstring_draws_nothing_else() -> None:
    assert errors.__doc__
    assert set(re.findall(r"\w+Error\b", errors.__doc__)) == {cls.__name__ for cls in TREE}


@pytest.mark.parametrize("cls", [cls for cls in TREE if cls is not Regen3dError], ids=by_name)
def test_every_error_belongs_to_one_family(cls: type[Regen3dError]) -> None:
    assert sum(issubclass(cls, family) for family in FAMILIES) == 1


@pytest.mark.parametrize("cls", TREE, ids=by_name)
def test_only_resource_errors_are_retried(cls: type[Regen3dError]) -> None:
    assert cls.retryable is issubclass(cls, ResourceError)


@pytest.mark.parametrize("cls", TREE, ids=by_name)
def test_every_error_has_one_sentence_of_its_own(cls: type[Regen3dError]) -> None:
    assert cls.__doc__
    assert cls.__doc__.strip().endswith(".")
    assert cls.__doc__ != Exception.__doc__


def test_inner_place_is_kept() -> None:
    error = StageError("no pose; give a mask").within("align", "chair-1")
    assert error.within("scene", "table-1") is error
    assert (error.stage, error.instance) == ("align", "chair-1")


def test_outer_place_fills_what_is_unknown() -> None:
    error = StageError("no pose; give a mask").within("align")
    error.within("scene", "chair-1")
    assert (error.stage, error.instance) == ("align", "chair-1")
