"""Which labels to look for: the user's, else an image-language model's, else the default vocabulary."""

import io
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.base import SegmentRequest
from models.registry import GEMINI_KEYS
from models.segmentation.prompts import DEFAULT_LABELS, Proposal, query_of
from regen3d.errors import ConfigError, ModelOutputError, NotInstalledError
from regen3d.types import Rgb
from regen3d.usage import spend

if TYPE_CHECKING:
    from google.genai import Client

LONGEST_LIST = 32
"""Most labels that are taken: a text of 256 tokens holds about sixty, and more are repetitions."""
LONGEST_LABEL = 40
"""Characters of a label; what is longer is a description, which detectors read badly."""
LONGEST_SIDE = 1024
"""Pixels of the longer side of the picture that is sent: enough to name things, and a tenth of the bytes."""
TIMEOUT_MS = 60_000
"""A label list takes a few seconds; after a minute nothing will come."""
ATTEMPTS = 3
"""Tries of one call, with pauses that double: the client's own treatment of 429 and 5xx."""

INSTRUCTION = """List the kinds of furniture and movable objects in this photograph of a room.
Give each kind once, as a short singular English noun phrase in lower case, such as "armchair" or "floor lamp".
Leave out floor, walls, ceiling, windows, doors, people, animals, and what is too small to be modelled on its own.
Put large things first. Give at most 20."""
SCHEMA = {
    "type": "OBJECT",
    "properties": {"labels": {"type": "ARRAY", "items": {"type": "STRING"}}},
    "required": ["labels"],
}


class Labeller:
    """Proposes the labels of a picture."""

    def __init__(self, model: str = "") -> None:
        """Name the image-language model; without one the default vocabulary is proposed."""
        self._model = model
        self._client: Client | None = None

    def load(self) -> None:
        """Make the client of the service.

        Raises:
            NotInstalledError: google-genai is missing.
            ConfigError: there is no key in the environment.
        """
        if self._model:
            self._client = self._connect()

    def _connect(self) -> "Client":
        try:
            from google.genai import Client, types
        except ImportError as error:
            raise NotInstalledError(
                "the labeller needs google-genai: install with `pip install '.[gemini]'`"
            ) from error
        key = next((os.environ[name] for name in GEMINI_KEYS if os.environ.get(name)), None)
        if key is None:
            raise ConfigError(
                f"the labeller {self._model} needs a key, and {' and '.join(GEMINI_KEYS)} are not set: "
                "set one, or leave the option labeller_model empty"
            )
        retry = types.HttpRetryOptions(attempts=ATTEMPTS, initial_delay=0.5, exp_base=2.0, jitter=0.5)
        return Client(api_key=key, http_options=types.HttpOptions(timeout=TIMEOUT_MS, retry_options=retry))

    def close(self) -> None:
        """Close the client's connections."""
        if self._client is not None:
            self._client.close()
        self._client = None

    def propose(self, request: SegmentRequest) -> Proposal:
        """The user's labels, else the model's, else the default vocabulary, with a note that says why."""
        if request.labels:
            return Proposal(labels=request.labels, asked=True)
        if not self._model:
            return Proposal(labels=DEFAULT_LABELS, notes=("The labels are the default vocabulary.",))
        try:
            labels = self._ask(request.image, request.seed)
        except ModelOutputError as error:
            return Proposal(labels=DEFAULT_LABELS, notes=(f"The labels are the default vocabulary: {error}.",))
        return Proposal(labels=labels, notes=(f"{self._model} proposed the labels: {', '.join(labels)}.",))

    def _ask(self, image: Rgb, seed: int) -> tuple[str, ...]:
        """The model's labels.

        Raises:
            ModelOutputError: the service refused, could not be reached, or answered with no list.
        """
        from google.genai import errors, types

        self._client = self._client or self._connect()
        config = types.GenerateContentConfig(
            response_mime_type="application/json",
            response_schema=types.Schema.model_validate(SCHEMA),
            temperature=0.0,
            seed=seed,
        )
        picture = types.Part.from_bytes(data=_encode(image), mime_type="image/jpeg")
        spend(api_calls=1.0)
        try:
            answer = self._client.models.generate_content(
                model=self._model, contents=[picture, INSTRUCTION], config=config
            )
        except errors.APIError as error:
            # The message of the service may quote the request; its code and status say enough.
            raise ModelOutputError(f"{self._model} answered {error.code} {error.status}") from error
        except Exception as error:  # Transports raise their own classes for timeouts and lost connections.
            raise ModelOutputError(f"{self._model} could not be reached ({type(error).__name__})") from error
        if not answer.text:
            raise ModelOutputError(f"{self._model} gave no text ({_reason(answer)})")
        return read_labels(answer.text, self._model)


def read_labels(text: str, model: str) -> tuple[str, ...]:
    """Labels out of a JSON answer: tidied, each once, without sides of the room, at most `LONGEST_LIST`.

    Raises:
        ModelOutputError: the text is no JSON of the schema, or holds no usable label.
    """
    try:
        listed = json.loads(text)["labels"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelOutputError(f"{model} gave no list of labels, or half of one") from error
    words: Sequence[str] = [word for word in listed if isinstance(word, str)] if isinstance(listed, list) else []
    labels = tuple(label for label in query_of(Proposal(labels=tuple(words))).objects if len(label) <= LONGEST_LABEL)
    if not labels:
        raise ModelOutputError(f"{model} listed no usable label")
    return labels[:LONGEST_LIST]


def _encode(image: Rgb) -> bytes:
    """The picture as JPEG of moderate size."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(image))
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _reason(answer: object) -> str:
    """Why there is no text, as the service names it."""
    feedback = getattr(answer, "prompt_feedback", None)
    blocked = getattr(feedback, "block_reason", None)
    candidates = getattr(answer, "candidates", None) or []
    finished = getattr(candidates[0], "finish_reason", None) if candidates else None
    reason = blocked or finished
    return str(getattr(reason, "value", reason)) if reason else "no reason given"
