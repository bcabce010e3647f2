"""What of all there is a benchmark is asked for, and how it says that it cannot be had."""

import sys
from collections.abc import Sequence
from typing import NoReturn


def chosen(names: str | None, known: Sequence[str], kind: str) -> list[str]:
    """The names of a list with commas between them, or all that are known.

    Args:
        names: the list; None or empty for all.
        known: what there is.
        kind: one of them in words, for the sentence.

    Raises:
        SystemExit: one is not known, or there is none at all; see `refuse`.
    """
    if not known:
        refuse(f"there is no {kind}")
    wanted = names.split(",") if names else list(known)
    missing = [name for name in wanted if name not in known]
    if missing:
        refuse(f"no {kind} is called {', '.join(missing)}: there are {', '.join(known)}")
    return wanted


def refuse(sentence: str) -> NoReturn:
    """End as `regen3d` does where something given cannot be used: one sentence on standard error, exit code 2."""
    print(sentence, file=sys.stderr)
    raise SystemExit(2)
