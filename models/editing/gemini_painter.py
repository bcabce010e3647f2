"""One picture to Gemini and one back."""

import io
from typing import Any

import numpy as np
from PIL import Image

from models.editing.asking import Answer
from models.editing.gemini_batch import Batches
from models.editing.gemini_service import USAGE, GeminiOptions, connect, count_cost, errors_typed
from regen3d.errors import ModelOutputError
from regen3d.types import Rgb


class GeminiPainter:
    """A `Painter` that asks Gemini."""

    def __init__(self, options: GeminiOptions) -> None:
        self.options = options
        self.client = connect(options)
        self._batches = Batches(self.client, options) if options.batch else None

    @property
    def name(self) -> str:
        """The model id."""
        return self.options.model

    def close(self) -> None:
        """Close the connection."""
        self.client.close()

    def paint(self, picture: Rgb, prompt: str, ratio: str, seed: int) -> Answer:
        """The repainted picture.

        Raises:
            ModelOutputError: blocked, refused, without a picture, with a broken one, or the budget is spent.
            ConfigError: the key or the model id is not accepted.
            ResourceError: busy, out of quota or not reached, after all attempts.
        """
        from google.genai import types

        USAGE.take(self.options.budget)
        config = types.GenerateContentConfig(
            response_modalities=["IMAGE"],
            image_config=types.ImageConfig(aspect_ratio=ratio, image_size=self.options.image_size),
            temperature=self.options.temperature,
            seed=seed & 0x7FFFFFFF,
        )
        contents = [
            types.Part.from_text(text=prompt),
            types.Part.from_bytes(data=_png(picture), mime_type="image/png"),
        ]
        response = self._ask(types.Content(role="user", parts=contents), config)
        count_cost(response, self.options)
        return _picture(response)

    def _ask(self, content: Any, config: Any) -> Any:
        with errors_typed(self.options):
            if self._batches is not None:
                return self._batches.ask(content, config)
            return self.client.models.generate_content(model=self.options.model, contents=[content], config=config)


def _picture(response: Any) -> Rgb:
    """The picture of a response.

    Raises:
        ModelOutputError: there is none, or it is broken.
    """
    feedback = response.prompt_feedback
    if feedback and feedback.block_reason:
        raise ModelOutputError(f"Gemini blocked the question: {feedback.block_reason.value}")
    for part in response.parts or ():
        # Thoughts may hold drafts.
        if part.inline_data and part.inline_data.data and not part.thought:
            return _decoded(part.inline_data.data)
    reason = response.candidates[0].finish_reason if response.candidates else None
    raise ModelOutputError(f"Gemini gave no picture: finish reason {reason.value if reason else 'not given'}")


def _decoded(data: bytes) -> Rgb:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.array(image.convert("RGB"), dtype=np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ModelOutputError(f"Gemini gave a broken picture of {len(data)} bytes: {error}") from error


def _png(picture: Rgb) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="PNG", compress_level=3)
    return file.getvalue()
