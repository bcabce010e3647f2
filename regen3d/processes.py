"""Which process is meant: a mark that no other process has, on this machine or another, now or later.

Names of machines and numbers of processes do not tell: containers share a name, each counts its processes from one, and
numbers come again.
"""

import contextlib
import functools
import hashlib
import os
import platform
import uuid
from pathlib import Path

UNKNOWN = "unknown"
"""Stands for the machine where a process cannot know which one it is on."""

_NAMESPACE_OF_THE_MACHINE = 0xEFFFFFFC
"""Of the processes that are in no container: PROC_PID_INIT_INO in Linux."""


@functools.cache
def place() -> str:
    """Where numbers of processes are unique: the machine, this boot of it, and the namespace that counts them."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip().replace("-", "")
        namespace = Path("/proc/self/ns/pid").stat().st_ino
        return f"{_machine(namespace)}.{boot}.{namespace}"
    except OSError:
        # Not Linux, so neither containers nor /proc: the machine's network address.
        return f"{uuid.getnode():x}"


def _machine(namespace: int) -> str:
    """What stays over a boot. In a container nobody can tell: its files may be those of many machines."""
    if namespace != _NAMESPACE_OF_THE_MACHINE:
        return UNKNOWN
    try:
        number = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return UNKNOWN
    # With the name: copies of one disk may have one number.
    return hashlib.sha256(f"{number} {platform.node()}".encode()).hexdigest()[:16] if number else UNKNOWN


def mark_of(process: int) -> str:
    """The mark of a process of this place; empty for one that is gone."""
    began = _beginning(process)
    return "" if began is None else f"{place()}.{process}.{began}"


def is_gone(mark: str) -> bool:
    """Whether the marked process is known to be gone; of one of another place nothing is known."""
    where, _, number = mark.rpartition(".")[0].rpartition(".")
    if where == place():
        return number.isdigit() and mark_of(int(number)) != mark
    return _is_of_another_boot(where)


def _is_of_another_boot(where: str) -> bool:
    """Whether a place is this machine before it was started anew, which no process outlives."""
    there, here = where.split("."), place().split(".")
    if len(there) != 3 or len(here) != 3 or UNKNOWN in (there[0], here[0]):
        return False
    return there[0] == here[0] and there[1] != here[1]


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
