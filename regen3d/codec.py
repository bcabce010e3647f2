"""Values to the store and back: a readable JSON document whose large arrays are blobs of their own.

Pictures and masks become PNG files, other arrays gzipped `.npy` files, and an array that occurs in many values (the
picture in every object's view) is kept once. Decoding builds only the dataclasses that are registered here, so nothing
in a store can run code.
"""

import gzip
import io
import json
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from regen3d import types
from regen3d.errors import ModelOutputError, StoreUnavailableError
from regen3d.store import Ref, Store

INLINE_NUMBERS = 64
"""Arrays of up to this many numbers stand in the document itself (a 4x4 matrix, a camera)."""

Value = TypeVar("Value")

_TYPES: dict[str, type] = {
    name: kind for name, kind in vars(types).items() if isinstance(kind, type) and is_dataclass(kind)
}


def register(*kinds: type) -> None:
    """Let further dataclasses be kept in a store."""
    _TYPES.update({kind.__name__: kind for kind in kinds})


def put_value(store: Store, value: Any) -> Ref:
    """Keep a dataclass, array, or tuple of them; equal values get equal references."""
    document = _encode(store, value)
    return store.put_bytes(json.dumps(document, sort_keys=True, separators=(",", ":")).encode(), ".json")


def get_value(store: Store, ref: Ref, kind: type[Value]) -> Value:
    """Read a value back.

    Raises:
        ModelOutputError: something else than `kind` is kept there, or nothing that this version can read.
        StoreUnavailableError: it, or one of its arrays, is not there.
    """
    content = store.get_bytes(ref)
    try:
        value = _decode(store, json.loads(content))
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise ModelOutputError(
            f"{ref.path} in the store '{store.uri}' cannot be read ({error!r}): remove that file and run again"
        ) from error
    if not isinstance(value, kind):
        raise ModelOutputError(f"{ref.path} holds a {type(value).__name__}, expected a {kind.__name__}")
    return value


def is_complete(store: Store, ref: Ref) -> bool:
    """Whether a value, every array and every value that it names are in the store."""
    if not store.has(ref):
        return False
    if ref.suffix != ".json":
        return True
    try:
        inner = _refs_in(json.loads(store.get_bytes(ref)))
    except (StoreUnavailableError, ValueError):
        return False
    return all(is_complete(store, each) for each in inner)


def _refs_in(document: Any) -> list[Ref]:
    if isinstance(document, dict):
        if "blob" in document or "ref" in document:
            return [Ref.model_validate(document.get("blob") or document["ref"])]
        return [ref for item in document.values() for ref in _refs_in(item)]
    if isinstance(document, list):
        return [ref for item in document for ref in _refs_in(item)]
    return []


def _encode(store: Store, value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, np.ndarray):
        return _encode_array(store, value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Ref):
        return {"ref": value.model_dump()}
    if isinstance(value, tuple | list):
        return [_encode(store, item) for item in value]
    if isinstance(value, frozenset):
        return {"set": sorted(value)}
    if isinstance(value, dict):
        return {"map": {str(key): _encode(store, item) for key, item in value.items()}}
    if type(value).__name__ in _TYPES:
        entries = {field.name: _encode(store, getattr(value, field.name)) for field in fields(value)}
        return {"type": type(value).__name__, "fields": entries}
    raise TypeError(f"a {type(value).__name__} cannot be kept in a store: register its dataclass")


def _decode(store: Store, document: Any) -> Any:
    if isinstance(document, list):
        return tuple(_decode(store, item) for item in document)
    if not isinstance(document, dict):
        return document
    if "ref" in document:
        return Ref.model_validate(document["ref"])
    if "set" in document:
        return frozenset(document["set"])
    if "map" in document:
        return {key: _decode(store, item) for key, item in document["map"].items()}
    if "numbers" in document:
        return np.array(document["numbers"], dtype=document["dtype"]).reshape(document["shape"])
    if "blob" in document:
        return _decode_blob(store, document)
    entries = {name: _decode(store, item) for name, item in document["fields"].items()}
    return _TYPES[document["type"]](**entries)


def _encode_array(store: Store, array: np.ndarray) -> dict[str, Any]:
    if array.size <= INLINE_NUMBERS:
        return {"numbers": array.ravel().tolist(), "dtype": str(array.dtype), "shape": list(array.shape)}
    if _is_picture(array):
        return {"blob": store.put_bytes(png_bytes(array), ".png").model_dump()}
    buffer = io.BytesIO()
    # One order in memory: equal arrays get equal bytes.
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    # Level 1: point maps are noise to a compressor, masks shrink at any level; mtime 0 keeps equal arrays equal.
    packed = gzip.compress(buffer.getvalue(), compresslevel=1, mtime=0)
    return {"blob": store.put_bytes(packed, ".npy.gz").model_dump()}


def _is_picture(array: np.ndarray) -> bool:
    if array.dtype == np.bool_:
        return array.ndim == 2
    return array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] in (3, 4)


def png_bytes(picture: np.ndarray) -> bytes:
    """A picture (h w 3 or h w 4, 8 bit) or a mask (h w, boolean) as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def _decode_blob(store: Store, document: dict[str, Any]) -> np.ndarray:
    ref = Ref.model_validate(document["blob"])
    content = store.get_bytes(ref)
    if ref.suffix == ".png":
        return np.array(Image.open(io.BytesIO(content)))
    return np.load(io.BytesIO(gzip.decompress(content)), allow_pickle=False)
