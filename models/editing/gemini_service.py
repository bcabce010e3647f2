"""One picture to Gemini and one back: the key, the budget, waiting, and every way in which it says no."""

import io
import os
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from regen3d.errors import ConfigError, ModelOutputError, NotInstalledError, ResourceError
from regen3d.types import Rgb
from regen3d.usage import spend

KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
"""Environment variables that may hold the key, in this order; it is read from nowhere else and kept nowhere."""
UNAUTHORISED = (401, 403)
"""HTTP codes of a key that is not accepted; a malformed key is answered by 400 and the status below."""
BAD_KEY = "API_KEY_INVALID"
TRANSIENT = (408, 429, 500, 502, 503, 504)
"""HTTP codes after which the same call may succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeminiOptions:
    """How Gemini is asked."""

    model: str = "gemini-3.1-flash-image"
    """Model id."""
    base_url: str | None = None
    """Another address of the service, such as a proxy."""
    image_size: str = "1K"
    """`1K`, `2K` or `4K`."""
    temperature: float = 0.6
    """0..2: lower keeps nearer to the picture."""
    tries: int = 2
    """Questions of each kind before something else is tried."""
    timeout_s: float = 180.0
    """Seconds for one request."""
    attempts: int = 5
    """Requests for one question where the service is busy, with growing, jittered waits."""
    first_wait_s: float = 2.0
    """Wait before the second of them, seconds; it doubles each time."""
    budget: int = 200
    """Requests that this process may make; what comes after is done without Gemini."""
    parallel: int = 4
    """Objects asked for at the same time."""


@dataclass(slots=True)
class Usage:
    """What this process has asked for so far."""

    questions: int = 0
    """Pictures asked for."""
    tokens: int = 0
    """Tokens that the service counted."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while counting."""

    def take(self, budget: int) -> None:
        """Count one question.

        Raises:
            ModelOutputError: the budget is spent.
        """
        with self.lock:
            if self.questions >= budget:
                raise ModelOutputError(
                    f"the budget of {budget} questions to Gemini is spent: raise the option 'budget' to ask more"
                )
            self.questions += 1
        spend(api_calls=1)


USAGE = Usage()
"""Of this process."""


class GeminiPainter:
    """A `Painter` that asks Gemini."""

    def __init__(self, options: GeminiOptions) -> None:
        self.options = options
        self.client = _client(options)

    @property
    def name(self) -> str:
        """The model id."""
        return self.options.model

    def close(self) -> None:
        """Close the connection."""
        self.client.close()

    def paint(self, picture: Rgb, prompt: str, ratio: str, seed: int) -> Rgb:
        """The repainted picture.

        Raises:
            ModelOutputError: blocked, refused, without a picture, with a broken one, or the budget is spent.
            ConfigError: the key or the model id is not accepted.
            ResourceError: busy, out of quota or not reached, after all attempts.
        """
        import httpx2
        from google.genai import errors, types

        USAGE.take(self.options.budget)
        config = types.GenerateContentConfig(
            response_modalities=["IMAGE"],
            image_config=types.ImageConfig(aspect_ratio=ratio, image_size=self.options.image_size),
            temperature=self.options.temperature,
            seed=seed & 0x7FFFFFFF,
        )
        shown = types.Part.from_bytes(data=_png(picture), mime_type="image/png")
        try:
            response = self.client.models.generate_content(
                model=self.options.model, contents=[prompt, shown], config=config
            )
        except errors.APIError as error:
            # Without a cause: the service's answer may quote the request.
            raise _typed(error, self.options) from None
        except httpx2.HTTPError as error:
            raise ResourceError(
                f"Gemini was not reached within {self.options.timeout_s:g} s ({type(error).__name__}): check the "
                "connection, or raise the option 'timeout_s'"
            ) from None
        return _picture(response)


def _client(options: GeminiOptions) -> Any:
    try:
        from google import genai
        from google.genai import types
    except ImportError as error:
        raise NotInstalledError("Gemini needs google-genai: install with `pip install 'regen3d[gemini]'`") from error
    key = next((os.environ[name] for name in KEYS if os.environ.get(name)), None)
    if key is None:
        raise ConfigError(f"Gemini needs a key, and neither {' nor '.join(KEYS)} is set: set one in the environment")
    retry = types.HttpRetryOptions(
        attempts=options.attempts,
        initial_delay=options.first_wait_s,
        max_delay=60.0,
        exp_base=2.0,
        jitter=min(options.first_wait_s, 1.0),
        http_status_codes=list(TRANSIENT),
    )
    http = types.HttpOptions(base_url=options.base_url, timeout=round(options.timeout_s * 1000.0), retry_options=retry)
    return genai.Client(api_key=key, vertexai=False, http_options=http)


def _typed(error: Any, options: GeminiOptions) -> Exception:
    """The error of this project for an HTTP answer of the service."""
    if error.code in UNAUTHORISED or BAD_KEY in str(error.details):
        return ConfigError(
            f"Gemini does not accept the key ({error.code} {error.status}): check {' or '.join(KEYS)} and its rights"
        )
    if error.code == 404:
        return ConfigError(f"Gemini knows no model '{options.model}': give another id by the option 'model'")
    if error.code in TRANSIENT:
        return ResourceError(
            f"Gemini is busy or the quota is spent ({error.code} {error.status}) after {options.attempts} attempts: "
            "try later, or raise the quota of the key"
        )
    return ModelOutputError(f"Gemini refused the request ({error.code} {error.status})")


def _picture(response: Any) -> Rgb:
    """The picture of a response.

    Raises:
        ModelOutputError: there is none, or it is broken.
    """
    if response.usage_metadata and response.usage_metadata.total_token_count:
        with USAGE.lock:
            USAGE.tokens += response.usage_metadata.total_token_count
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
