"""Every value comes back from the store as it was, and nothing else does."""

import dataclasses
import json
import uuid
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models import base
from regen3d import codec, types
from regen3d.errors import ModelOutputError, Regen3dError, StoreUnavailableError
from regen3d.store import Ref, Store
from regen3d.types import Camera, Instance, RoomLayout
from tests.synthetic.room import SyntheticRoom
from tests.synthetic.values import same, values

codec.register(base.Segmentation, base.Plate)

KINDS = [
    *(kind for kind in vars(types).values() if isinstance(kind, type) and dataclasses.is_dataclass(kind)),
    base.Segmentation,
    base.Plate,
]
EXAMPLES = settings(max_examples=10)


def new_store() -> Store:
    return Store(f"memory://{uuid.uuid4().hex}")


@pytest.fixture
def store() -> Store:
    return new_store()


def document_of(store: Store, ref: Ref) -> Any:
    return json.loads(store.get_bytes(ref))


# The checked constructors look at random elements of tuples.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_dataclass_comes_back(kind: type) -> None:
    @EXAMPLES
    @given(values(kind))
    def law(value: Any) -> None:
        store = new_store()
        ref = codec.put_value(store, value)
        assert codec.is_complete(store, ref)
        assert same(codec.get_value(store, ref, kind), value)
        # What was read is kept under the same name.
        assert codec.put_value(store, codec.get_value(store, ref, kind)) == ref

    law()


@settings(max_examples=60)
@given(
    hnp.arrays(
        st.sampled_from(["float16", "float32", "float64", "int8", "int32", "int64", "uint8", "uint16", "bool"]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9),
    )
)
def test_every_array_comes_back(array: np.ndarray) -> None:
    store = new_store()
    assert same(codec.get_value(store, codec.put_value(store, array), np.ndarray), array)


@pytest.mark.parametrize("shape", [(30, 40, 3), (30, 40, 4), (30, 40), (1, 100, 3), (100, 1), (5, 5, 5)])
def test_pictures_and_other_bytes_come_back(store: Store, rng: np.random.Generator, shape: tuple[int, ...]) -> None:
    picture = rng.integers(0, 256, shape, dtype=np.uint8)
    assert same(codec.get_value(store, codec.put_value(store, picture), np.ndarray), picture)
    mask = picture > 128
    assert same(codec.get_value(store, codec.put_value(store, mask), np.ndarray), mask)


def test_layout_in_memory_plays_no_part(store: Store, rng: np.random.Generator) -> None:
    points = rng.normal(size=(20, 30, 3))
    expected = codec.put_value(store, points)
    assert codec.put_value(store, np.asfortranarray(points)) == expected
    assert codec.put_value(store, np.repeat(points, 2, axis=1)[:, ::2]) == expected
    mask = points[..., 0] > 0
    assert codec.put_value(store, np.asfortranarray(mask)) == codec.put_value(store, mask)


def test_what_is_read_may_be_written_to(store: Store, rng: np.random.Generator) -> None:
    for array in (rng.normal(size=(40, 3)), rng.integers(0, 255, (20, 20, 3), dtype=np.uint8), np.eye(3)):
        assert codec.get_value(store, codec.put_value(store, array), np.ndarray).flags.writeable


def test_different_values_have_different_names(store: Store, synthetic_room: SyntheticRoom) -> None:
    camera = synthetic_room.camera
    moved = dataclasses.replace(camera, world_from_camera=camera.world_from_camera + 1e-12)
    assert codec.put_value(store, moved) != codec.put_value(store, camera)


def test_an_array_of_many_values_is_kept_once(store: Store, synthetic_room: SyntheticRoom) -> None:
    first, second = (codec.put_value(store, synthetic_room.view(name)) for name in ("chair-1", "table-1"))
    blobs = [document_of(store, ref)["fields"]["image"]["blob"] for ref in (first, second)]
    assert first != second
    assert blobs[0] == blobs[1]


def test_small_arrays_can_be_read_by_eye(store: Store, synthetic_room: SyntheticRoom) -> None:
    document = document_of(store, codec.put_value(store, synthetic_room.camera))
    assert document["type"] == "Camera"
    assert document["fields"]["intrinsics"]["numbers"] == synthetic_room.camera.intrinsics.ravel().tolist()


def test_refs_inside_values_come_back_and_count_for_completeness(store: Store) -> None:
    inner = codec.put_value(store, np.arange(100))
    outer = codec.put_value(store, (inner, {"again": inner}))
    assert codec.get_value(store, outer, tuple) == (inner, {"again": inner})
    assert codec.is_complete(store, outer)
    remove(store, document_of(store, inner)["blob"])
    assert not codec.is_complete(store, outer)


def test_incomplete_values_are_known_and_say_so(store: Store, synthetic_room: SyntheticRoom) -> None:
    ref = codec.put_value(store, synthetic_room.instances)
    assert codec.is_complete(store, ref)
    remove(store, document_of(store, ref)[0]["fields"]["mask"]["blob"])
    assert not codec.is_complete(store, ref)
    with pytest.raises(StoreUnavailableError, match="run the scene again"):
        codec.get_value(store, ref, tuple)


