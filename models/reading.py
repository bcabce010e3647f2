"""Reading the files of a checkpoint, whatever their readers raise."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from regen3d.errors import NotInstalledError, WeightsMissingError


def read_part(read: Callable[[], Any], folder: Path, what: str) -> Any:
    """Run a reader of a checkpoint, and say as one error what may be wrong with its files.

    Raises:
        WeightsMissingError: a file is missing or damaged.
    """
    try:
        return read()
    except ImportError as error:
        raise NotInstalledError(f"{what} needs a package that is missing ({error}): install it") from error
    except torch.OutOfMemoryError:
        # The files are whole: whoever reads says what to do about memory.
        raise
    except Exception as error:  # Readers of JSON, safetensors and tokenizers raise what they like.
        reason = str(error).strip().split("\n")[0]
        raise WeightsMissingError(
            f"{what} cannot be read from {folder.name} ({type(error).__name__}: {reason}): fetch it again"
        ) from error
