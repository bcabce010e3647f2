"""Where heavy calls run: in this process, or on pools of warm workers.

A task hands over a `Work`: which model, which method, which requests. The executor decides where that happens, keeps
models loaded between calls, and bounds how much runs at once. `local` is this process.
"""

import importlib
import os
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from models import registry
from models.registry import Adapter
from regen3d.errors import ConfigError, ModelOutputError, OutOfMemoryError


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One batch for one model, or for a function of the library."""

    target: Adapter | str
    """The adapter, or `module:function`."""
    method: str = ""
    """Method of the model; empty for a function."""
    requests: tuple[Any, ...]
    """The batch."""
    options: tuple[tuple[str, str], ...] = ()
    """Options of the adapter, in order of their names."""


class Executor(Protocol):
    """Runs work somewhere and waits for the answers."""

    def run(self, work: Work) -> list[Any]:
        """One answer for each request, in order.

        Raises:
            ResourceError: the place gave way; the same work may succeed later.
            Regen3dError: whatever the model raised.
        """
        ...

    def slot(self) -> AbstractContextManager[object]:
        """A place in which one task may hold its inputs and work; waits until one is free."""
        ...

    def close(self) -> None:
        """Close every model and give memory back."""
        ...


class LocalExecutor:
    """Runs work in the calling thread; models are loaded once and shared by all threads."""

    def __init__(self, slots: int) -> None:
        """Make an executor in which at most `slots` tasks work at once."""
        self._slots = threading.BoundedSemaphore(slots)
        self._models: dict[tuple[Adapter, tuple[tuple[str, str], ...]], Any] = {}
        self._loading = threading.Lock()

    def run(self, work: Work) -> list[Any]:
        """See `Executor.run`."""
        try:
            answers = self._answer(work)
        except MemoryError as error:
            task = work.method or work.target
            raise OutOfMemoryError(f"memory ran out in {task}: free some, or use a smaller picture") from error
        if len(answers) != len(work.requests):
            raise ModelOutputError(f"{work.method} gave {len(answers)} answers to {len(work.requests)} requests")
        return answers

    def slot(self) -> AbstractContextManager[object]:
        """See `Executor.slot`."""
        return self._slots

    def close(self) -> None:
        """See `Executor.close`."""
        with self._loading:
            for model in self._models.values():
                model.close()
            self._models.clear()

    def _answer(self, work: Work) -> list[Any]:
        if isinstance(work.target, str):
            module, name = work.target.split(":")
            function = getattr(importlib.import_module(module), name)
            return [function(request) for request in work.requests]
        return getattr(self._loaded(work.target, work.options), work.method)(work.requests)

    def _loaded(self, adapter: Adapter, options: tuple[tuple[str, str], ...]) -> Any:
        with self._loading:
            if (adapter, options) not in self._models:
                model = registry.construct(adapter, dict(options))
                model.load()
                self._models[adapter, options] = model
            return self._models[adapter, options]


_executors: dict[str, Executor] = {}
_choosing = threading.Lock()


def executor_for(name: str) -> Executor:
    """The executor of that name; one a process, so that models stay loaded between scenes.

    Raises:
        ConfigError: there is none of that name.
    """
    if name != "local":
        raise ConfigError(f"unknown execution '{name}': choose local")
    with _choosing:
        if name not in _executors:
            _executors[name] = LocalExecutor(slots=os.cpu_count() or 1)
        return _executors[name]
