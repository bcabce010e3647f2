"""Whether the adapters of a run can be used: known, installed, licensed, with options that they understand."""

import importlib
from collections.abc import Mapping

from models import registry
from models.licences import Permission, check_licence
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
