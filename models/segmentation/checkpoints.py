"""Reading checkpoints of transformers, and making do with the memory of a device."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch

from models.devices import free_memory
from models.reading import read_part
from regen3d.errors import ModelOutputError, OutOfMemoryError, WeightsMissingError

T = TypeVar("T")
R = TypeVar("R")

TOKENIZER = "tokenizer.json"
"""File of a checkpoint that holds its words."""


def read_model(kind: Any, folder: Path) -> Any:
    """A model of transformers with exactly the weights of a folder, ready to answer.

    Args:
        kind: class of transformers.
        folder: checkpoint as `save_pretrained` writes it.

    Raises:
        WeightsMissingError: a file is missing or damaged, or holds another model's weights.
    """
    model, info = read_part(
        lambda: kind.from_pretrained(folder, local_files_only=True, output_loading_info=True), folder, kind.__name__
    )
    # transformers fills what is missing with random numbers and only logs it.
    wrong = sorted({*map(str, info.get("missing_keys", ())), *map(str, info.get("mismatched_keys", ()))})
    if wrong:
        raise WeightsMissingError(
            f"the checkpoint {folder.name} does not fit {kind.__name__}: {len(wrong)} weights are missing or of "
            f"another shape, first {wrong[0]}; fetch it again"
        )
    return model.eval().requires_grad_(False)


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer of a checkpoint.

    Raises:
        WeightsMissingError: its files are missing or damaged.
    """
    from transformers import AutoTokenizer

    # Without its file transformers makes a tokenizer that knows no word, and says nothing.
    if not (folder / TOKENIZER).is_file():
        raise WeightsMissingError(f"the tokenizer ({TOKENIZER}) is missing from {folder.name}: fetch it again")
    return read_part(lambda: AutoTokenizer.from_pretrained(folder, local_files_only=True), folder, "the tokenizer")


def in_chunks(items: Sequence[T], size: int, work: Callable[[Sequence[T]], Sequence[R]]) -> list[R]:
    """Work through items in chunks; a chunk for which memory runs out is done again in smaller ones.

    Args:
        items: all of them.
        size: most of them at once; halved as often as needed.
        work: gives one answer an item.

    Raises:
        OutOfMemoryError: memory runs out even for one item.
    """
    answers: list[R] = []
    size = max(1, size)
    while len(answers) < len(items):
        try:
            answers.extend(work(items[len(answers) : len(answers) + size]))
        except torch.OutOfMemoryError as error:
            if size == 1:
                raise OutOfMemoryError(
                    "GPU memory ran out for a single prompt: use a smaller picture or model, or device=cpu"
                ) from error
            size = size // 2
            free_memory()
    return answers


def check_finite(what: str, *tensors: torch.Tensor) -> None:
    """Refuse numbers that are none.

    Raises:
        ModelOutputError: a tensor holds one.
    """
    for tensor in tensors:
        if not bool(tensor.isfinite().all()):
            raise ModelOutputError(
                f"{what} answered with values that are not finite: fetch its weights again, or use device=cpu"
            )
