"""The store in a bucket: the contract on a real server, and everything that a network does to it."""

import logging
import os
import resource
import signal
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from regen3d.errors import ConfigError, StoreUnavailableError
from regen3d.store import Store
from regen3d.store.cache import BlobCache
from tests.contracts.test_store_contract import StoreContract
from tests.synthetic.s3_server import BUCKET, Proxy, S3Server, environment, proxied


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    server.start()
    try:
        server.make_bucket()
        yield server
    finally:
        server.kill()


@pytest.fixture
def proxy(server: S3Server) -> Iterator[Proxy]:
    with proxied(server.port) as proxy:
        yield proxy


def use(patch: pytest.MonkeyPatch, url: str, cache: Path, **settings: str) -> None:
    for name, value in environment(url, cache, **settings).items():
        patch.setenv(name, value)


def bucket_store() -> Store:
    return Store(f"s3://{BUCKET}/{uuid.uuid4().hex}")


class TestS3Store(StoreContract):
    @pytest.fixture
    def store(self, server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
        use(monkeypatch, server.url, tmp_path)
        return bucket_store()


def test_busy_answers_are_waited_out(proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, proxy.url, tmp_path)
    store = bucket_store()
    proxy.busy = 4
    ref = store.put_bytes(b"patience", ".bin")
    proxy.busy = 3
    assert store.has(ref)
    assert proxy.busy == 0
    proxy.slow_s = 0.5
    store.put_record("runs/one", {"a": 1})
    assert store.get_record("runs/one") == {"a": 1}


def test_a_slow_line_is_no_bad_request(proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, proxy.url, tmp_path)
    # What S3 answers to an upload that stalled.
    proxy.busy, proxy.refusal = 2, (400, "RequestTimeout")
    store = bucket_store()
    store.put_record("runs/one", {"a": 1})
    assert store.get_record("runs/one") == {"a": 1}
    assert proxy.busy == 0


def test_a_server_that_stays_away_is_unavailable(proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, proxy.url, tmp_path, REGEN3D_S3_PATIENCE_S="1")
    proxy.busy = 1000
    with pytest.raises(StoreUnavailableError, match=r"for 1 s: .*"):
        bucket_store().put_record("runs/one", {})


def test_a_killed_server_comes_back_with_all_that_it_had(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, server.url, tmp_path)
    store = bucket_store()
    refs = [store.put_bytes(f"before {k}".encode(), ".bin") for k in range(5)]
    server.kill()
    threading.Timer(5.0, server.start).start()
    started = time.monotonic()
    late = store.put_bytes(b"while it was away", ".bin")
    assert time.monotonic() - started > 3.0
    assert all(store.has(ref) for ref in (*refs, late))


def test_large_blobs_go_in_parts_and_appear_whole_or_not_at_all(
    proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, proxy.url, tmp_path, REGEN3D_S3_PART_MB="5", REGEN3D_S3_PATIENCE_S="1", REGEN3D_CACHE_GB="0")
    store, content = bucket_store(), os.urandom(11 * 1024 * 1024)
    proxy.cut_after = "partNumber=3"
    with pytest.raises(StoreUnavailableError):
        store.put_bytes(content, ".bin")
    assert list(store.walk()) == []
    proxy.cut_after = ""
    ref = store.put_bytes(content, ".bin")
    assert sum("partNumber=" in line for line in proxy.seen) >= 3
    assert store.get_bytes(ref) == content


def test_nothing_is_listed_on_the_way_of_a_scene(proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, proxy.url, tmp_path)
    store = bucket_store()
    ref = store.put_bytes(b"chair", ".bin")
    store.has(ref)
    assert not store.has(ref.model_copy(update={"digest": "0" * 64}))
    store.get_bytes(ref)
    store.get_record("runs/none")
    store.put_record("runs/one", {})
    store.get_record("runs/one")
    store.remove_record("runs/one")
    assert not [line for line in proxy.seen if "list-type" in line or "prefix=" in line]
    list(store.walk())
    assert [line for line in proxy.seen if "list-type" in line]


def test_a_blob_is_fetched_once_and_the_cache_stays_small(
    proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, proxy.url, tmp_path / "mine", REGEN3D_CACHE_GB="0.0001")
    store = bucket_store()
    refs = [store.put_bytes(os.urandom(30_000), ".bin") for _ in range(12)]
    kept = sum(path.stat().st_size for path in (tmp_path / "mine").rglob("*") if path.is_file())
    assert 0 < kept <= 0.0001 * 1024**3
    use(monkeypatch, proxy.url, tmp_path / "another", REGEN3D_CACHE_GB="1")
    reader = Store(store.uri)
    before = len(proxy.seen)
    contents = [reader.get_bytes(ref) for ref in refs]
    assert len(proxy.seen) == before + len(refs)
    assert [reader.get_bytes(ref) for ref in refs] == contents
    assert len(proxy.seen) == before + len(refs)


def test_a_damaged_cache_is_not_believed(tmp_path: Path) -> None:
    cache = BlobCache(tmp_path, 10**6)
    name = "blobs/aa/" + "a" * 64 + ".bin"
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes(b"not what the name says")
    assert cache.get(name) is None
    assert not (tmp_path / name).exists()


def test_a_full_disk_under_the_cache_fails_nothing(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    use(monkeypatch, server.url, tmp_path)
    store, content = bucket_store(), os.urandom(200_000)
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    # No file of this process may grow beyond 100 kB: what a disk without room does to a write.
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with caplog.at_level(logging.WARNING):
            ref = store.put_bytes(content, ".bin")
            assert store.get_bytes(ref) == content
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert any("takes nothing" in record.getMessage() for record in caplog.records)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_link_shows_a_blob_without_a_key_until_it_expires(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, server.url, tmp_path)
    store = bucket_store()
    ref = store.put_bytes(b"a picture", ".png")
    link = store.link(ref, 2.0)
    assert link is not None
    with urllib.request.urlopen(link, timeout=20) as answer:
        assert answer.read() == b"a picture"
    time.sleep(3)
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        urllib.request.urlopen(link, timeout=20)
    refused.value.close()


def test_the_service_is_asked_to_encrypt(proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, proxy.url, tmp_path, REGEN3D_S3_SSE="AES256", REGEN3D_CACHE_GB="0")
    store = bucket_store()
    ref = store.put_bytes(b"secret furniture", ".bin")
    puts = [head for line, head in zip(proxy.seen, proxy.headers, strict=True) if line.startswith("PUT")]
    assert [head["x-amz-server-side-encryption"] for head in puts] == ["AES256"]
    assert store.get_bytes(ref) == b"secret furniture"


@pytest.mark.parametrize(
    ("settings", "uri", "message"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, f"s3://{BUCKET}/x", "refuses"),
        ({}, "s3://no-such-bucket/x", "no bucket 'no-such-bucket'"),
    ],
)
def test_what_a_user_can_mend_is_said(
    server: S3Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    uri: str,
    message: str,
) -> None:
    import s3fs

    use(monkeypatch, server.url, tmp_path, **settings)
    # The key is read when the connection is made.
    s3fs.S3FileSystem.clear_instance_cache()
    started = time.monotonic()
    with pytest.raises(ConfigError, match=message):
        Store(uri).put_record("runs/one", {})
    assert time.monotonic() - started < 30
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.parametrize(
    "uri",
    [
        "s3://",
        "s3:///x",
        "s3://a/../b",
        "s3://bucket/x?versionId=1",
        "s3://Bucket_X/y",
        "http://host/x",
        "file://../../x",
    ],
)
def test_malicious_addresses_are_refused(uri: str) -> None:
    with pytest.raises(ConfigError):
        Store(uri)


def test_settings_that_cannot_be_used_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGEN3D_S3_PART_MB", "1")
    with pytest.raises(ConfigError, match="REGEN3D_S3_PART_MB"):
        Store(f"s3://{BUCKET}/x")
    monkeypatch.delenv("REGEN3D_S3_PART_MB")
    monkeypatch.setenv("REGEN3D_CACHE_GB", "much")
    with pytest.raises(ConfigError, match="REGEN3D_CACHE_GB"):
        Store(f"s3://{BUCKET}/x")
