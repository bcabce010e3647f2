"""Keys of services: from the environment, else from a Secret block of the Prefect server."""

import os
from collections.abc import Mapping, Sequence

from prefect.blocks.system import Secret

from models import registry
from models.choice import has_key


def provide_keys(adapters: Mapping[str, str]) -> None:
    """Put keys that Prefect keeps into the environment of this process, for adapters whose key is not there.

    A key in `GEMINI_API_KEY` has the block `gemini-api-key`. A block that is not there is no error: `check_ready` says
    what is missing.

    Args:
        adapters: stage -> name of its adapter.
    """
    for stage, name in adapters.items():
        adapter = registry.find(stage, name)
        if not has_key(adapter):
            _provide(adapter.keys)


def _provide(names: Sequence[str]) -> None:
    """Put the first of these keys that Prefect keeps into the environment."""
    for name in names:
        try:
            block = Secret.load(name.lower().replace("_", "-"))
        except ValueError:
            continue
        os.environ[name] = str(block.get())  # pyright: ignore[reportAttributeAccessIssue] - loaded, not a coroutine
        return
