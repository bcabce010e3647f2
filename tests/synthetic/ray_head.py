"""A Ray cluster of one machine on loopback, as `ray start --head` makes it, with a token and Ray's client."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.synthetic.s3_server import free_port

ROOT = Path(__file__).parents[2]


class RayHead:
    """A head node with two cores and two simulated GPUs that is started and ended by itself."""

    def __init__(self, folder: Path, **environment: str) -> None:
        """Choose ports and a token below a folder; its workers have the environment, too."""
        self._folder = folder
        self._port, self._client_port = free_port(), free_port()
        token = folder / "token"
        token.write_text(secrets.token_hex(32))
        token.chmod(0o600)
        self.environment = os.environ | {
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_worker_niceness": "0",
            # Else what Ray's client starts there dies now and then as gRPC is forked.
            "GRPC_ENABLE_FORK_SUPPORT": "0",
            # Whatever a driver asks for is imported there, too.
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def addresses(self) -> dict[str, str]:
        """How a driver may name it: by the head's own port, or through Ray's client."""
        return {"head": f"127.0.0.1:{self._port}", "client": f"ray://127.0.0.1:{self._client_port}"}

    def start(self) -> None:
        """Start it and wait until it takes drivers."""
        ray = Path(sys.executable).with_name("ray")
        where = ["--head", "--block", "--node-ip-address=127.0.0.1", f"--port={self._port}"]
        how = [f"--ray-client-server-port={self._client_port}", "--num-cpus=2", "--num-gpus=2"]
        # A folder of its own, with a short name because of its sockets: else other drivers of this machine find it.
        self._temp = tempfile.mkdtemp(prefix="ray-")
        less = ["--include-dashboard=false", "--disable-usage-stats", "--object-store-memory=104857600"]
        less.append(f"--temp-dir={self._temp}")
        log = self._folder / "head.log"
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [str(ray), "start", *where, *how, *less],
                env=self.environment,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        deadline = time.monotonic() + 180
        while "Ray runtime started" not in log.read_text():
            assert self._process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.3)

    def stop(self) -> None:
        """End it with all its processes, and no other Ray's."""
        if self._process is None:
            return
        family = [psutil.Process(self._process.pid), *psutil.Process(self._process.pid).children(recursive=True)]
        self._process.terminate()
        _, left = psutil.wait_procs(family, timeout=3)
        for process in left:
            process.kill()
        self._process.wait()
        self._process = None
        shutil.rmtree(self._temp)
