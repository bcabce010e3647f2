"""Ragged ranges and chunks in torch: what batched rasterisers enumerate rows and pixels with."""

from collections.abc import Iterator

import torch
from jaxtyping import Integer
from torch import Tensor


def ranges(
    first: Integer[Tensor, " n"], last: Integer[Tensor, " n"]
) -> tuple[Integer[Tensor, " m"], Integer[Tensor, " m"]]:
    """The integers of all ranges first..last (exclusive) one after another, and the range that each comes from."""
    counts = last - first
    owner = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    before = torch.cumsum(counts, dim=0) - counts
    return torch.arange(len(owner), device=counts.device) + (first - before)[owner], owner


def chunks(counts: Integer[Tensor, " n"], most: int) -> Iterator[slice]:
    """Consecutive slices whose counts sum to about `most`; a single count may be larger."""
    total = torch.cumsum(counts, dim=0)
    if len(counts) == 0 or int(total[-1]) <= most:
        yield slice(0, len(counts))
        return
    start, done = 0, 0
    while start < len(counts):
        stop = max(start + 1, int(torch.searchsorted(total, done + most, right=True)))
        yield slice(start, stop)
        start, done = stop, int(total[stop - 1])
