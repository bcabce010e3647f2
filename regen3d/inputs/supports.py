"""What the user says that objects stand or hang on."""

from collections.abc import Mapping, Sequence

from regen3d.errors import ConfigError

PLACES = ("floor", "wall", "ceiling", "free")
"""What an object may stand or hang on beside another object; `free` is none of them."""


def check_supports(supports: Mapping[str, str], names: Sequence[str], source: str) -> None:
    """Make sure that supports can be.

    Args:
        supports: object -> one of `PLACES`, or another object.
        names: all objects.
        source: what to name in the error.

    Raises:
        ConfigError: a support is unknown, or objects stand on each other in a ring.
    """
    for name, support in supports.items():
        if name not in names:
            raise ConfigError(f"{source}: a support is given for '{name}', which has no mask; remove that entry")
        if support not in PLACES and support not in names:
            choices = ", ".join((*PLACES, *names))
            raise ConfigError(f"{source}: '{name}' cannot stand on '{support[:60]}'; choose one of {choices}")
        below, seen = support, [name]
        while below in supports and below not in seen:
            seen.append(below)
            below = supports[below]
        if below in seen:
            raise ConfigError(f"{source}: '{name}' would stand on itself ({' on '.join([*seen, below])}); change one")
