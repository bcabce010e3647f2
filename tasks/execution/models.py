"""The models that one process keeps loaded, and the calls that it answers with them."""

import contextlib
import importlib
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from models import registry
from models.registry import Adapter
from regen3d.errors import ModelOutputError, OutOfMemoryError
from regen3d.usage import spend

Options = tuple[tuple[str, str], ...]
"""Options of an adapter, in order of their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One batch for one model, or for a function of the library."""

    target: Adapter | str
    """The adapter, or `module:function`."""
    method: str = ""
    """Method of the model; empty for a function."""
    requests: tuple[Any, ...]
    """The batch."""
    options: Options = ()
    """Options of the adapter."""


@dataclass(slots=True)
class _Loaded:
    model: Any
    # A GPU does one thing at a time; what runs on cores may run side by side.
    turn: AbstractContextManager[object] = field(default_factory=contextlib.nullcontext)
    _at_work: int = 0
    _closed: bool = False
    _change: threading.Condition = field(default_factory=threading.Condition)

    def begin(self) -> bool:
        """Keep it open for a call, which ends with `end`; False where it is closed already."""
        with self._change:
            self._at_work += not self._closed
            return not self._closed

    def end(self) -> None:
        with self._change:
            self._at_work -= 1
            self._change.notify_all()

    def close(self) -> None:
        """Close it as soon as nobody works with it."""
        with self._change:
            self._closed = True
            self._change.wait_for(lambda: not self._at_work)
        self.model.close()


class WarmModels:
    """Answers work in the calling thread; a model is loaded once and shared by all threads."""

    def __init__(self) -> None:
        self._models: dict[tuple[Adapter, Options], _Loaded] = {}
        self._loading = threading.Lock()

    def answer(self, work: Work) -> list[Any]:
        """One answer for each request, in order.

        Raises:
            OutOfMemoryError: memory ran out.
            ModelOutputError: the model gave another number of answers.
            Regen3dError: whatever the model raised.
        """
        with _memory_watched(work.method or str(work.target)):
            answers = self._answer(work)
        if len(answers) != len(work.requests):
            raise ModelOutputError(f"{work.method} gave {len(answers)} answers to {len(work.requests)} requests")
        return answers

    def load(self, adapter: Adapter, options: Options) -> None:
        """Bring a model into memory before the first work for it comes.

        Raises:
            OutOfMemoryError: memory ran out.
            Regen3dError: whatever the model raised.
        """
        with _memory_watched(f"loading {adapter.name}"):
            self._loaded(adapter, options)

    def close(self) -> None:
        """Close every model and give memory back, as soon as it is done with what it is at."""
        with self._loading:
            loaded = list(self._models.values())
            self._models.clear()
        with contextlib.ExitStack() as closing:
            for each in loaded:
                # Closed when the stack ends, the others too should one not be able to.
                closing.callback(each.close)

    def _answer(self, work: Work) -> list[Any]:
        if isinstance(work.target, str):
            module, name = work.target.split(":")
            function = getattr(importlib.import_module(module), name)
            return [function(request) for request in work.requests]
        with self._open(work.target, work.options) as loaded, loaded.turn:
            started = time.perf_counter()
            try:
                return getattr(loaded.model, work.method)(work.requests)
            finally:
                if work.target.resources.gpus:
                    spend(gpu_seconds=work.target.resources.gpus * (time.perf_counter() - started))

    @contextlib.contextmanager
    def _open(self, adapter: Adapter, options: Options) -> Iterator[_Loaded]:
        """A loaded model that stays open in the block."""
        # Whoever closes may have been faster: then it is loaded again.
        while not (loaded := self._loaded(adapter, options)).begin():
            pass
        try:
            yield loaded
        finally:
            loaded.end()

    def _loaded(self, adapter: Adapter, options: Options) -> _Loaded:
        # Who has a warm model waits for nobody's that is loaded; one after the other are they loaded for memory's sake.
        loaded = self._models.get((adapter, options))
        if loaded is not None:
            return loaded
        with self._loading:
            if (adapter, options) not in self._models:
                model = registry.construct(adapter, dict(options))
                model.load()
                turn = threading.Lock() if adapter.resources.gpus else contextlib.nullcontext()
                self._models[adapter, options] = _Loaded(model, turn)
            return self._models[adapter, options]


@contextlib.contextmanager
def _memory_watched(task: str) -> Iterator[None]:
    """Raise as this project's error what Python, or torch on a GPU, says where memory runs out."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        torch = sys.modules.get("torch")
        if not isinstance(error, MemoryError) and not (torch and isinstance(error, torch.OutOfMemoryError)):
            raise
        raise OutOfMemoryError(f"memory ran out in {task}: free some, or use a smaller picture") from error
