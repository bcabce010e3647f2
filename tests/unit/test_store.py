"""What the contract cannot say of all stores: local files, many processes, and addresses that are none."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regen3d.errors import ConfigError, StoreUnavailableError
from regen3d.manifest import StageCall
from regen3d.store import Store, digest_of, write_atomically

WRITER = """
import sys
from regen3d.store import Store
store = Store(sys.argv[1])
for k in range(60):
    store.put_bytes(f"object {k}".encode() * 5000, ".bin")
    store.put_record("shared/record", {"text": sys.argv[2] * 20000})
"""


@pytest.mark.parametrize("uri", ["ftp://host/x", "http://host/x", "github://a:b@/x", "://x", "simplecache::s3://x/y"])
def test_unknown_protocols_are_refused(uri: str) -> None:
    with pytest.raises(ConfigError, match="file:// or s3://"):
        Store(uri)


@pytest.mark.parametrize("uri", ["s3://", "s3:///"])
def test_s3_without_a_bucket_is_refused(uri: str) -> None:
    with pytest.raises(ConfigError, match="bucket"):
        Store(uri)


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"notes\.txt' is a file"):
        Store(str(tmp_path / "notes.txt"))


def test_opening_a_store_writes_nothing(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "new" / "store"))
    assert store.get_record("runs/none") is None
    assert list(tmp_path.iterdir()) == []


def test_relative_folders_stay_where_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store("store")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    ref = store.put_bytes(b"x", ".bin")
    assert (tmp_path / "store" / ref.path).read_bytes() == b"x"


def test_what_stands_in_the_way_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file where a folder should be", encoding="utf-8")
    store = Store(str(tmp_path))
    with pytest.raises(StoreUnavailableError, match="did not take"):
        store.put_bytes(b"x", ".bin")


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "record.json"
    write_atomically(target, b"old")

    def full(path: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


def test_processes_write_at_once_and_readers_never_see_a_part(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), letter]) for letter in "abc"]
    texts: list[str] = []
    while any(writer.poll() is None for writer in writers):
        record = store.get_record("shared/record")
        # A part of a document would read as None: that may only be before the first one.
        assert record is not None or not texts
        texts += [record["text"]] if record else []
    assert len(texts) > 0
    assert {(len(text), len(set(text))) for text in texts} == {(20000, 1)}
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 61
    for k in range(60):
        content = f"object {k}".encode() * 5000
        assert store.get_bytes(store.put_bytes(content, ".bin")) == content


@given(st.dictionaries(st.text(max_size=5), st.integers(), max_size=6), st.randoms())
def test_digest_does_not_depend_on_order(document: dict, random) -> None:
    keys = list(document)
    random.shuffle(keys)
    assert digest_of({key: document[key] for key in keys}) == digest_of(document)


def test_digest_depends_on_every_value() -> None:
    assert digest_of({"a": 1}) != digest_of({"a": 2})
    assert digest_of({"a": 1}) != digest_of({"b": 1})
    assert digest_of([1, 2]) != digest_of([2, 1])
    assert digest_of("1") != digest_of(1)


def test_digest_of_a_model_is_that_of_its_document() -> None:
    call = StageCall(stage="align", object="chair-1")
    assert digest_of({"call": call}) == digest_of({"call": call.model_dump(mode="json")})


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes"])
def test_what_is_no_json_has_no_digest(value: object) -> None:
    with pytest.raises(TypeError, match="has no digest"):
        digest_of(value)


def test_not_a_number_has_no_digest() -> None:
    with pytest.raises(ValueError, match="JSON"):
        digest_of({"a": float("nan")})


def test_a_disk_without_hard_links_takes_claims_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    store = Store(str(tmp_path))
    assert store.create_record("claims/work/0", {"by": 1})
    assert not store.create_record("claims/work/0", {"by": 2})
    assert store.get_record("claims/work/0") == {"by": 1}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["0.json"]
