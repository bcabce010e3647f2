"""VGGT and MoGe-2 are on no package registry: stand-ins of their interface, which know the truth of the test room."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from models.registry import MOGE, VGGT
from tests.synthetic.room import SyntheticRoom

PACKAGES = Path(__file__).parent / "networks"
"""Holds the packages `vggt` and `moge`."""


@contextmanager
def networks_of(room: SyntheticRoom, root: Path) -> Iterator[None]:
    """Make `vggt` and `moge` importable, with checkpoints below `root` that `REGEN3D_WEIGHTS` may name."""
    for weights in (VGGT, MOGE):
        folder = root / weights.folder_name
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(
            folder / "truth.npz",
            images=np.stack([room.image, room.plate]),
            depths=np.stack([room.depth, room.plate_depth]),
            intrinsics=room.camera.intrinsics,
        )
    sys.path.insert(0, str(PACKAGES))
    try:
        yield
    finally:
        sys.path.remove(str(PACKAGES))
        for name in [name for name in sys.modules if name.split(".")[0] in ("vggt", "moge")]:
            del sys.modules[name]
