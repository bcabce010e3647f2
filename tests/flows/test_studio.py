"""A whole scene through the profile `studio`, end to end, with tiny random networks and a loopback Gemini.

GroundingDINO, SAM and Hunyuan3D are the real libraries with tiny random weights, Gemini is the real client against a
server on this machine. VGGT and MoGe-2 are on no package registry: stand-ins of their interface answer, so that their
adapters run. What random networks find and make is nonsense; that it becomes a scene, and what is said of it, is not.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from models.editing.gemini_service import USAGE
from models.registry import HUNYUAN_2
from models.weights import FOLDER_VARIABLE
from regen3d.config import PROFILES, SceneRequest
from regen3d.errors import ConfigError, WeightsMissingError
from tasks.work import MODELS
from tests.flows.conftest import FinishedScene, reconstruct
from tests.synthetic.gemini_server import GeminiServer, painter_of, serving
from tests.synthetic.hunyuan import require_hy3dgen, write_checkpoint
from tests.synthetic.room import SyntheticRoom
from tests.synthetic.stand_ins import networks_of
from tests.synthetic.tiny_models import write_grounding_dino, write_sam

OBJECTS = 2
"""Most objects: each costs a shape and an alignment."""


@pytest.fixture(scope="module")
def studio(
    synthetic_room: SyntheticRoom, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[GeminiServer, Path]]:
    """All that the profile needs: libraries, checkpoints, a key, and the service."""
    require_hy3dgen()
    root = tmp_path_factory.mktemp("weights")
    write_grounding_dino(root)
    write_sam(root)
    write_checkpoint(root / HUNYUAN_2.folder_name / "hunyuan3d-dit-v2-0")
    with (
        pytest.MonkeyPatch.context() as patch,
        networks_of(synthetic_room, root),
        serving(painter_of(synthetic_room.plate)) as server,
    ):
        patch.setenv(FOLDER_VARIABLE, str(root))
        patch.setenv("GEMINI_API_KEY", server.key)
        patch.setattr(USAGE, "questions", 0)
        yield server, root
        MODELS.close()


def asked(server: GeminiServer, image: Path, out: Path, **generate: str) -> SceneRequest:
    """The request of a user who says what his machine is."""
    gemini = {"base_url": server.url, "tries": "1", "attempts": "2", "first_wait_s": "0.01"}
    found = {"device": "cpu", "box_threshold": "0", "text_threshold": "0", "max_objects": str(OBJECTS)}
    quick = {"device": "cpu", "steps": "2", "octree": "16", "chunks": "2000", "texture": "projected", "faces": "2000"}
    return SceneRequest(
        image=str(image),
        out=str(out),
        profile="studio",
        allow_noncommercial=True,
        territory="US",
        options={
            "segment": found,
            "plate": gemini,
            "complete": gemini,
            "geometry": {"device": "cpu"},
            "generate": quick | generate,
        },
    )


@pytest.fixture(scope="module")
def scene(
    prefect_server: None,
    studio: tuple[GeminiServer, Path],
    synthetic_inputs: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> FinishedScene:
    out = tmp_path_factory.mktemp("studio")
    return reconstruct(asked(studio[0], synthetic_inputs / "image.png", out))


def test_every_part_of_the_profile_made_its_share(scene: FinishedScene) -> None:
    made = {entry.call.stage: entry.provenance for entry in scene.manifest.stages}
    assert {stage: made[stage].adapter for stage in PROFILES["studio"]} == PROFILES["studio"]
    assert {entry.kind for entry in scene.manifest.objects} == {"hunyuan3d"}
    assert 1 <= len(scene.manifest.objects) <= OBJECTS
    assert made["geometry"].licence == "CC-BY-NC-4.0"
    assert (scene.out / "scene.glb").is_file()


def test_metres_come_from_the_metric_network(scene: FinishedScene, synthetic_room: SyntheticRoom) -> None:
    assert scene.manifest.camera.height_m == pytest.approx(synthetic_room.camera.position[1], rel=0.1)
    assert any("Metres come from MoGe-2" in note for note in scene.manifest.notes)


def test_what_gemini_did_and_cost_is_in_the_record(scene: FinishedScene, studio: tuple[GeminiServer, Path]) -> None:
    spent = [entry.usage for entry in scene.manifest.stages if entry.call.stage in ("plate", "complete")]
    assert sum(usage.get("api_calls", 0) for usage in spent) == len(studio[0].asked)
    # 180 tokens at 0.5 and 1120 at 60 dollars a million.
    assert sum(usage.get("api_usd", 0.0) for usage in spent) == pytest.approx(0.06729 * len(studio[0].asked))
    said = [*scene.manifest.notes, *(note for entry in scene.manifest.objects for note in entry.notes)]
    assert any("gemini-3.1-flash-image" in note for note in said)
    assert any("mirrors the front" in note for note in said)


def test_memory_that_never_suffices_leaves_placeholders(
    scene: FinishedScene, studio: tuple[GeminiServer, Path], tmp_path: Path
) -> None:
    from hy3dgen.shapegen.models.autoencoders.attention_blocks import CrossAttentionDecoder

    def decoder_runs_out(module: torch.nn.Module, _: object) -> None:
        if isinstance(module, CrossAttentionDecoder):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    request = asked(studio[0], Path(scene.request.image), tmp_path, steps="1")
    hook = torch.nn.modules.module.register_module_forward_pre_hook(decoder_runs_out)
    try:
        again = reconstruct(request.model_copy(update={"store": scene.request.store_uri}))
    finally:
        hook.remove()
    assert again.manifest.status == "partial"
    assert {entry.status for entry in again.manifest.objects} == {"placeholder"}
    assert all("It ran out even so" in str(entry.reason) for entry in again.manifest.objects)
    assert (again.out / "scene.glb").is_file()


def test_weights_and_keys_are_missed_before_anything_runs(
    studio: tuple[GeminiServer, Path], synthetic_inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = asked(studio[0], synthetic_inputs / "image.png", tmp_path / "out")
    monkeypatch.delenv("GEMINI_API_KEY")
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="'gemini' for plate needs a key"):
        reconstruct(request)
    monkeypatch.setenv("GEMINI_API_KEY", "a-key")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsMissingError, match="regen3d models fetch grounded-sam"):
        reconstruct(request.model_copy(update={"options": {}}))
    assert not (tmp_path / "out").exists()


def test_a_key_may_come_from_a_secret_of_prefect(
    prefect_server: None, monkeypatch: pytest.MonkeyPatch, scene: FinishedScene
) -> None:
    import os

    from prefect.blocks.system import Secret

    from flows.keys import provide_keys

    monkeypatch.setenv("GEMINI_API_KEY", "")
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    provide_keys({"plate": "gemini"})
    assert not os.environ["GEMINI_API_KEY"]
    Secret(value="kept-by-prefect").save("gemini-api-key")
    provide_keys({"plate": "gemini", "complete": "gemini"})
    assert os.environ["GEMINI_API_KEY"] == "kept-by-prefect"
