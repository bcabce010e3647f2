"""On which device a network runs, and what its running out of memory is called."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from regen3d.errors import OutOfMemoryError


def device_of(option: str) -> torch.device:
    """The device that an option names: `auto` is the GPU where there is one."""
    if option == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(option)


def half_precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the GPU computes in it, else float16; float32 on a CPU."""
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 else torch.float16


def free_memory() -> None:
    """Give back what PyTorch keeps of the GPU's memory for later."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@contextmanager
def memory_watched(model: str, advice: str) -> Iterator[None]:
    """Raise `OutOfMemoryError` with advice where the GPU's memory runs out inside."""
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        free_memory()
        raise OutOfMemoryError(f"{model} ran out of GPU memory: {advice}") from error
