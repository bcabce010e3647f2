"""A server for the pages of `regen3d view` and `regen3d edit`: loopback only, one secret, bounded requests.

The address holds a random token, so that no other user of the machine and no page of another site can guess it. The
`Host` of every request must be this server (a foreign name that resolves to loopback is refused), and what changes
something must come from its own page.
"""

import hmac
import json
import secrets
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from regen3d.errors import ConfigError, Regen3dError

LOOPBACK = "127.0.0.1"
"""Where the server listens, unless told otherwise."""

PATIENCE_S = 30.0
"""How long a connection may be silent before it is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a page asks."""

    path: str
    """Below the token, without a slash in front."""
    body: bytes
    """Empty for GET."""

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ConfigError: it is none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"the request is no JSON ({error}): reload the page and try again") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What it gets."""

    body: bytes
    """The content."""
    type: str = "application/json"
    """Its media type."""
    status: int = HTTPStatus.OK
    """HTTP status."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers."""


Handler = Callable[[Request], Response | None]
"""Answers a request; None where there is nothing at that path."""


def json_response(document: Any, status: int = HTTPStatus.OK) -> Response:
    """A document as a response."""
    return Response(body=json.dumps(document, allow_nan=False).encode(), status=status)


class Server(ThreadingHTTPServer):
    """Serves handlers until it is closed; `serve` blocks, and may run in a thread of its own."""

    daemon_threads = True

    def __init__(self, get: Handler, post: Handler | None = None, *, port: int = 0, most_bytes: int = 0) -> None:
        """Bind a port of loopback.

        Args:
            get: answers GET requests.
            post: answers POST requests; None refuses them.
            port: 0 takes a free one.
            most_bytes: of the body of a POST request.

        Raises:
            ConfigError: the port is taken.
        """
        self.token = secrets.token_urlsafe(18)
        self.get, self.post, self.most_bytes = get, post, most_bytes
        try:
            super().__init__((LOOPBACK, port), _RequestHandler)
        except OSError as error:
            raise ConfigError(
                f"port {port} of {LOOPBACK} is not free ({error.strerror}): choose another one"
            ) from error

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names under which it may be spoken to."""
        return tuple(f"{name}:{self.server_port}" for name in (LOOPBACK, "localhost"))

    @property
    def url(self) -> str:
        """The address of the page, secret included."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.token}/"

    def serve(self) -> None:
        """Answer until `close` is called."""
        self.serve_forever(poll_interval=0.1)

    def close(self) -> None:
        """Stop a running `serve`, and free the port."""
        self.shutdown()
        self.server_close()


class _Refused(Exception):
    """A request that is not answered."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _RequestHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE_S

    @property
    def _owner(self) -> Server:
        return cast(Server, self.server)

    def do_GET(self) -> None:
        self._guarded(lambda: self._answer(self._owner.get, b""))

    def do_POST(self) -> None:
        self._guarded(lambda: self._answer(self._owner.post, self._body()))

    def _guarded(self, answer: Callable[[], Response]) -> None:
        try:
            response = answer()
        except _Refused as refused:
            # A body, if any, may be unread: the connection cannot go on.
            self.close_connection = True
            response = json_response({"error": str(refused)}, refused.status)
        self._send(response)

    def _body(self) -> bytes:
        """What was sent, if it comes from a page of this server and is not too much."""
        if self._owner.post is None:
            raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED, "nothing can be sent here")
        if self.headers.get("Origin") not in (None, *(f"http://{host}" for host in self._owner.hosts)):
            raise _Refused(HTTPStatus.FORBIDDEN, "the request comes from another page")
        if self.headers.get("Content-Type", "").partition(";")[0] != "application/json":
            # Forms of other sites can send the other types without asking first.
            raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send JSON")
        self._path()
        length, most = self.headers.get("Content-Length", ""), self._owner.most_bytes
        if not length.isdecimal() or len(length) > len(str(most)) or int(length) > most:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {most} bytes can be sent")
        return self.rfile.read(int(length))

    def _path(self) -> str:
        """The path below the token, if host and token are right."""
        if self.headers.get("Host") not in self._owner.hosts:
            raise _Refused(HTTPStatus.FORBIDDEN, "this server answers to 127.0.0.1 and localhost only")
        token, _, path = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        if not hmac.compare_digest(token.encode(), self._owner.token.encode()):
            raise _Refused(HTTPStatus.FORBIDDEN, "the address is not complete: copy it from the terminal")
        return path

    def _answer(self, handler: Handler | None, body: bytes) -> Response:
        try:
            response = handler and handler(Request(path=self._path(), body=body))
        except Regen3dError as error:
            return json_response({"error": str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY)
        except _Refused:
            raise
        except Exception as error:  # noqa: BLE001 - a connection that merely ends is "Failed to fetch" in the page
            traceback.print_exc()
            sentence = f"internal error, {type(error).__name__}: {error} (the terminal of the command says where)"
            return json_response({"error": sentence}, HTTPStatus.INTERNAL_SERVER_ERROR)
        if response is None:
            raise _Refused(HTTPStatus.NOT_FOUND, "there is nothing at this address")
        return response

    def _send(self, response: Response) -> None:
        headers = {
            "Content-Type": response.type,
            "Content-Length": str(len(response.body)),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Resource-Policy": "same-origin",
            **response.headers,
            **({"Connection": "close"} if self.close_connection else {}),
        }
        self.send_response(response.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal belongs to the command, and lines would hold the secret."""
