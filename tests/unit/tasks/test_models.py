"""What warm models say where memory runs out."""

import pytest
import torch

from regen3d.errors import OutOfMemoryError
from tasks.execution.models import WarmModels, Work


def fails(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    "error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")]
)
def test_memory_that_runs_out_is_one_error_of_ours(error: Exception) -> None:
    with pytest.raises(OutOfMemoryError, match=r"memory ran out in .*fails: free some"):
        WarmModels().answer(Work(target=f"{__name__}:fails", requests=(error,)))


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="something else"):
        WarmModels().answer(Work(target=f"{__name__}:fails", requests=(RuntimeError("something else"),)))
