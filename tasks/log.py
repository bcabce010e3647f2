"""Where stages and executors say what people should find in the log of a run."""

import logging
from typing import Any

from prefect import get_run_logger
from prefect.exceptions import MissingContextError


def run_log(name: str) -> Any:
    """The log of the task or flow run that asks; outside of one, the logger of that name.

    On a worker of Ray that logger's lines travel to the task run that waits.
    """
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger(name)
