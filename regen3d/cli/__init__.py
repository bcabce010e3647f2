"""`regen3d ...`: thin, one file per group of commands.

Heavy imports stay inside the commands, so that `regen3d --help` answers at once.
"""

from regen3d.cli.app import main

__all__ = ["main"]
