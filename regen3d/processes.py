"""Which process is meant: a mark that no other process has, on this machine or another, now or later.

Names of machines and numbers of processes do not tell: containers share a name, each counts its processes from one, and
numbers come again.
"""

import contextlib
import functools
import os
import uuid
from pathlib import Path


@functools.cache
def place() -> str:
    """Where numbers of processes are unique: this boot of this machine, and the namespace that counts them."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip().replace("-", "")
        return f"{boot}.{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        # Not Linux, so neither containers nor /proc: the machine's network address.
        return f"{uuid.getnode():x}"


def mark_of(process: int) -> str:
    """The mark of a process of this place; empty for one that is gone."""
    began = _beginning(process)
    return "" if began is None else f"{place()}.{process}.{began}"


def is_gone(mark: str) -> bool:
    """Whether the marked process is known to be gone; of one of another place nothing is known."""
    where, _, rest = mark.rpartition(".")[0].rpartition(".")
    return where == place() and rest.isdigit() and mark_of(int(rest)) != mark


def _beginning(process: int) -> str | None:
    """When a process began, as far as the system says; None for one that is gone."""
    with contextlib.suppress(OSError):
        # Field 22 of what follows the name in brackets, which may hold spaces: proc(5).
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        # A zombie has ended, only nobody has taken note.
        return None if fields[0] == "Z" else fields[19]
    if Path("/proc/self/stat").exists():
        return None
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return "0"
