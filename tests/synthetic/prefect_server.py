"""A Prefect server of its own on the loopback device, which can be killed and started again."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path


class PrefectServer:
    """What it knows outlives being killed."""

    def __init__(self, home: Path, *, ui: bool = False) -> None:
        self._home, self._ui = home, ui
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/api"

    @property
    def site(self) -> str:
        """Where people look."""
        return self.url.removesuffix("/api")

    def start(self) -> None:
        """Start it and wait until it answers."""
        environment = os.environ | {
            "PREFECT_HOME": str(self._home),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            # As deploy/local.sh has it: what is in memory is lost.
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        }
        environment.pop("PREFECT_API_URL", None)
        prefect = Path(sys.executable).with_name("prefect")
        command = [str(prefect), "server", "start", "--host", "127.0.0.1", "--port", str(self._port)]
        if self._ui:
            # The UI asks the port that the settings name, whatever the command says; its files are written anew.
            environment |= {"PREFECT_UI_API_URL": self.url, "PREFECT_UI_STATIC_DIRECTORY": str(self._home / "ui")}
        else:
            command.append("--no-ui")
        with (self._home / "server.log").open("ab") as log:
            # A session of its own: it has children.
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            assert self._process.poll() is None, (self._home / "server.log").read_text()[-3000:]
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.5)
        raise AssertionError("the server did not answer in 180 s")

    def kill(self) -> None:
        """SIGKILL, its children too."""
        if self._process is not None:
            os.killpg(self._process.pid, 9)
            self._process.wait()
            self._process = None
