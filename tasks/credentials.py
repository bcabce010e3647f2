"""Keys of the object store from a Prefect block, for those who keep them there and not in the environment.

`REGEN3D_S3_BLOCK` names a block of the type Secret whose value is a JSON object with any of the fields below. What it
says goes into the environment of this process, where the store and its own libraries look; it is written nowhere.
"""

import json
import os
import threading

from regen3d.errors import ConfigError

VARIABLE = "REGEN3D_S3_BLOCK"
"""Environment variable that names the block."""

FIELDS = {
    "access_key_id": "AWS_ACCESS_KEY_ID",
    "secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "session_token": "AWS_SESSION_TOKEN",
    "endpoint_url": "REGEN3D_S3_ENDPOINT_URL",
    "region": "REGEN3D_S3_REGION",
}
"""Field of the block -> environment variable that it stands for; a variable that is set wins."""

_used: set[str] = set()
_loading = threading.Lock()


def use_block() -> None:
    """Put the block's keys into the environment, once a process; nothing happens where no block is named.

    Raises:
        ConfigError: there is no such block, or it has other fields.
    """
    name = os.environ.get(VARIABLE)
    if not name:
        return
    with _loading:
        if name in _used:
            return
        for field, value in _fields(name).items():
            os.environ.setdefault(FIELDS[field], value)
        _used.add(name)


def _fields(name: str) -> dict[str, str]:
    from prefect.blocks.system import Secret
    from prefect.utilities.asyncutils import run_coro_as_sync

    try:
        block = run_coro_as_sync(Secret.aload(name))
    except ValueError as error:
        raise ConfigError(f"{VARIABLE} names '{name}', but there is no Secret block of that name") from error
    value = block.get() if block is not None else None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            # Nothing of the value may show, not even in the reader's complaint.
            value = None
    if not isinstance(value, dict) or not set(value) <= set(FIELDS):
        raise ConfigError(f"the Secret block '{name}' must be a JSON object with some of: {', '.join(FIELDS)}")
    return {field: str(each) for field, each in value.items()}
