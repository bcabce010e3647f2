"""What warm models say where memory runs out, and whom they keep waiting."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
import torch

from models import registry
from models.registry import Adapter, Resources
from regen3d.errors import OutOfMemoryError, WeightsMissingError
from tasks.execution.models import WarmModels, Work


@dataclass
class Slow:
    """A model that says what happens to it, and loads when it is told to."""

    may_load: threading.Event = field(default_factory=threading.Event)
    loading: threading.Event = field(default_factory=threading.Event)
    refuses: bool = False
    events: list[str] = field(default_factory=list)
    may_answer: threading.Event = field(default_factory=threading.Event)
    answering: threading.Event = field(default_factory=threading.Event)

    def think(self, requests: Sequence[str]) -> list[str]:
        self.answering.set()
        assert self.may_answer.wait(30)
        return self.echo(requests)

    def load(self) -> None:
        self.loading.set()
        assert self.may_load.wait(30)
        if self.refuses:
            self.refuses = False
            raise WeightsMissingError("no weights: fetch them")
        self.events.append("loaded")

    def echo(self, requests: Sequence[str]) -> list[str]:
        self.events.append("asked")
        return list(requests)

    def close(self) -> None:
        self.events.append("closed")
        raise RuntimeError("it did not close")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Slow]]:
    """Two models by the names of their adapters."""
    models = {"warm": Slow(), "cold": Slow()}
    models["warm"].may_load.set()
    monkeypatch.setattr(registry, "construct", lambda adapter, _: models[adapter.name])
    yield models
    for model in models.values():
        model.may_load.set()


def work(name: str, gpus: float = 1.0, method: str = "echo") -> Work:
    needs = Resources(gpus=gpus)
    adapter = Adapter(
        stage="generate", name=name, target="x:Y", model="m", revision="1", licence="MIT", resources=needs
    )
    return Work(target=adapter, method=method, requests=("hello",))


def test_a_warm_model_answers_while_another_is_loaded(slow: dict[str, Slow]) -> None:
    models = WarmModels()
    models.answer(work("warm"))
    loading = threading.Thread(target=models.answer, args=(work("cold"),), daemon=True)
    loading.start()
    assert slow["cold"].loading.wait(30)
    answers: list[list[str]] = []
    asking = threading.Thread(target=lambda: answers.append(models.answer(work("warm"))), daemon=True)
    asking.start()
    asking.join(timeout=10)
    assert answers == [["hello"]]
    assert loading.is_alive()


def test_a_model_that_could_not_load_is_loaded_by_the_next_and_once_by_many(slow: dict[str, Slow]) -> None:
    models, cold = WarmModels(), slow["cold"]
    cold.refuses = True
    cold.may_load.set()
    with pytest.raises(WeightsMissingError):
        models.answer(work("cold"))
    threads = [threading.Thread(target=models.answer, args=(work("cold"),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert cold.events == ["loaded", *["asked"] * 8]


def test_one_model_that_does_not_close_keeps_no_other_open(slow: dict[str, Slow]) -> None:
    models = WarmModels()
    slow["cold"].may_load.set()
    for name in slow:
        models.answer(work(name))
    with pytest.raises(RuntimeError, match="did not close"):
        models.close()
    assert [model.events[-1] for model in slow.values()] == ["closed", "closed"]
    models.answer(work("warm"))
    assert slow["warm"].events[-2:] == ["loaded", "asked"]


def close_quietly(models: WarmModels) -> None:
    with contextlib.suppress(RuntimeError):
        models.close()


@pytest.mark.parametrize("gpus", [0.0, 1.0], ids=["cores", "GPU"])
def test_a_model_that_is_at_work_is_closed_when_it_is_done(slow: dict[str, Slow], gpus: float) -> None:
    models, warm = WarmModels(), slow["warm"]
    asking = threading.Thread(target=models.answer, args=(work("warm", gpus, "think"),), daemon=True)
    asking.start()
    assert warm.answering.wait(30)
    closing = threading.Thread(target=close_quietly, args=(models,), daemon=True)
    closing.start()
    closing.join(timeout=0.3)
    assert warm.events == ["loaded"]
    warm.may_answer.set()
    for thread in (asking, closing):
        thread.join(timeout=30)
    assert warm.events == ["loaded", "asked", "closed"]


def fails(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    "error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")]
)
def test_memory_that_runs_out_is_one_error_of_ours(error: Exception) -> None:
    with pytest.raises(OutOfMemoryError, match=r"memory ran out in .*fails: free some"):
        WarmModels().answer(Work(target=f"{__name__}:fails", requests=(error,)))


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="something else"):
        WarmModels().answer(Work(target=f"{__name__}:fails", requests=(RuntimeError("something else"),)))
