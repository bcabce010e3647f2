"""Calls to a Prefect server."""

import httpx
from prefect.settings import PREFECT_API_URL

from regen3d.errors import ConfigError

PATIENCE_S = 10.0
"""How long a server may take to say that it is there; a busy one on two cores took 2 s."""


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
