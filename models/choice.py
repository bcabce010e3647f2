"""Whether the adapters of a run can be used: known, installed, licensed, with options that they know, and ready."""

import importlib
import os
from collections.abc import Mapping

from models import registry
from models.licences import Permission, check_licence
from models.registry import Adapter
from models.weights import locate
from regen3d.errors import ConfigError

Options = Mapping[str, Mapping[str, str]]
"""Stage -> option -> value, as text."""


def check_choice(
    adapters: Mapping[str, str], options: Options, permission: Permission, *, elsewhere: bool = False
) -> None:
    """Refuse a run before anything is loaded or written.

    Args:
        adapters: stage -> name of its adapter.
        options: of the adapters.
        permission: what the user said of purpose and place.
        elsewhere: other machines will compute, so that what is installed here says nothing.

    Raises:
        ConfigError: an adapter is unknown, lacks packages, is not licensed for the use, or has no such option.
    """
    for stage, name in adapters.items():
        adapter = registry.find(stage, name)
        check_licence(f"{adapter.model} ('{name}' for {stage})", adapter.licence, permission)
        if adapter.missing and not elsewhere:
            packages = ", ".join(adapter.missing)
            raise ConfigError(f"'{name}' for {stage} needs {packages}: install with `{adapter.install}`")
        if options.get(stage):
            module, made = adapter.target.split(":")
            registry.read_options(adapter, getattr(importlib.import_module(module), made), options[stage])
    strangers = set(options) - set(adapters)
    if strangers:
        raise ConfigError(f"--option names {', '.join(sorted(strangers))}: choose a stage of {', '.join(adapters)}")


def check_ready(adapters: Mapping[str, str], options: Options) -> None:
    """Refuse a run on this machine for want of weights or keys now, and not after the stages that come before.

    Weights are looked for where no option is given: options may choose others, which are looked for when they are read.

    Args:
        adapters: stage -> name of its adapter; stages that the user's own files answer left out.
        options: of the adapters.

    Raises:
        WeightsMissingError: a checkpoint is not here, or only another revision of it.
        ConfigError: no key of a service is set.
    """
    for stage, name in adapters.items():
        adapter = registry.find(stage, name)
        if not has_key(adapter):
            raise ConfigError(
                f"'{name}' for {stage} needs a key, and neither {' nor '.join(adapter.keys)} is set: set one in the "
                "environment"
            )
        for weights in () if options.get(stage) else adapter.weights:
            locate(weights, name)


def has_key(adapter: Adapter) -> bool:
    """Whether the environment holds the key of an adapter, where it needs one."""
    return not adapter.keys or any(os.environ.get(key) for key in adapter.keys)
