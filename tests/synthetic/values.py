"""Any value of a dataclass, drawn from its annotations: shapes, dtypes, unions, nested dataclasses."""

import types
import typing
from dataclasses import fields, is_dataclass
from typing import Any, Literal, Union

import numpy as np
from hypothesis import strategies as st
from jaxtyping import AbstractArray

from regen3d.store import Ref

DTYPES = {"bool": "bool", "uint8": "uint8", "int32": "int32", "int64": "int64"} | {
    name: name for name in ("float16", "float32", "float64")
}
"""The dtypes that annotations allow and that the project uses."""

TEXT = st.text(max_size=8)
REFS = st.builds(
    Ref,
    digest=st.text("0123456789abcdef", min_size=64, max_size=64),
    suffix=st.sampled_from([".png", ".npy.gz", ".json"]),
    size=st.integers(0, 9),
)
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63),
    float: st.floats(),
    str: TEXT,
    type(None): st.none(),
    Ref: REFS,
}


@st.composite
def values(draw: st.DrawFn, kind: type) -> Any:
    """A value of a dataclass; axes of one name have one size inside it."""
    hints = typing.get_type_hints(kind)
    sizes: dict[str, int] = {}
    return kind(**{field.name: draw(_of(hints[field.name], sizes)) for field in fields(kind)})


def _of(hint: Any, sizes: dict[str, int]) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in SCALARS:
        return SCALARS[hint]
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        return _arrays(hint, sizes)
    if isinstance(hint, type) and is_dataclass(hint):
        return values(hint)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of([_of(argument, sizes) for argument in arguments])
    return _collections(origin, arguments, sizes)


def _collections(origin: Any, arguments: tuple[Any, ...], sizes: dict[str, int]) -> st.SearchStrategy[Any]:
    if origin is tuple and arguments[-1] is ...:
        return st.lists(_of(arguments[0], sizes), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*(_of(argument, sizes) for argument in arguments))
    if origin is frozenset:
        return st.frozensets(_of(arguments[0], sizes))
    if origin is dict:
        return st.dictionaries(_of(arguments[0], sizes), _of(arguments[1], sizes), max_size=2)
    raise TypeError(f"no values are known for {origin}{arguments}: teach this module how to draw them")


@st.composite
def _arrays(draw: st.DrawFn, hint: Any, sizes: dict[str, int]) -> np.ndarray:
    shape = []
    for axis in hint.dim_str.split():
        if not axis.isdigit() and axis not in sizes:
            sizes[axis] = draw(st.integers(1, 9))
        shape.append(int(axis) if axis.isdigit() else sizes[axis])
    dtype = np.dtype(draw(st.sampled_from([DTYPES[name] for name in hint.dtypes if name in DTYPES])))
    # A seed instead of every element: drawing thousands of numbers one by one is slow and teaches nothing.
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    if dtype.kind == "f":
        numbers = rng.normal(size=shape) * 10.0 ** rng.integers(-3, 4, shape)
        odd = rng.choice([np.nan, np.inf, -np.inf, -0.0, 0.0], shape)
        return np.where(rng.random(shape) < 0.1, odd, numbers).astype(dtype)
    limits = (0, 2) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return rng.integers(*limits, shape, dtype=np.uint8 if dtype.kind == "b" else dtype).astype(dtype)


def same(a: Any, b: Any) -> bool:
    """Whether two values are equal to the last bit that can be seen: types, dtypes, shapes, numbers; NaN equals NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        nan_is_nan = a.dtype.kind == "f"
        return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=nan_is_nan)
    if is_dataclass(a):
        return all(same(getattr(a, field.name), getattr(b, field.name)) for field in fields(a))
    if isinstance(a, tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return a == b or (isinstance(a, float) and np.isnan(a) and np.isnan(b))
