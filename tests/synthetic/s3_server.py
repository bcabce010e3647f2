"""A real S3 server on the loopback device, and a proxy before it that can be slow, refuse, or go away."""

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KEY, SECRET, BUCKET = "farm", "farm-secret-of-the-tests", "scenes"
WEED = Path(sys.executable).with_name("weed")


def free_port() -> int:
    # SeaweedFS takes the port 10000 above for gRPC.
    while True:
        with socket.socket() as low, socket.socket() as high:
            low.bind(("127.0.0.1", 0))
            port = low.getsockname()[1]
            if port > 50000:
                continue
            try:
                high.bind(("127.0.0.1", port + 10000))
            except OSError:
                continue
            return port


class S3Server:
    """SeaweedFS with one key and one bucket; what it holds outlives being killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "data").mkdir()
        identity = {
            "name": "farm",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        # Without a key of its own it encrypts nothing.
        (folder / "security.toml").write_text(f'[s3.sse]\nkek = "{"5e" * 32}"\n')
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        self._ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return self._ports["s3"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        ports = [f"-{name}.port={port}" for name, port in self._ports.items()]
        options = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={self._folder / 'data'}", "-master.telemetry=false"]
        options += ["-filer", "-s3", f"-s3.config={self._folder / 's3.json'}", "-volume.max=20"]
        options += [
            "-master.volumeSizeLimitMB=64",
            "-s3.autoCreateBucket=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
        ]
        command = [str(WEED), "server", *ports, *options]
        with (self._folder / "server.log").open("ab") as log:
            # It looks for its security.toml where it is started.
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def make_bucket(self) -> None:
        """Wait until the server takes orders, and make the bucket."""
        import s3fs

        files = s3fs.S3FileSystem(key=KEY, secret=SECRET, endpoint_url=self.url, skip_instance_cache=True)
        deadline = time.monotonic() + 120
        while True:
            try:
                if not files.exists(BUCKET):
                    files.mkdir(BUCKET)
                files.pipe_file(f"{BUCKET}/ready", b"yes")
            except Exception:  # noqa: BLE001 - whatever a server says that is not up yet
                assert time.monotonic() < deadline, (self._folder / "server.log").read_text()[-3000:]
                assert self._process is not None
                assert self._process.poll() is None, (self._folder / "server.log").read_text()[-3000:]
                time.sleep(0.5)
            else:
                return


@dataclass
class Proxy:
    """What passes on the way to a server, and what shall happen to it."""

    target: int
    seen: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    busy: int = 0
    """Refuses that many requests."""
    refusal: tuple[int, str] = (503, "SlowDown")
    """Status and code of the refusals."""
    slow_s: float = 0.0
    """Waits so long before each."""
    cut_after: str = ""
    """Closes the connection without an answer on requests whose line holds this."""
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def proxied(target: int) -> Iterator[Proxy]:
    proxy = Proxy(target=target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with proxy.lock:
                proxy.seen.append(f"{self.command} {self.path}")
                proxy.headers.append({name.lower(): value for name, value in self.headers.items()})
                refuse, proxy.busy = proxy.busy > 0, max(0, proxy.busy - 1)
            if proxy.cut_after and proxy.cut_after in f"{self.command} {self.path}":
                self.close_connection = True
                return
            time.sleep(proxy.slow_s)
            if refuse:
                status, code = proxy.refusal
                self.answer(status, {}, f"<Error><Code>{code}</Code><Message>later</Message></Error>".encode())
                return
            upstream = http.client.HTTPConnection("127.0.0.1", proxy.target, timeout=60)
            try:
                headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
                upstream.request(self.command, self.path, body=body or None, headers=headers)
                reply = upstream.getresponse()
                content = reply.read()
                kept = {name: value for name, value in reply.getheaders() if name.lower() not in SKIPPED}
                length = reply.getheader("Content-Length") if self.command == "HEAD" else None
                self.answer(reply.status, kept, content, length)
            except OSError:
                self.close_connection = True
            finally:
                upstream.close()

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any

        def answer(self, status: int, headers: dict[str, str], content: bytes, length: str | None = None) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()


SKIPPED = ("content-length", "transfer-encoding", "connection", "date", "server")


def environment(url: str, cache: Path, **settings: str) -> dict[str, str]:
    """Environment of a process whose store is on the server."""
    return {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_EC2_METADATA_DISABLED": "true",
        "REGEN3D_S3_ENDPOINT_URL": url,
        "REGEN3D_S3_REGION": "us-east-1",
        "REGEN3D_CACHE_DIR": str(cache),
        "AWS_CONFIG_FILE": os.devnull,
        **settings,
    }
