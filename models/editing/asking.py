"""What every image model does with a query: ask, check the answer, ask again, and fall back with a sentence."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import UInt8

from models.base import CompleteRequest, Plate, PlateRequest
from models.editing.complete_embedded import EmbeddedCompletion
from models.editing.plate_embedded import EmbeddedPlate
from regen3d.errors import ModelOutputError
from regen3d.query.answer import read_answer
from regen3d.query.emptied import read_empty_room
from regen3d.query.layout import Query, application_query, letterboxed, outline_query
from regen3d.query.prompts import empty_room_prompt, object_prompt
from regen3d.query.window import Window
from regen3d.room.plate import hole_mask
from regen3d.types import Completion, ObjectView, Rgb

Answer = UInt8[np.ndarray, "ah aw 3"]
"""A repainted picture: sRGB, 8 bit, of any size."""


@runtime_checkable
class Painter(Protocol):
    """Anything that repaints one picture by words."""

    @property
    def name(self) -> str:
        """What it is called in notes."""
        ...

    def paint(self, picture: Rgb, prompt: str, ratio: str, seed: int) -> Answer:
        """The repainted picture, of any size.

        Raises:
            ModelOutputError: it refused, or gave no picture.
        """
        ...


STYLES: tuple[Callable[[ObjectView], Query], ...] = (application_query, outline_query)
"""How an object is asked for, in this order."""
SAME_ASPECT = 0.01
"""Aspect ratios that differ by less are one: models answer in whole patches."""


def complete_by_asking(painter: Painter, request: CompleteRequest, tries: int) -> Completion:
    """The whole object as a painter answers; the embedded completion where no answer can be used.

    Args:
        painter: the model.
        request: the object.
        tries: questions of each style, each with another seed.

    Raises:
        DegenerateGeometryError: the visible mask is empty.
        ResourceError: the model cannot be reached now.
    """
    refusals: list[str] = []
    for make in STYLES:
        query = make(request.view)
        prompt = object_prompt(query.style, request.view.instance.label)
        for turn in range(tries):
            try:
                answer = painter.paint(query.picture, prompt, query.ratio, request.seed + turn)
            except ModelOutputError as error:
                refusals.append(str(error))
                continue
            reading = read_answer(answer, query, request.view)
            if reading.completion is not None:
                note = f"{painter.name} completed it from the {query.style} query, try {turn + 1}"
                return _noted(reading.completion, (note, *_told(refusals)))
            refusals.append(reading.verdict.sentence)
    made = EmbeddedCompletion().complete([request])[0]
    return _noted(made, (f"no answer of {painter.name} could be used: completed without it", *_told(refusals)))


def empty_by_asking(painter: Painter, request: PlateRequest, tries: int) -> Plate:
    """The empty room as a painter answers; the embedded plate where no answer can be used.

    Args:
        painter: the model.
        request: the picture and its objects.
        tries: questions, each with another seed.

    Raises:
        ResourceError: the model cannot be reached now.
    """
    hole = hole_mask(request.objects, (request.image.shape[0], request.image.shape[1]))
    if not hole.any():
        return Plate(image=request.image, filled=hole)
    picture, ratio, window = letterboxed(request.image)
    refusals: list[str] = []
    for turn in range(tries):
        try:
            answer = painter.paint(picture, empty_room_prompt(), ratio, request.seed + turn)
        except ModelOutputError as error:
            refusals.append(str(error))
            continue
        answer = _unsqueezed(answer, picture)
        seen = Window(x=window.x, y=window.y, step=window.step * picture.shape[1] / answer.shape[1])
        reading = read_empty_room(answer, seen, request.image, request.objects, hole)
        if reading.image is not None:
            note = f"{painter.name} emptied the room, try {turn + 1}"
            return Plate(image=reading.image, filled=hole, notes=(note, *_told(refusals)))
        refusals.append(reading.sentence)
    made = EmbeddedPlate().empty_room([request])[0]
    note = f"no answer of {painter.name} could be used: the room was emptied without it"
    return replace(made, notes=(note, *_told(refusals), *made.notes))


def _unsqueezed(answer: Answer, asked: Rgb) -> UInt8[np.ndarray, "oh ow 3"]:
    """An answer of another aspect ratio stretched to the asked one; whether it shows the same, its lines will tell."""
    aspect = (answer.shape[1] / answer.shape[0]) / (asked.shape[1] / asked.shape[0])
    if abs(aspect - 1.0) < SAME_ASPECT:
        return answer
    return np.asarray(cv2.resize(answer, asked.shape[1::-1], interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _told(refusals: list[str]) -> tuple[str, ...]:
    """One sentence on what was wrong with answers, each reason once."""
    return (f"refused answers: {' | '.join(dict.fromkeys(refusals))}",) if refusals else ()


def _noted(completion: Completion, notes: tuple[str, ...]) -> Completion:
    return replace(completion, notes=(*notes, *completion.notes))
