"""The service behind Gemini: its key, its patience, its prices, and every way in which it says no."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from models.registry import GEMINI_KEYS
from regen3d.errors import ConfigError, ModelOutputError, NotInstalledError, ResourceError
from regen3d.usage import spend

UNAUTHORISED = (401, 403)
"""HTTP codes of a key that is not accepted; a malformed key is answered by 400 and the status below."""
BAD_KEY = "API_KEY_INVALID"
TRANSIENT = (408, 429, 500, 502, 503, 504)
"""HTTP codes after which the same call may succeed."""
PRICES: dict[str, tuple[float, float]] = {
    "gemini-2.5-flash-image": (0.3, 30.0),
    "gemini-3.1-flash-image": (0.5, 60.0),
    "gemini-3-pro-image": (2.0, 120.0),
}
"""Beginning of a model id -> US dollars for a million tokens asked and answered; the service's price list of 2026."""
BATCH_SHARE = 0.5
"""Of the price, for what is asked as a batch job; from the same list."""


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
    price_in: float | None = None
    """US dollars for a million tokens asked; None: see `PRICES`."""
    price_out: float | None = None
    """US dollars for a million tokens answered."""
    batch: bool = False
    """Whether questions go as batch jobs: half the price, answers within a day; for libraries of pictures."""
    batch_gather_s: float = 5.0
    """Seconds in which questions that come join one job."""
    batch_poll_s: float = 30.0
    """Seconds between two looks at a job."""
    batch_limit_s: float = 90_000.0
    """Longest time of a job, seconds; the service promises a day."""


@dataclass(slots=True)
class Usage:
    """What this process has asked for so far."""

    questions: int = 0
    """Pictures asked for."""
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
            # Under the lock: objects that are asked for side by side share one meter.
            spend(api_calls=1.0)


USAGE = Usage()
"""Of this process."""


def connect(options: GeminiOptions) -> Any:
    """The client of google-genai; nothing is sent yet.

    Raises:
        NotInstalledError: google-genai is missing.
        ConfigError: no key is set.
    """
    try:
        from google import genai
        from google.genai import types
    except ImportError as error:
        raise NotInstalledError("Gemini needs google-genai: install with `pip install 'regen3d[gemini]'`") from error
    key = next((os.environ[name] for name in GEMINI_KEYS if os.environ.get(name)), None)
    if key is None:
        raise ConfigError(
            f"Gemini needs a key, and neither {' nor '.join(GEMINI_KEYS)} is set: set one in the environment"
        )
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


@contextmanager
def errors_typed(options: GeminiOptions) -> Iterator[None]:
    """Raise what goes wrong between here and the service as errors of this project."""
    import httpx2
    from google.genai import errors

    try:
        yield
    except errors.APIError as error:
        # Without a cause: the service's answer may quote the request.
        raise _typed(error, options) from None
    except (errors.UnknownApiResponseError, json.JSONDecodeError):
        raise ResourceError("Gemini's answer was cut off: it is no JSON; the same question may succeed") from None
    except httpx2.HTTPError as error:
        raise ResourceError(
            f"Gemini was not reached within {options.timeout_s:g} s ({type(error).__name__}): check the "
            "connection, or raise the option 'timeout_s'"
        ) from None


def _typed(error: Any, options: GeminiOptions) -> Exception:
    """The error of this project for an HTTP answer of the service."""
    if error.code in UNAUTHORISED or BAD_KEY in str(error.details):
        return ConfigError(
            f"Gemini does not accept the key ({error.code} {error.status}): check {' or '.join(GEMINI_KEYS)} and what "
            "it may do"
        )
    if error.code == 404:
        return ConfigError(f"Gemini knows no model '{options.model}': give another id by the option 'model'")
    if error.code in TRANSIENT:
        return ResourceError(
            f"Gemini is busy or the quota is spent ({error.code} {error.status}) after {options.attempts} attempts: "
            "try later, or raise the quota of the key"
        )
    return ModelOutputError(f"Gemini refused the request ({error.code} {error.status})")


def count_cost(response: Any, options: GeminiOptions) -> None:
    """Count what the tokens of an answer cost."""
    known = next((price for start, price in PRICES.items() if options.model.startswith(start)), (0.0, 0.0))
    price_in = known[0] if options.price_in is None else options.price_in
    price_out = known[1] if options.price_out is None else options.price_out
    used = response.usage_metadata
    asked = (used and used.prompt_token_count) or 0
    # What is thought is paid for as what is answered.
    answered = max(((used and used.total_token_count) or 0) - asked, 0)
    usd = (asked * price_in + answered * price_out) * 1e-6 * (BATCH_SHARE if options.batch else 1.0)
    with USAGE.lock:
        spend(api_usd=usd)
