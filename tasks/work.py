"""What a stage is: a function from stored values to a value, and the means that it is given."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from models import base, registry
from models.registry import Adapter
from regen3d import codec
from regen3d.errors import ConfigError
from regen3d.manifest import StageCall
from regen3d.store import Store
from regen3d.types import KnownCamera, Rgb
from tasks.artifacts import Preview
from tasks.execution.models import WarmModels, Work

Value = TypeVar("Value")

codec.register(base.Segmentation, base.Plate)

MODELS = WarmModels()
"""Of this process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageWork:
    """A call with the means to answer it."""

    call: StageCall
    """What is asked."""
    store: Store
    """Where values are."""
    adapter: Adapter | None = None
    """What answers; found by the call's names where it is not given."""
    models: WarmModels = MODELS
    """What is loaded here."""
    check: Callable[[], None] = lambda: None
    """Called before the model or the library works; what it raises ends the call."""

    def value(self, name: str, kind: type[Value]) -> Value:
        """An input of the call.

        Raises:
            ConfigError: the call has no input of that name.
        """
        if name not in self.call.inputs:
            given = ", ".join(sorted(self.call.inputs)) or "none"
            raise ConfigError(f"'{self.call.title}' needs the input '{name}': it was given {given}")
        return codec.get_value(self.store, self.call.inputs[name], kind)

    def image(self) -> Rgb:
        """The working picture."""
        return self.value("image", np.ndarray)

    def known_camera(self) -> KnownCamera | None:
        """What the user knows of the camera."""
        return self.value("camera", KnownCamera) if "camera" in self.call.inputs else None

    def ask_model(self, method: str, request: Any) -> Any:
        """The answer of the call's adapter to one request."""
        adapter = self.adapter or registry.find(self.call.stage, str(self.call.adapter))
        return self._answer(Work(target=adapter, method=method, requests=(request,), options=options_of(self.call)))

    def ask_library(self, target: str, request: Any) -> Any:
        """The answer of a heavy library function, `module:function`, to one request."""
        return self._answer(Work(target=target, requests=(request,)))

    def _answer(self, work: Work) -> Any:
        self.check()
        return self.models.answer(work)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage: how its value is made and shown."""

    name: str
    """Name in `regen3d.config.STAGES`."""
    produces: type
    """Type of its value."""
    compute: Callable[[StageWork], Any]
    """From the call to the value."""
    preview: Callable[[Any, StageWork], Preview | tuple[Preview, ...] | None] = field(default=lambda value, work: None)
    """What the Prefect UI shows of the value."""
    lasts: Callable[[Any], bool] = field(default=lambda value: True)
    """Whether the value answers the same call the next time, too; not where another try may make more of it."""


def options_of(call: StageCall) -> tuple[tuple[str, str], ...]:
    """Options of the call's adapter, in order of their names."""
    return tuple(sorted(call.params.get("options", {}).items()))
