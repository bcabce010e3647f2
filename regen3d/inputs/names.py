"""Names of objects: unique in a scene and safe as file names everywhere."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

MAX_NAME_LENGTH = 60
"""Characters of a name; leaves room for suffixes under the 255 bytes of common file systems."""

_SLUG_LENGTH = 50  # the rest of a name is the hyphen and up to nine digits
_SAFE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# Windows keeps these for devices, with any extension.
_RESERVED = frozenset({"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)})


def slug(label: str) -> str:
    """The label as the stem of a file name: lower-case ASCII letters and digits joined by single hyphens.

    Accents are dropped; a label without any ASCII letter or digit, and a name that Windows reserves, become `object`.
    The answer is safe (`is_safe_name`), has at most 50 characters, and stays the same when it is made twice.
    """
    ascii_text = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode("ascii").lower()
    text = re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")[:_SLUG_LENGTH].rstrip("-")
    return text if text and text not in _RESERVED else "object"


def instance_name(label: str, n: int) -> str:
    """The name of the n-th object with a label, counted from one: `("coffee table", 1)` gives `coffee-table-1`."""
    return f"{slug(label)}-{n}"


def instance_names(labels: Sequence[str]) -> tuple[str, ...]:
    """One unique name for each label, in order, counted for each slug."""
    counts: Counter[str] = Counter()
    names = []
    for label in labels:
        counts[slug(label)] += 1
        names.append(instance_name(label, counts[slug(label)]))
    return tuple(names)


def is_safe_name(name: str) -> bool:
    """Whether a name is safe as a file name: lower-case letters, digits and single hyphens, at most 60 characters."""
    return len(name) <= MAX_NAME_LENGTH and _SAFE.fullmatch(name) is not None and name not in _RESERVED
