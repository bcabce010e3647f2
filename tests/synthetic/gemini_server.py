"""A loopback server that speaks the part of Gemini's protocol that the editor uses."""

import base64
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from PIL import Image

from regen3d.query.layout import letterboxed
from regen3d.types import Rgb

Paint = Callable[[Rgb, str], Rgb]
"""(picture, prompt) -> repainted picture."""


def painter_of(plate: Rgb) -> Paint:
    """Shows the true empty room where a room is to be emptied, and the asked picture where an object is."""
    empty = letterboxed(plate)[0]
    return lambda picture, prompt: empty if prompt.startswith("Remove all furniture") else picture


@dataclass(slots=True)
class GeminiServer:
    """What it answers, and what it was asked."""

    paint: Paint
    key: str = "a-key"
    script: list[tuple[int, dict] | bytes | float | None] = field(default_factory=list)
    """Answers to the next requests: (HTTP code, body), broken bytes as a picture, seconds of silence, or None for half
    a body; then paint."""
    jobs: list[dict] = field(default_factory=list)
    """Batch jobs as they were asked for; job n is named `batches/n`, and done when it is looked at the second time."""
    ends: str = "BATCH_STATE_SUCCEEDED"
    """How jobs end; one that does not succeed has no answers."""
    looks: dict[str, int] = field(default_factory=dict)
    """Job -> how often it was looked at."""
    asked: list[dict] = field(default_factory=list)
    url: str = ""

    def answer(self, key: str | None, body: dict) -> tuple[int, dict]:
        """HTTP code and body for one request."""
        self.asked.append(body)
        if key != self.key:
            return error(400, "INVALID_ARGUMENT", {"reason": "API_KEY_INVALID"})
        planned = self.script.pop(0) if self.script else 0.0
        if planned is None:
            return 200, {}
        if isinstance(planned, tuple):
            return planned
        if isinstance(planned, float):
            time.sleep(planned)
        if isinstance(planned, bytes):
            return 200, pictured(planned)
        parts = body["contents"][0]["parts"]
        prompt = next(part["text"] for part in parts if "text" in part)
        data = next(part["inlineData"]["data"] for part in parts if "inlineData" in part)
        with Image.open(io.BytesIO(base64.b64decode(data.replace("-", "+").replace("_", "/")))) as image:
            picture = np.array(image.convert("RGB"), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(self.paint(picture, prompt)).save(file, format="PNG", compress_level=1)
        return 200, pictured(file.getvalue())

    def start(self, key: str | None, body: dict) -> tuple[int, dict]:
        """Answer to a new batch job."""
        if key != self.key:
            return error(400, "INVALID_ARGUMENT", {"reason": "API_KEY_INVALID"})
        self.jobs.append(body["batch"])
        return 200, {"name": f"batches/{len(self.jobs) - 1}", "metadata": {"state": "BATCH_STATE_PENDING"}}

    def look(self, name: str) -> tuple[int, dict]:
        """Answer to a look at a batch job."""
        self.looks[name] = self.looks.get(name, 0) + 1
        if self.looks[name] < 2:
            return 200, {"name": name, "metadata": {"state": "BATCH_STATE_RUNNING"}}
        answers = []
        if self.ends == "BATCH_STATE_SUCCEEDED":
            for item in self.jobs[int(name.split("/")[1])]["inputConfig"]["requests"]["requests"]:
                code, answer = self.answer(self.key, item["request"])
                answers.append({"response": answer} if code == 200 else {"error": {"code": code, "message": "no"}})
        output = {"inlinedResponses": {"inlinedResponses": answers}}
        return 200, {"name": name, "done": True, "metadata": {"state": self.ends, "output": output}}


def pictured(data: bytes) -> dict:
    """The body of an answer with a picture."""
    part = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(data).decode()}}
    return {
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 180, "candidatesTokenCount": 1120, "totalTokenCount": 1300},
    }


def refused(reason: str) -> tuple[int, dict]:
    """An answer that ended without a picture."""
    return 200, {"candidates": [{"finishReason": reason}]}


def blocked(reason: str) -> tuple[int, dict]:
    """An answer to a question that was blocked."""
    return 200, {"promptFeedback": {"blockReason": reason}}


def error(code: int, status: str, detail: dict | None = None) -> tuple[int, dict]:
    """An HTTP error as the service words it."""
    return code, {"error": {"code": code, "status": status, "message": status, "details": [detail or {}]}}


@contextmanager
def serving(paint: Paint) -> Iterator[GeminiServer]:
    """Run a server on a free port of this machine."""
    state = GeminiServer(paint=paint)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            key = self.headers.get("x-goog-api-key")
            half = bool(state.script) and state.script[0] is None
            act = state.start if self.path.endswith(":batchGenerateContent") else state.answer
            self.reply(*act(key, body), half=half)

        def do_GET(self) -> None:
            name = self.path.split("?")[0].split("/", 2)[2]
            self.reply(*state.look(name))

        def reply(self, code: int, answer: dict, half: bool = False) -> None:
            content = b'{"candidates": [{"content": {"par' if half else json.dumps(answer).encode()
            try:
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                # The client gave up waiting, as a test may want.
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
