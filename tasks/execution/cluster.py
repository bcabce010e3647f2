"""The Ray cluster: one that is there already, or one of this process's own on the loopback device."""

import atexit
import contextlib
import importlib.util
import logging
import os
import secrets
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from regen3d.errors import ConfigError, ResourceError
from tasks.execution.settings import FarmSettings

NAMESPACE = "regen3d"
"""Ray namespace of all named actors."""

OBJECT_STORE_BYTES = 100 * 1024 * 1024
"""Of Ray's own object store: only names cross, the least that Ray takes is 75 MB."""


_connected: list[str | None] = []


def check_ray(*also: str) -> None:
    """Make sure that Ray is installed, and other packages too.

    Raises:
        ConfigError: one is not.
    """
    if any(importlib.util.find_spec(name) is None for name in ("ray", *also)):
        raise ConfigError("--execution ray needs Ray: install it with `pip install '.[ray]'` in regen3d's folder")


def connect(address: str | None, farm: FarmSettings) -> None:
    """Connect this process to a cluster, or start one; a connection that is there already stays.

    Args:
        address: `ray://HOST:10001`, `HOST:6379`, `auto`; None starts a cluster of its own on the loopback device, with
            a token that only this user can read, which ends with this process.
        farm: how large a cluster of its own is.

    Raises:
        ConfigError: Ray is missing, or nothing answers at the address.
        ResourceError: it did not start.
    """
    check_ray()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if "ray" in sys.modules and sys.modules["ray"].is_initialized():
        if _connected and _connected[-1] != address:
            raise ConfigError(
                f"this process uses the Ray cluster '{_connected[-1] or 'of its own'}': it can use only one"
            )
        return
    _connected.append(address)
    if address is None:
        _from_a_lasting_thread(lambda: _start_here(farm))
        return
    import ray

    try:
        ray.init(address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        # Ray raises errors of many kinds here: of gRPC, of its own, plain ConnectionError.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigError(
            f"no Ray cluster can be used at '{address}' ({reason}): check the address, and that RAY_AUTH_TOKEN_PATH "
            "names the token where the cluster asks for one"
        ) from error


def _from_a_lasting_thread(start: Callable[[], None]) -> None:
    """Start processes from a thread that lives as long as this process.

    The kernel kills what Ray starts when the thread that started it ends (PR_SET_PDEATHSIG means the thread), and tasks
    run in threads that end with their flow.
    """
    answer: Future[None] = Future()

    def keep() -> None:
        try:
            start()
        except BaseException as error:  # noqa: BLE001 - raised again where it was asked for
            answer.set_exception(error)
            return
        answer.set_result(None)
        threading.Event().wait()

    threading.Thread(target=keep, name="regen3d-ray-parent", daemon=True).start()
    answer.result()


def _start_here(farm: FarmSettings) -> None:
    # Read by Ray as it is imported: without it Ray listens on the network's address. Good for one machine only.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    imported = "ray" in sys.modules
    # Ray gives its workers the least priority on the machine; here they do the work that somebody waits for.
    os.environ.setdefault("RAY_worker_niceness", "0")
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(_token_file())
    import ray

    if imported:
        _read_settings_again()
    cores, gpus = farm.local_cpus or os.cpu_count() or 1, farm.local_gpus
    if gpus is None:
        gpus = _gpus_here()
    options = {
        # Said outright: else it joins a cluster that it finds by RAY_ADDRESS, or that anybody has started here.
        "address": "local",
        # A worker on a GPU holds a core that it hardly uses.
        "num_cpus": cores + gpus,
        "num_gpus": gpus,
        "namespace": NAMESPACE,
        "include_dashboard": False,
        "log_to_driver": False,
        "logging_level": logging.ERROR,
        "object_store_memory": OBJECT_STORE_BYTES,
    }
    for last in (False, False, True):
        try:
            ray.init(**options)
            break
        except Exception as error:
            # Ray gives its processes 30 s to start, which a busy machine may not have; it says so by a bare Exception.
            ray.shutdown()
            if last:
                raise ResourceError(
                    f"Ray did not start on this machine ({error}): free some cores or memory, then run again"
                ) from error
    atexit.register(ray.shutdown)


def _read_settings_again() -> None:
    """Let Ray read the environment once more.

    Prefect imports every package that belongs to it, prefect-ray and with it Ray, when it loads a block: long before
    anybody asks for Ray. What Ray read then knows neither of the token nor of the loopback device.
    """
    from ray import _raylet
    from ray._private import ray_constants

    compiled: Any = _raylet
    ray_constants.ENABLE_RAY_CLUSTER = False
    compiled.Config.initialize("")
    compiled.AuthenticationTokenLoader.instance().reset_cache()


def _token_file() -> Path:
    handle, name = tempfile.mkstemp(prefix="regen3d-ray-", suffix=".token")
    path = Path(name)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32))
    atexit.register(_remove, path)
    return path


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _gpus_here() -> int:
    import torch

    return torch.cuda.device_count()
