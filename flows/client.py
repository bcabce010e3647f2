"""Calls to a Prefect server."""

import contextlib
from collections.abc import Iterator

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL

from regen3d.errors import ConfigError, ServerUnavailableError

PATIENCE_S = 10.0
"""How long a server may take to say that it is there; a busy one on two cores took 2 s."""

SceneClient = SyncPrefectClient
"""A client of the server that `PREFECT_API_URL` names."""


def check_server() -> None:
    """Make sure that the server that `PREFECT_API_URL` names, if any, is there.

    Raises:
        ConfigError: it does not answer.
    """
    url = PREFECT_API_URL.value()
    if url is None:
        return
    try:
        answer = httpx.get(f"{url.rstrip('/')}/health", timeout=PATIENCE_S)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise ConfigError(
            f"no Prefect server answers at PREFECT_API_URL '{url}' ({error}): start it, or unset the variable"
        ) from error


@contextlib.contextmanager
def server() -> Iterator[SceneClient]:
    """A client of the farm's server, for the block.

    Raises:
        ConfigError: no server is named, or it is not there at the beginning.
        ServerUnavailableError: it refused a call, or went away later.
    """
    if PREFECT_API_URL.value() is None:
        raise ConfigError(
            "no Prefect server is named: set PREFECT_API_URL to your farm's, or start one here with deploy/local.sh up"
        )
    check_server()
    with get_client(sync_client=True) as client, answering():
        yield client


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Tell what goes wrong between here and the server as one of our errors.

    Raises:
        ServerUnavailableError: it refused a call, or does not answer.
    """
    try:
        yield
    except PrefectHTTPStatusError as error:
        reason = " ".join(error.response.text.split())[:200]
        raise ServerUnavailableError(f"the Prefect server refused a call ({reason}): look into its log") from error
    except httpx.HTTPError as error:
        raise ServerUnavailableError(
            f"the Prefect server does not answer any more ({type(error).__name__}): ask again when it is back"
        ) from error