def test_another_kind_than_expected_is_refused(store: Store, synthetic_room: SyntheticRoom) -> None:
    ref = codec.put_value(store, synthetic_room.camera)
    with pytest.raises(ModelOutputError, match="holds a Camera, expected a RoomLayout"):
        codec.get_value(store, ref, RoomLayout)


@dataclasses.dataclass(frozen=True)
class Stranger:
    """Never registered."""

    value: int


@pytest.mark.parametrize(
    "value", [Stranger(3), object(), {1, 2}, b"bytes", lambda: None, 1j], ids=lambda value: type(value).__name__
)
def test_what_is_not_registered_cannot_be_kept(store: Store, value: Any) -> None:
    with pytest.raises(TypeError, match="register its dataclass"):
        codec.put_value(store, value)
    with pytest.raises(TypeError, match="register its dataclass"):
        codec.put_value(store, (1, value))


class Trap:
    """Unpickling this runs code."""

    def __reduce__(self) -> tuple:
        return (pytest.fail, ("code of a store was run",))


def trapped_array() -> bytes:
    import gzip
    import io

    buffer = io.BytesIO()
    np.save(buffer, np.array([Trap()], dtype=object), allow_pickle=True)
    return gzip.compress(buffer.getvalue(), mtime=0)


STRANGE = {
    "unknown type": b'{"type": "Stranger", "fields": {"value": 3}}',
    "a module's name": b'{"type": "os.system", "fields": {"command": "true"}}',
    "a builtin": b'{"type": "eval", "fields": {"source": "1"}}',
    "unknown field": b'{"type": "RoomLayout", "fields": {"colour": 3}}',
    "missing field": b'{"type": "RoomLayout", "fields": {}}',
    "no form at all": b'{"colour": 3}',
    "no fields": b'{"type": "RoomLayout"}',
    "an array of objects": b'{"numbers": ["a"], "dtype": "float64", "shape": [1]}',
    "a wrong shape": b'{"numbers": [1, 2, 3], "dtype": "float64", "shape": [2]}',
    "no dtype": b'{"numbers": [1], "dtype": "os", "shape": [1]}',
    "no ref": b'{"ref": {"digest": "../../etc/passwd", "suffix": ".png", "size": 1}}',
    "no JSON": b"\x89PNG",
    "pickle": b"cos\nsystem\n(S'true'\ntR.",
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_documents_are_refused_in_words(store: Store, name: str) -> None:
    ref = store.put_bytes(STRANGE[name], ".json")
    with pytest.raises(Regen3dError, match=ref.digest[:8]):
        codec.get_value(store, ref, Camera)


def test_nothing_is_unpickled(store: Store) -> None:
    blob = store.put_bytes(trapped_array(), ".npy.gz")
    ref = store.put_bytes(json.dumps({"blob": blob.model_dump()}).encode(), ".json")
    with pytest.raises(Regen3dError, match=ref.digest[:8]):
        codec.get_value(store, ref, np.ndarray)


def test_strange_documents_are_not_complete(store: Store) -> None:
    for content in (b"\x89PNG", b'{"ref": {"digest": "x"}}', b'{"blob": 3}'):
        assert not codec.is_complete(store, store.put_bytes(content, ".json"))


def test_a_registered_dataclass_can_be_kept(store: Store) -> None:
    kind = dataclasses.make_dataclass("Acquaintance", [("mask", np.ndarray)], frozen=True)
    codec.register(kind)
    value = kind(mask=np.ones((20, 20), dtype=bool))
    assert same(codec.get_value(store, codec.put_value(store, value), kind), value)


def test_numpy_scalars_become_plain_numbers(store: Store) -> None:
    kept = codec.get_value(store, codec.put_value(store, (np.float32(0.5), np.int64(3), np.bool_(True))), tuple)
    assert kept == (0.5, 3, True)
    assert [type(item) for item in kept] == [float, int, bool]


def test_png_of_a_mask_is_black_and_white() -> None:
    from io import BytesIO

    from PIL import Image

    mask = np.zeros((5, 9), dtype=bool)
    mask[1:3, 2:7] = True
    with Image.open(BytesIO(codec.png_bytes(mask))) as image:
        np.testing.assert_array_equal(np.array(image.convert("L")), mask * 255)


def test_instances_have_the_names_they_had(store: Store, synthetic_room: SyntheticRoom) -> None:
    kept = codec.get_value(store, codec.put_value(store, synthetic_room.instances), tuple)
    assert all(isinstance(item, Instance) for item in kept)
    assert [item.name for item in kept] == [item.name for item in synthetic_room.instances]


def remove(store: Store, blob: dict[str, Any]) -> None:
    store.remove_file(Ref.model_validate(blob).path)
