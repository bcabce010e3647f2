"""Models that sleep instead of thinking: real adapters of the protocols, for tests and figures of the farm.

What they answer is simple and always the same; how long they take, and whether they take their process with them, is an
option. Registered for the time of a block by `sleepers`.
"""

import contextlib
import logging
import os
import random
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models import registry
from models.base import AssetRequest, CompleteRequest, Segmentation, SegmentRequest
from models.registry import Adapter, Resources
from regen3d.errors import OutOfMemoryError, StageError
from regen3d.types import Asset, Completion
from regen3d.usage import spend
from tests.synthetic.furniture import boxes_mesh

LOG = logging.getLogger("regen3d.sleepers")


@dataclass(frozen=True, slots=True, kw_only=True)
class SleeperOptions:
    """How a sleeper behaves."""

    seconds: float = 0.0
    """How long one answer takes."""
    kill_once: str = ""
    """A file: whoever finds it removes it and dies."""
    hang_once: str = ""
    """A file: whoever finds it removes it and never answers."""
    stop_once: str = ""
    """A file: whoever finds it removes it and its process gives no sign of life any more."""
    kill_label: str = ""
    """Objects of this label kill whoever works on them."""
    fail_share: float = 0.0
    """Share of the calls, by their seed, that end in an error that no second try heals."""
    flaky_share: float = 0.0
    """Share of the tries, at random, that end in an error that the next try may heal."""


class Sleeper:
    """What all sleepers share."""

    Options = SleeperOptions

    def __init__(self, options: SleeperOptions | None = None) -> None:
        self.options = options or SleeperOptions()

    def load(self) -> None:
        """Nothing to load."""

    def close(self) -> None:
        """Nothing to give back."""

    def _sleep(self, label: str, seed: int) -> None:
        LOG.info("sleeping over a %s", label)
        if self.options.kill_label and label == self.options.kill_label:
            os.kill(os.getpid(), signal.SIGKILL)
        if _is_there(self.options.kill_once):
            os.kill(os.getpid(), signal.SIGKILL)
        if _is_there(self.options.stop_once):
            os.kill(os.getpid(), signal.SIGSTOP)
        if _is_there(self.options.hang_once):
            threading.Event().wait()
        time.sleep(self.options.seconds)
        spend(api_calls=1.0, api_usd=0.25)
        if random.random() < self.options.flaky_share:
            raise OutOfMemoryError("no room to think: free some")
        if random.Random(seed).random() < self.options.fail_share:
            raise StageError("nothing came to mind: look for yourself")


def _is_there(fuse: str) -> bool:
    """Whether a file is there, for the first who asks."""
    if not fuse:
        return False
    with contextlib.suppress(FileNotFoundError):
        Path(fuse).unlink()
        return True
    return False


class SleepingCompletion(Sleeper):
    """Completes an object by what is seen of it."""

    def complete(self, requests: Sequence[CompleteRequest]) -> list[Completion]:
        """See `models.base.CompletionEditor`."""
        return [self._one(request) for request in requests]

    def _one(self, request: CompleteRequest) -> Completion:
        self._sleep(request.view.instance.label, request.seed)
        from models.editing.complete_visible import VisiblePart

        return VisiblePart().complete([request])[0]


class SleepingAssets(Sleeper):
    """Makes a box of every object."""

    def generate(self, requests: Sequence[AssetRequest]) -> list[Asset]:
        """See `models.base.AssetGenerator`."""
        return [self._one(request) for request in requests]

    def _one(self, request: AssetRequest) -> Asset:
        self._sleep(request.view.instance.label, request.seed)
        mesh = boxes_mesh([((-0.3, 0.0, -0.3), (0.3, 0.8, 0.3))], (180, 140, 90), np.random.default_rng(0))
        return Asset(mesh=mesh, scale="metric", kind="sleeping box")


class SleepingSegmenter(Sleeper):
    """Finds nothing, or dies over the picture."""

    def segment(self, requests: Sequence[SegmentRequest]) -> list[Segmentation]:
        """See `models.base.Segmenter`."""
        for request in requests:
            self._sleep("picture", request.seed)
        return [Segmentation(instances=(), floor=None) for _ in requests]


ADAPTERS = tuple(
    Adapter(
        stage=stage,
        name="sleeping",
        target=f"tests.synthetic.sleepers:{kind}",
        model="sleeps",
        revision="1",
        licence="MIT",
        resources=Resources(cpus=0.5, gpus=1.0, vram_gb=8.0),
    )
    for stage, kind in (
        ("complete", "SleepingCompletion"),
        ("generate", "SleepingAssets"),
        ("segment", "SleepingSegmenter"),
    )
)
"""One for every stage that a sleeper can run."""


@contextlib.contextmanager
def sleepers() -> Iterator[None]:
    """Make the sleepers known inside the block."""
    known = registry.ADAPTERS
    registry.ADAPTERS = (*known, *ADAPTERS)
    try:
        yield
    finally:
        registry.ADAPTERS = known
