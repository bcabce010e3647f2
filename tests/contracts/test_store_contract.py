"""What every store promises, whatever it stands on; a new kind of store supplies one fixture and inherits the suite."""

import hashlib
import threading
import time
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from regen3d.errors import ConfigError, StoreUnavailableError
from regen3d.store import Ref, Store
from regen3d.store.cache import CachedFiles

SAFE_KEYS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,8}(/[A-Za-z0-9][A-Za-z0-9_-]{0,8}){0,3}", fullmatch=True)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
DOCUMENTS = st.dictionaries(st.text(), JSON, max_size=4)

EXAMPLES = settings(
    max_examples=25,
    # One store serves all examples, and the suite is meant to be inherited.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


class StoreContract:
    """Inherit, and give a fixture `store`: a new, empty store."""

    def test_bytes_come_back(self, store: Store) -> None:
        for content in (b"", b"\0", b"room" * 10_000):
            ref = store.put_bytes(content, ".bin")
            assert store.has(ref)
            assert store.get_bytes(ref) == content
            assert ref == Ref(digest=hashlib.sha256(content).hexdigest(), suffix=".bin", size=len(content))

    @EXAMPLES
    @given(first=st.binary(max_size=50), second=st.binary(max_size=50))
    def test_names_follow_content(self, store: Store, first: bytes, second: bytes) -> None:
        refs = store.put_bytes(first, ".bin"), store.put_bytes(second, ".bin")
        assert (refs[0] == refs[1]) == (first == second)
        assert (store.get_bytes(refs[0]), store.get_bytes(refs[1])) == (first, second)

    def test_another_opening_sees_the_same(self, store: Store) -> None:
        ref = store.put_bytes(b"chair", ".bin")
        store.put_record("runs/one", {"value": ref.digest})
        again = Store(store.uri)
        assert again.get_bytes(ref) == b"chair"
        assert again.get_record("runs/one") == {"value": ref.digest}

    def test_missing_blob_says_what_to_do(self, store: Store) -> None:
        ref = Ref(digest="0" * 64, suffix=".bin", size=3)
        assert not store.has(ref)
        with pytest.raises(StoreUnavailableError, match="run the scene again"):
            store.get_bytes(ref)

    def test_damage_is_seen_and_removed(self, store: Store) -> None:
        ref = store.put_bytes(b"sound", ".bin")
        overwrite(store, ref.path, b"wrong")
        assert store.has(ref), "same size: only reading tells"
        with pytest.raises(StoreUnavailableError, match="damaged"):
            store.get_bytes(ref)
        assert not store.has(ref)
        assert store.get_bytes(store.put_bytes(b"sound", ".bin")) == b"sound"

    def test_damage_that_another_reader_removed_first_is_told_alike(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ref = store.put_bytes(b"sound", ".bin")
        overwrite(store, ref.path, b"wrong")
        remove = store._files.remove

        def removed_twice(path: str) -> None:
            remove(path)
            remove(path)

        monkeypatch.setattr(store._files, "remove", removed_twice)
        with pytest.raises(StoreUnavailableError, match="damaged"):
            store.get_bytes(ref)

    def test_a_cut_blob_is_not_there_and_is_written_again(self, store: Store) -> None:
        ref = store.put_bytes(b"a long table", ".bin")
        overwrite(store, ref.path, b"a long")
        assert not store.has(ref)
        assert store.put_bytes(b"a long table", ".bin") == ref
        assert store.get_bytes(ref) == b"a long table"

    @EXAMPLES
    @given(key=SAFE_KEYS, document=DOCUMENTS)
    def test_records_come_back(self, store: Store, key: str, document: dict) -> None:
        # Below one folder a case, so that no key is the folder of another.
        key = f"{uuid.uuid4().hex}/{key}"
        store.put_record(key, document)
        assert store.get_record(key) == document

    def test_a_record_is_replaced(self, store: Store) -> None:
        assert store.get_record("stages/align/1f") is None
        store.put_record("stages/align/1f", {"seconds": 1})
        store.put_record("stages/align/1f", {"seconds": 2})
        assert store.get_record("stages/align/1f") == {"seconds": 2}

    @pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"3", b'{"a": 1} {'])
    def test_an_unreadable_record_is_none(self, store: Store, content: bytes) -> None:
        overwrite(store, "stages/x.json", content)
        assert store.get_record("stages/x") is None

    @pytest.mark.parametrize(
        "key",
        [
            "",
            "/",
            "a//b",
            "/a",
            "a/",
            "..",
            "a/../b",
            "a/..",
            ".hidden",
            "a b",
            "a\\b",
            "a\n",
            "ä",
            "a:b",
            "~",
            "a/..b",
        ],
    )
    def test_unsafe_keys_are_refused(self, store: Store, key: str) -> None:
        with pytest.raises(ConfigError, match="no record key"):
            store.put_record(key, {})
        with pytest.raises(ConfigError, match="no record key"):
            store.get_record(key)

    def test_a_record_is_created_once_whoever_tries(self, store: Store) -> None:
        key, won = f"claims/{uuid.uuid4().hex}", []

        def create(k: int) -> None:
            if store.create_record(key, {"by": k}):
                won.append(k)

        threads = [threading.Thread(target=create, args=(k,)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert store.get_record(key) == {"by": won[0]}
        store.remove_record(key)
        store.remove_record(key)
        assert store.create_record(key, {"by": "another"})

    def test_numbers_without_value_are_refused(self, store: Store) -> None:
        with pytest.raises(ValueError, match="JSON"):
            store.put_record("a", {"depth": float("nan")})
        assert store.get_record("a") is None

    def test_many_threads_write_the_same_and_different_things(self, store: Store) -> None:
        contents = [f"object {k % 5}".encode() * 2000 for k in range(40)]
        refs: list[Ref | None] = [None] * len(contents)

        def put(k: int) -> None:
            refs[k] = store.put_bytes(contents[k], ".bin")
            store.put_record("shared/record", {"writer": k})

        threads = [threading.Thread(target=put, args=(k,)) for k in range(len(contents))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(refs)) == 5
        for ref, content in zip(refs, contents, strict=True):
            assert ref is not None
            assert store.get_bytes(ref) == content
        record = store.get_record("shared/record")
        assert record is not None
        assert record["writer"] in range(40)

    def test_what_is_there_can_be_listed_read_and_removed(self, store: Store) -> None:
        assert list(store.walk()) == []
        ref = store.put_bytes(b"room", ".bin")
        store.put_record("runs/one", {})
        store.write_file("inputs/a/kitchen.png", b"picture")
        assert [(file.path, file.size) for file in store.walk()] == [
            (ref.path, 4),
            ("inputs/a/kitchen.png", 7),
            ("runs/one.json", 2),
        ]
        (one,) = store.walk("runs")
        assert store.stat(one.path) == one
        assert abs(one.modified - time.time()) < 60
        assert store.read_file("inputs/a/kitchen.png") == b"picture"
        store.remove_file(one.path)
        store.remove_file(one.path)
        assert store.stat(one.path) is None
        assert store.get_record("runs/one") is None
        assert list(store.walk("nowhere")) == []

    def test_files_cannot_leave_the_store(self, store: Store) -> None:
        for path in ("../x", "/etc/passwd", "a/../../x", ".x"):
            with pytest.raises(ConfigError, match="no path in a store"):
                store.write_file(path, b"")

    @pytest.mark.parametrize(
        "broken",
        [
            {"digest": "../../etc/passwd"},
            {"digest": "0" * 63},
            {"digest": "A" * 64},
            {"suffix": "/../x"},
            {"suffix": "png"},
            {"size": -1},
            {"path": "elsewhere"},
        ],
    )
    def test_a_ref_cannot_point_elsewhere(self, store: Store, broken: dict) -> None:
        sound = store.put_bytes(b"lamp", ".png").model_dump()
        with pytest.raises(ValidationError):
            Ref.model_validate({**sound, **broken})


def overwrite(store: Store, path: str, content: bytes) -> None:
    """Damage what lies at a path, past the store's own door."""
    files = store._files
    if isinstance(files, CachedFiles):
        files._cache.drop(path)
        files = files._files
    files.write(path, content)


class TestFolderStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return Store(str(tmp_path / "store"))


class TestFileUriStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return Store(f"file://{tmp_path}/a store with spaces")


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return Store(f"memory://{uuid.uuid4().hex}")
