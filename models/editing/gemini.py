"""Gemini as image editor: whole objects by Application-Querying, and the empty room."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from models.base import CompleteRequest, Plate, PlateRequest
from models.editing.asking import complete_by_asking, empty_by_asking
from models.editing.gemini_service import USAGE, GeminiOptions, GeminiPainter
from regen3d.types import Completion


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
        if not requests:
            return []
        painter, tries = self._connected(), self._options.tries
        with ThreadPoolExecutor(max_workers=self._options.parallel) as pool:
            made = list(pool.map(lambda request: complete_by_asking(painter, request, tries), requests))
        return [replace(item, notes=(*item.notes, self._cost())) for item in made]

    def empty_room(self, requests: Sequence[PlateRequest]) -> list[Plate]:
        """The empty room of each request.

        Raises:
            ConfigError: the key or the model id is not accepted.
            ResourceError: busy, out of quota or not reached, after all attempts.
        """
        painter, tries = (self._connected() if requests else None), self._options.tries
        made = [empty_by_asking(painter, request, tries) for request in requests if painter]
        return [replace(item, notes=(*item.notes, self._cost())) for item in made]

    def _connected(self) -> GeminiPainter:
        """The painter, connected where a caller did not `load`."""
        if self._painter is None:
            self.load()
        assert self._painter is not None
        return self._painter

    def _cost(self) -> str:
        """What this process has asked for so far, for the report."""
        counted = f", {USAGE.tokens} tokens" if USAGE.tokens else ""
        return f"Gemini so far: {USAGE.questions} of {self._options.budget} questions{counted}"
