"""Every adapter by name: where its class is, what it needs, and under which licence it stands.

The table holds strings; a module is imported when its adapter is first used.
"""

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any

from regen3d.errors import ConfigError, NotInstalledError


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """What is known of an adapter without importing it."""

    stage: str
    """The stage it can run."""
    name: str
    """Its name on the command line."""
    target: str
    """`module:Class`."""
    model: str
    """Model or method, for people."""
    revision: str
    """Version of the weights, or of the method; part of the key of every result."""
    licence: str
    """SPDX expression."""
    packages: tuple[str, ...] = ()
    """Import names that must be there."""
    install: str = "pip install ."
    """The command that installs them."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Packages that are not installed."""
        return tuple(name for name in self.packages if importlib.util.find_spec(name) is None)


ADAPTERS: tuple[Adapter, ...] = (
    Adapter(
        stage="complete",
        name="embedded",
        target="models.editing.complete_embedded:EmbeddedCompletion",
        model="mirror and fill inside a fitted box",
        revision="1",
        licence="MIT",
        packages=("cv2",),
    ),
    Adapter(
        stage="generate",
        name="embedded",
        target="models.assets.embedded:EmbeddedAssets",
        model="parametric furniture with projected texture",
        revision="1",
        licence="MIT",
        packages=("cv2", "torch"),
    ),
    Adapter(
        stage="geometry",
        name="embedded",
        target="models.geometry.embedded:EmbeddedGeometry",
        model="vanishing points and room box",
        revision="1",
        licence="MIT",
        packages=("cv2", "scipy"),
    ),
    Adapter(
        stage="plate",
        name="embedded",
        target="models.editing.plate_embedded:EmbeddedPlate",
        model="fill per rectified room plane",
        revision="1",
        licence="MIT",
        packages=("cv2",),
    ),
    Adapter(
        stage="segment",
        name="embedded",
        target="models.segmentation.embedded:EmbeddedSegmenter",
        model="small detector and GrabCut",
        revision="1",
        licence="Apache-2.0",
        packages=("cv2", "onnxruntime"),
    ),
)
"""In alphabetical order of stage and name."""


def find(stage: str, name: str) -> Adapter:
    """The adapter of that name for a stage.

    Raises:
        ConfigError: there is none.
    """
    names = [adapter.name for adapter in ADAPTERS if adapter.stage == stage]
    for adapter in ADAPTERS:
        if (adapter.stage, adapter.name) == (stage, name):
            return adapter
    raise ConfigError(f"no adapter '{name}' for stage '{stage}': choose one of {', '.join(names)}")


def construct(adapter: Adapter) -> Any:
    """Make the adapter's object without loading its weights.

    Raises:
        NotInstalledError: a package is missing.
    """
    if adapter.missing:
        packages = ", ".join(adapter.missing)
        raise NotInstalledError(f"'{adapter.name}' needs {packages}: install with `{adapter.install}`")
    module, name = adapter.target.split(":")
    return getattr(importlib.import_module(module), name)()
