"""The loopback server: whom it answers."""

import http.client
import json
import threading
from collections.abc import Iterator

import pytest

from regen3d.errors import ConfigError
from regen3d.serving.server import LOOPBACK, Request, Response, Server, json_response


def get(request: Request) -> Response | None:
    return Response(body=b"page", type="text/html") if request.path == "" else None


def post(request: Request) -> Response:
    if request.path == "refuse":
        raise ConfigError("this cannot be used")
    if request.path == "stumble":
        raise KeyError("chair-1")
    return json_response({"got": request.json()})


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server(get, post, most_bytes=100)
    thread = threading.Thread(target=running.serve, daemon=True)
    thread.start()
    yield running
    running.close()
    thread.join(timeout=10)


def ask(server: Server, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(LOOPBACK, server.server_port, timeout=10)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=named)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_it_listens_on_loopback_alone(server: Server) -> None:
    assert server.server_address[0] == LOOPBACK
    assert server.url.startswith(f"http://{LOOPBACK}:")


def test_the_page_is_behind_the_token(server: Server) -> None:
    assert ask(server, "GET", f"/{server.token}/") == (200, "page")
    for path in ("/", "/wrong/", f"/{server.token[:-1]}/", f"/{server.token}x/"):
        assert ask(server, "GET", path)[0] == 403
    assert ask(server, "GET", f"/{server.token}/elsewhere")[0] == 404


def test_a_foreign_name_that_leads_to_loopback_is_refused(server: Server) -> None:
    assert ask(server, "GET", f"/{server.token}/", Host="example.org")[0] == 403
    assert ask(server, "GET", f"/{server.token}/", Host=f"localhost:{server.server_port}")[0] == 200


def test_only_its_own_page_may_send(server: Server) -> None:
    path, kind = f"/{server.token}/save", "application/json"
    own = f"http://{LOOPBACK}:{server.server_port}"
    assert ask(server, "POST", path, "[1]", Content_Type=kind, Origin=own) == (200, '{"got": [1]}')
    assert ask(server, "POST", path, "[1]", Content_Type=kind, Origin="http://example.org")[0] == 403
    assert ask(server, "POST", path, "[1]", Content_Type="text/plain", Origin=own)[0] == 415
    assert ask(server, "POST", "/wrong/save", "[1]", Content_Type=kind, Origin=own)[0] == 403


def test_what_is_sent_is_bounded_and_must_be_json(server: Server) -> None:
    path, kind = f"/{server.token}/save", "application/json"
    assert ask(server, "POST", path, "1" * 101, Content_Type=kind)[0] == 413
    assert ask(server, "POST", path, "", Content_Type=kind, Content_Length="-1")[0] == 413
    status, said = ask(server, "POST", path, "{", Content_Type=kind)
    assert (status, "no JSON" in json.loads(said)["error"]) == (422, True)
    assert ask(server, "POST", f"/{server.token}/refuse", "1", Content_Type=kind) == (
        422,
        '{"error": "this cannot be used"}',
    )


def test_a_fault_of_ours_is_told_in_the_page_and_shown_in_the_terminal(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    path, kind = f"/{server.token}/stumble", "application/json"
    status, said = ask(server, "POST", path, "1", Content_Type=kind)
    assert (status, "KeyError: 'chair-1'" in json.loads(said)["error"]) == (500, True)
    terminal = capsys.readouterr().err
    assert "Traceback" in terminal
    assert server.token not in terminal


def test_a_taken_port_is_one_sentence(server: Server) -> None:
    with pytest.raises(ConfigError, match="is not free"):
        Server(get, port=server.server_port)
