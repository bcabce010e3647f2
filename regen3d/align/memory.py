"""How much working memory a batch of poses may take."""

import torch

from regen3d.align.settings import AlignSettings

CPU_MB = 512
"""On a CPU: more is no faster there, and objects of a scene are aligned side by side."""

CARD_SHARE = 0.25
"""Of a card's free memory: networks and other objects' batches share it."""

MOST_MB = 8000
"""Slices that fill an H100 are no larger: ten objects take 1.6 s with this, 2.1 s with 512 (docs/performance.md)."""


def working_memory_mb(settings: AlignSettings) -> int:
    """What is set; else what suits the device, megabytes."""
    if settings.memory_mb is not None:
        return settings.memory_mb
    on_card = settings.device.startswith("cuda")
    return card_memory_mb(torch.cuda.mem_get_info(settings.device)[0]) if on_card else CPU_MB


def card_memory_mb(free_bytes: int) -> int:
    """What to take of a card with so much free memory, megabytes: never less than on a CPU."""
    return min(max(int(CARD_SHARE * free_bytes / 1e6), CPU_MB), MOST_MB)
