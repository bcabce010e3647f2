"""Labels: what the user calls the objects."""

import re

from regen3d.errors import ConfigError

MAX_LABELS = 100
"""Most labels of one scene; detectors slow down and mix things up long before."""
MAX_LABEL_LENGTH = 60
"""Characters of one label."""

_SANE = re.compile(r"[^\W_]([^\W_]|[ '-])*")


def parse_labels(text: str) -> tuple[str, ...]:
    """The labels of a comma-separated list, lower case, each once, in the order given.

    Raises:
        ConfigError: the list is empty or too long, or a label has characters other than letters, digits, spaces,
            hyphens and apostrophes.
    """
    labels = tuple(dict.fromkeys(clean_label(part, "--labels") for part in text.split(",") if part.strip()))
    if not labels:
        raise ConfigError("--labels: the list is empty; write labels with commas between them, as in 'chair, table'")
    if len(labels) > MAX_LABELS:
        raise ConfigError(f"--labels: {len(labels)} labels are more than {MAX_LABELS}; leave some out")
    return labels


def clean_label(text: str, source: str) -> str:
    """One label in lower case with single spaces; underscores count as spaces.

    Args:
        text: the label as given.
        source: the file or option that it comes from, for the message.

    Raises:
        ConfigError: the label is empty or too long, or has other characters than letters, digits, spaces, hyphens
            and apostrophes.
    """
    label = " ".join(text.replace("_", " ").lower().split())
    if not label:
        raise ConfigError(f"{source}: a label is empty; say what the object is, as in 'chair'")
    if len(label) > MAX_LABEL_LENGTH:
        raise ConfigError(
            f"{source}: the label that starts {label[:20]!r} has {len(label)} characters; "
            f"use at most {MAX_LABEL_LENGTH}"
        )
    if _SANE.fullmatch(label) is None:
        raise ConfigError(
            f"{source}: the label {label!r} has characters that labels cannot have; use letters, digits, spaces, "
            "hyphens and apostrophes, with commas between labels"
        )
    return label
