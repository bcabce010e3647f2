"""Questions to Gemini as batch jobs: half the price, for answers within a day.

Whoever asks waits; questions that come within a few seconds, from whatever threads, join one job.
"""

import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from models.editing.gemini_service import GeminiOptions, errors_typed
from regen3d.errors import ModelOutputError, ResourceError

MOST_BYTES = 15_000_000
"""Of pictures in one job: the service takes 20 MB, and a picture grows by a third on the way."""
RUNNING = ("JOB_STATE_UNSPECIFIED", "JOB_STATE_QUEUED", "JOB_STATE_PENDING", "JOB_STATE_RUNNING", "JOB_STATE_UPDATING")
"""States of a job after which another one comes."""
EXHAUSTED = (4, 8, 14)
"""gRPC codes of one answer after which the same question may succeed: deadline, quota, unavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One picture with words, and who waits for its answer."""

    content: Any
    """`google.genai.types.Content`."""
    config: Any
    """`google.genai.types.GenerateContentConfig`."""
    answer: "Future[Any]"
    """Gets the response or the error."""

    @property
    def size(self) -> int:
        """Bytes of its pictures."""
        return sum(len(part.inline_data.data) for part in self.content.parts if part.inline_data)


class Batches:
    """Gathers questions into jobs; safe to ask from many threads."""

    def __init__(self, client: Any, options: GeminiOptions) -> None:
        """Take the client of google-genai and how it is used."""
        self._client = client
        self._options = options
        self._lock = threading.Lock()
        self._waiting: list[Question] = []

    def ask(self, content: Any, config: Any) -> Any:
        """The response to one question, once its job is done.

        Raises:
            ModelOutputError: the question was refused.
            ConfigError: the key or the model id is not accepted.
            ResourceError: the job failed, expired or took too long; the same question may succeed later.
        """
        question = Question(content=content, config=config, answer=Future())
        with self._lock:
            self._waiting.append(question)
            first = len(self._waiting) == 1
        if first:
            # As a daemon: a program that is stopped does not wait a day for a job that it will never read.
            threading.Thread(target=self._gather, daemon=True).start()
        return question.answer.result()

    def _gather(self) -> None:
        time.sleep(self._options.batch_gather_s)
        with self._lock:
            questions, self._waiting = self._waiting, []
        for job in _jobs(questions):
            threading.Thread(target=self._run, args=(job,), daemon=True).start()

    def _run(self, questions: list[Question]) -> None:
        try:
            with errors_typed(self._options):
                answers = self._finished(questions)
            for question, answer in zip(questions, answers, strict=True):
                if answer.response is None:
                    question.answer.set_exception(_error_of(answer.error))
                else:
                    question.answer.set_result(answer.response)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            for question in questions:
                if not question.answer.done():
                    question.answer.set_exception(error)

    def _finished(self, questions: list[Question]) -> list[Any]:
        """Answers of one job in the order of its questions."""
        from google.genai import types

        asked = [types.InlinedRequest(contents=[question.content], config=question.config) for question in questions]
        job = self._client.batches.create(model=self._options.model, src=asked)
        until = time.monotonic() + self._options.batch_limit_s
        while _state(job) in RUNNING:
            if time.monotonic() > until:
                raise ResourceError(
                    f"the batch job {job.name} took longer than {self._options.batch_limit_s:g} s: try later, or ask "
                    "without the option 'batch'"
                )
            time.sleep(self._options.batch_poll_s)
            job = self._client.batches.get(name=job.name)
        answers = list((job.dest and job.dest.inlined_responses) or ())
        if len(answers) != len(questions):
            raise ResourceError(
                f"the batch job {job.name} ended as {_state(job)} with {len(answers)} of {len(questions)} answers: "
                "try again, or ask without the option 'batch'"
            )
        return answers


def _jobs(questions: list[Question]) -> list[list[Question]]:
    """Questions in their order, as few jobs as the size of one allows."""
    jobs: list[list[Question]] = []
    room = 0
    for question in questions:
        if not jobs or question.size > room:
            jobs.append([])
            room = MOST_BYTES
        jobs[-1].append(question)
        room -= question.size
    return jobs


def _state(job: Any) -> str:
    return "JOB_STATE_UNSPECIFIED" if job.state is None else str(job.state.value)


def _error_of(error: Any) -> Exception:
    """The error of this project for one answer of a job."""
    code = error.code if error else None
    if code in EXHAUSTED:
        return ResourceError(f"Gemini could not answer a question of a batch job (code {code}): try later")
    return ModelOutputError(f"Gemini refused a question of a batch job (code {code})")
