"""`regen3d run` as a user starts it, timed and weighed."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.memory import rss_mb

LIMIT_S = 1800.0
"""A run that takes longer is stopped and counts as failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A command that came to its end."""

    code: int
    """Exit code; negative for a signal."""
    seconds: float
    """Wall clock."""
    peak_mb: float
    """Greatest resident memory of any one process of it, in 10^6 bytes."""


def run_regen3d(image: Path, out: Path, options: Sequence[str] = ()) -> Finished:
    """Run `regen3d run IMAGE --out OUT OPTIONS...`; what it prints goes to OUT.log."""
    command = [str(Path(sys.executable).with_name("regen3d")), "run", str(image), "--out", str(out), *options]
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.with_name(f"{out.name}.log").open("wb") as log:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        alarm = threading.Timer(LIMIT_S, process.kill)
        alarm.start()
        _, status, usage = os.wait4(process.pid, 0)
        alarm.cancel()
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    return Finished(code=process.returncode, seconds=seconds, peak_mb=rss_mb(usage))
