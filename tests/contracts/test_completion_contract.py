"""What every completion editor promises; another one supplies one fixture and inherits the suite."""

from collections.abc import Iterator

import numpy as np
import pytest

from models.base import CompleteRequest, CompletionEditor
from models.editing.complete_embedded import EmbeddedCompletion
from models.editing.complete_visible import VisiblePart
from models.editing.diffusion import DiffusionEditor, DiffusionOptions
from models.editing.gemini import GeminiEditor
from models.editing.gemini_service import GeminiOptions
from models.weights import FOLDER_VARIABLE
from regen3d.types import Completion
from tests.synthetic.gemini_server import painter_of, serving
from tests.synthetic.room import SyntheticRoom
from tests.synthetic.tiny_editors import write_klein

NAMES = ("cabinet-1", "chair-1", "table-1", "vase-1")


@pytest.fixture(scope="module")
def requests(synthetic_room: SyntheticRoom) -> list[CompleteRequest]:
    return [CompleteRequest(view=synthetic_room.view(name)) for name in NAMES]


class CompletionContract:
    """Inherit, and give a class fixture `editor`: a new one, not loaded."""

    @pytest.fixture(scope="class")
    @classmethod
    def completions(cls, editor: CompletionEditor, requests: list[CompleteRequest]) -> list[Completion]:
        editor.load()
        made = editor.complete(requests)
        editor.close()
        return made

    def test_is_an_editor(self, editor: CompletionEditor) -> None:
        assert isinstance(editor, CompletionEditor)

    def test_answers_each_request_in_order(
        self, completions: list[Completion], requests: list[CompleteRequest]
    ) -> None:
        assert len(completions) == len(requests)

    def test_no_request_no_answer(self, editor: CompletionEditor) -> None:
        assert editor.complete([]) == []

    def test_the_amodal_mask_holds_the_visible_one(
        self, completions: list[Completion], requests: list[CompleteRequest]
    ) -> None:
        for completion, request in zip(completions, requests, strict=True):
            x, y = completion.origin_xy
            rows, columns = np.nonzero(request.view.instance.mask)
            assert (completion.picture[rows - y, columns - x, 3] > 127).all()

    def test_alpha_is_all_or_nothing(self, completions: list[Completion]) -> None:
        for completion in completions:
            assert set(np.unique(completion.picture[..., 3])) <= {0, 255}

    def test_same_seed_same_picture(
        self, editor: CompletionEditor, completions: list[Completion], requests: list[CompleteRequest]
    ) -> None:
        again = editor.complete(requests[:1])[0]
        assert np.array_equal(again.picture, completions[0].picture)


class TestEmbedded(CompletionContract):
    @pytest.fixture(scope="class")
    @classmethod
    def editor(cls) -> CompletionEditor:
        return EmbeddedCompletion()

    def test_hands_its_box_on(self, completions: list[Completion]) -> None:
        assert all(completion.box is not None and completion.box.iou > 0.5 for completion in completions)


class TestVisiblePart(CompletionContract):
    @pytest.fixture(scope="class")
    @classmethod
    def editor(cls) -> CompletionEditor:
        return VisiblePart()

    def test_adds_nothing(self, completions: list[Completion], requests: list[CompleteRequest]) -> None:
        for completion, request in zip(completions, requests, strict=True):
            assert np.count_nonzero(completion.picture[..., 3]) == np.count_nonzero(request.view.instance.mask)
            assert completion.box is None


class TestGemini(CompletionContract):
    """The real client against a server on this machine that draws what is seen."""

    @pytest.fixture(scope="class")
    @classmethod
    def editor(cls, synthetic_room: SyntheticRoom) -> Iterator[CompletionEditor]:
        with serving(painter_of(synthetic_room.plate)) as server, pytest.MonkeyPatch.context() as patch:
            patch.setenv("GEMINI_API_KEY", server.key)
            yield GeminiEditor(GeminiOptions(base_url=server.url))

    def test_says_how_it_was_asked(self, completions: list[Completion]) -> None:
        assert all("completed it from the application query, try 1" in item.notes[0] for item in completions)


class TestDiffusion(CompletionContract):
    """The real pipeline with tiny random weights, whose nonsense is refused: the embedded completion answers."""

    @pytest.fixture(scope="class")
    @classmethod
    def editor(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompletionEditor]:
        root = tmp_path_factory.mktemp("weights")
        write_klein(root)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(FOLDER_VARIABLE, str(root))
            yield DiffusionEditor(DiffusionOptions(device="cpu", steps=1, megapixels=0.01, tries=1))

    def test_says_that_its_answers_were_refused(self, completions: list[Completion]) -> None:
        for item in completions:
            assert "no answer of FLUX.2 klein could be used" in item.notes[0]
            assert item.notes[1].startswith("refused answers: ")
