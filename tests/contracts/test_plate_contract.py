"""What every editor that empties rooms must keep."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest

from models.base import Plate, PlateEditor, PlateRequest
from models.editing.diffusion import DiffusionEditor, DiffusionOptions
from models.editing.gemini import GeminiEditor
from models.editing.gemini_service import GeminiOptions
from models.editing.plate_embedded import EmbeddedPlate
from models.weights import FOLDER_VARIABLE
from tests.synthetic.gemini_server import painter_of, serving
from tests.synthetic.room import SyntheticRoom
from tests.synthetic.tiny_editors import write_klein

Made = AbstractContextManager[PlateEditor]


@contextmanager
def embedded(room: SyntheticRoom, root: Path) -> Iterator[PlateEditor]:
    yield EmbeddedPlate()


@contextmanager
def gemini(room: SyntheticRoom, root: Path) -> Iterator[PlateEditor]:
    """The real client against a server on this machine that shows the true empty room."""
    with serving(painter_of(room.plate)) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEMINI_API_KEY", server.key)
        yield GeminiEditor(GeminiOptions(base_url=server.url))


@contextmanager
def diffusion(room: SyntheticRoom, root: Path) -> Iterator[PlateEditor]:
    """The real pipeline with tiny random weights, whose nonsense is refused: the embedded plate answers."""
    write_klein(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(root))
        yield DiffusionEditor(DiffusionOptions(device="cpu", steps=1, megapixels=0.01, tries=1))


@pytest.fixture(scope="module", params=[embedded, gemini, diffusion])
def made_by(request: pytest.FixtureRequest) -> Callable[[SyntheticRoom, Path], Made]:
    return request.param


@pytest.fixture(scope="module")
def editor(
    made_by: Callable[[SyntheticRoom, Path], Made],
    synthetic_room: SyntheticRoom,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[PlateEditor]:
    with made_by(synthetic_room, tmp_path_factory.mktemp("weights")) as model:
        model.load()
        yield model
        model.close()


@pytest.fixture(scope="module")
def request_of_room(synthetic_room: SyntheticRoom) -> PlateRequest:
    return PlateRequest(image=synthetic_room.image, objects=tuple(item.mask for item in synthetic_room.instances))


@pytest.fixture(scope="module")
def answer(editor: PlateEditor, request_of_room: PlateRequest) -> Plate:
    return editor.empty_room([request_of_room])[0]


def test_it_is_a_plate_editor(editor: PlateEditor) -> None:
    assert isinstance(editor, PlateEditor)
    assert editor.empty_room([]) == []


def test_only_what_is_filled_differs(answer: Plate, request_of_room: PlateRequest) -> None:
    assert answer.image.shape == request_of_room.image.shape
    np.testing.assert_array_equal(answer.image[~answer.filled], request_of_room.image[~answer.filled])


def test_every_object_is_filled(answer: Plate, request_of_room: PlateRequest) -> None:
    assert (np.any(request_of_room.objects, axis=0) <= answer.filled).all()
    assert answer.filled.mean() < 0.9


def test_the_objects_are_gone(answer: Plate, request_of_room: PlateRequest, synthetic_room: SyntheticRoom) -> None:
    hole = np.any(request_of_room.objects, axis=0)
    truth = synthetic_room.plate.astype(float)
    left = np.abs(answer.image - truth)[hole].mean()
    assert left < 0.5 * np.abs(request_of_room.image - truth)[hole].mean()


def test_camera_and_layout_come_together(answer: Plate) -> None:
    assert (answer.camera is None) == (answer.layout is None)
    if answer.camera is not None:
        assert answer.camera.hw == answer.image.shape[:2]


def test_an_empty_room_stays_as_it_is(editor: PlateEditor, synthetic_empty_room: SyntheticRoom) -> None:
    plate = editor.empty_room([PlateRequest(image=synthetic_empty_room.image, objects=())])[0]
    np.testing.assert_array_equal(plate.image, synthetic_empty_room.image)
    assert not plate.filled.any()


def test_the_same_seed_gives_the_same_plate(editor: PlateEditor, request_of_room: PlateRequest, answer: Plate) -> None:
    np.testing.assert_array_equal(editor.empty_room([request_of_room])[0].image, answer.image)


def test_who_emptied_it_is_said(answer: Plate, made_by: Callable[[SyntheticRoom, Path], Made]) -> None:
    said = {
        gemini: "gemini-3.1-flash-image emptied the room, try 1",
        diffusion: "no answer of FLUX.2 klein could be used",
    }
    assert said.get(made_by, "") in " ".join(answer.notes)
