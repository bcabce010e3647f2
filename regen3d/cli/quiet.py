"""Settings of the orchestrator that suit a command line; what the user has set wins."""

import os

SETTINGS = {
    # A cold start with database migrations took 27 s on two busy cores; the default gives up after 20.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # Task logs stay in the UI; the terminal has the progress bar, and errors arrive as one sentence.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
}


def calm_prefect() -> None:
    """Put the settings into the environment; call before Prefect is imported."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
