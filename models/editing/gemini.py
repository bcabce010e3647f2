"""Gemini as image editor: whole objects by Application-Querying, and the empty room."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from models.base import CompleteRequest, Plate, PlateRequest
from models.editing.asking import Painter, complete_by_asking, empty_by_asking
from models.editing.gemini_painter import GeminiPainter
from models.editing.gemini_service import GeminiOptions
from regen3d.types import Completion

Request = TypeVar("Request")
Reply = TypeVar("Reply")


class GeminiEditor:
    """An `ImageEditor` that asks Gemini; pictures leave the machine, and each question costs money.

    Refused or unusable answers are asked again, then in another way, then done without Gemini; notes say so. A service
    that is busy or out of quota raises instead, since the same call succeeds later.
    """

    Options = GeminiOptions

    def __init__(self, options: GeminiOptions | None = None) -> None:
        self._options = options or GeminiOptions()
        self._painter: GeminiPainter | None = None

    def load(self) -> None:
        """Connect; nothing is sent yet.

        Raises:
            ConfigError: no key is set.
            NotInstalledError: google-genai is missing.
        """
        self._painter = GeminiPainter(self._options)

    def close(self) -> None:
        """Close the connection."""
        if self._painter:
            self._painter.close()
        self._painter = None

    def complete(self, requests: Sequence[CompleteRequest]) -> list[Completion]:
        """The whole object of each request.

        Raises:
            DegenerateGeometryError: a visible mask is empty.
            ConfigError: the key or the model id is not accepted.
            ResourceError: busy, out of quota or not reached, after all attempts.
        """
        return self._each(complete_by_asking, requests)

    def empty_room(self, requests: Sequence[PlateRequest]) -> list[Plate]:
        """The empty room of each request.

        Raises:
            ConfigError: the key or the model id is not accepted.
            ResourceError: busy, out of quota or not reached, after all attempts.
        """
        return self._each(empty_by_asking, requests)

    def _each(self, answer: Callable[[Painter, Request, int], Reply], requests: Sequence[Request]) -> list[Reply]:
        """Answers to all requests, some of them asked for at the same time; all, where they go as a batch job."""
        if not requests:
            return []
        painter, options = self._connected(), self._options

        def work(request: Request) -> Reply:
            return answer(painter, request, options.tries)

        # A copy of the context each, so that what is spent is counted where the caller counts.
        contexts = [copy_context() for _ in requests]
        with ThreadPoolExecutor(max_workers=len(requests) if options.batch else options.parallel) as pool:
            return list(pool.map(lambda context, request: context.run(work, request), contexts, requests))

    def _connected(self) -> GeminiPainter:
        """The painter, connected where a caller did not `load`."""
        if self._painter is None:
            self.load()
        assert self._painter is not None
        return self._painter
