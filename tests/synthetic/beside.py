"""Packages that are kept beside the environment, because torchvision's build does not fit a PyTorch without CUDA."""

import importlib
import importlib.util
import os
import sys
import warnings
from pathlib import Path

import torch

FOLDER_VARIABLE = "REGEN3D_PACKAGES"
"""Names a folder of packages; default: `beside` in the virtual environment, where `make test` puts hy3dgen, pymeshlab
and torchvision."""

_STAND_INS: list[torch.library.Library] = []
"""Kept alive: operators vanish with their library."""


def require_beside(*names: str) -> None:
    """Make packages importable, or skip with the reason."""
    missing = import_beside(*names)
    if missing:
        import pytest

        pytest.skip(f"needs {', '.join(missing)}: run `make install`, or set {FOLDER_VARIABLE} to a folder of packages")


def import_beside(*names: str) -> list[str]:
    """Make packages importable; returns the names of those that are missing."""
    folder = os.environ.get(FOLDER_VARIABLE, str(Path(sys.prefix) / "beside"))
    if folder not in sys.path:
        sys.path.append(folder)
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if "torchvision" in names and not missing:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _import_torchvision()
    return missing


def _import_torchvision() -> None:
    """Import it even where its compiled part does not load: only what is written in Python is used."""
    if "torchvision" in sys.modules:
        return
    if not torch.cuda.is_available():
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _STAND_INS.append(library)
    importlib.import_module("torchvision")
