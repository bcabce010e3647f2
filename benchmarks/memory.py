"""What a process has needed at most."""

import resource
import sys


def peak_rss_mb() -> float:
    """The greatest resident memory of this process so far, in 10^6 bytes; it never falls again."""
    return rss_mb(resource.getrusage(resource.RUSAGE_SELF))


def rss_mb(usage: resource.struct_rusage) -> float:
    """The greatest resident memory that a usage tells of, in 10^6 bytes."""
    # Linux counts in 1024 bytes, macOS in bytes.
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
