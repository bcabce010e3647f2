"""Fixtures that every test may ask for."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from tests.chromium import browser, page  # noqa: F401 - fixtures
from tests.synthetic.files import write_inputs
from tests.synthetic.room import SyntheticRoom, empty_room, furnished_room

# Workers of a test run share the cores: threads that wait for each other inside of one take ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine may stall any example: time is for benchmarks.
settings.register_profile("regen3d", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("regen3d")

NO_DATA = "needs the shared scenes: set REGEN3D_DATA to the folder that holds `scenes`"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for `data_root`, so that `-m data` finds it and the summary counts what was skipped.

    Files of whole flows come first: the longest of them, begun last, would keep one worker alone for minutes.
    """
    items.sort(key=lambda item: "flows" not in item.path.parts)
    for item in items:
        if "data_root" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.data)
            if not os.environ.get("REGEN3D_DATA"):
                item.add_marker(pytest.mark.skip(reason=NO_DATA))


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def synthetic_room() -> SyntheticRoom:
    """A furnished room with exact truth: chair, table with a vase on it, cabinet."""
    return furnished_room()


@pytest.fixture(scope="session")
def synthetic_empty_room() -> SyntheticRoom:
    """The same room without objects."""
    return empty_room()


@pytest.fixture(scope="session")
def synthetic_inputs(synthetic_room: SyntheticRoom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with image.png, plate.png, masks/, boxes.json and camera.json of the synthetic room; read only."""
    return write_inputs(synthetic_room, tmp_path_factory.mktemp("synthetic") / "room").parent


@pytest.fixture(scope="session")
def two_objects(synthetic_inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same folder with the masks of cabinet and table alone: half the time where quality is not the question."""
    folder = tmp_path_factory.mktemp("two") / "room"
    shutil.copytree(synthetic_inputs, folder)
    for name in ("chair-1", "vase-1"):
        (folder / "masks" / f"{name}.png").unlink()
    return folder


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder that `REGEN3D_DATA` names, with `scenes/NAME/image.png` and the truth beside it."""
    root = Path(os.environ["REGEN3D_DATA"])
    assert (root / "scenes").is_dir(), f"REGEN3D_DATA is '{root}', which has no folder 'scenes'"
    return root
