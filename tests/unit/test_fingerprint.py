"""Results are reused exactly when nothing that they depend on has changed."""

import json
from pathlib import Path

import cv2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regen3d import fingerprint
from regen3d.config import OBJECT_STAGES, STAGES, SceneRequest
from regen3d.errors import ConfigError, InputError
from regen3d.fingerprint import code_version, derive_seed, key_of, run_key
from regen3d.manifest import StageCall
from regen3d.store import Ref

REF, OTHER = Ref(digest="ab" * 32, suffix=".json", size=7), Ref(digest="cd" * 32, suffix=".json", size=7)
CALL = StageCall(
    stage="align", object="chair-1", adapter="a", inputs={"view": REF}, params={"support": "floor"}, seed=1
)


@pytest.fixture
def given_files(tmp_path: Path) -> dict[str, str]:
    """One of everything that a user may hand over."""
    files = {
        name: tmp_path / name
        for name in ("image.png", "boxes.json", "camera.json", "plate.png", "points.npz", "chair.glb")
    }
    for path in files.values():
        path.write_bytes(path.name.encode())
    masks = tmp_path / "masks"
    masks.mkdir()
    (masks / "chair-1.png").write_bytes(b"one")
    (masks / "chair-2.png").write_bytes(b"two")
    return {path.stem: str(path) for path in files.values()} | {"masks": str(masks)}


def request_for(files: dict[str, str], **changes: object) -> SceneRequest:
    document = {name: files[name] for name in ("image", "boxes", "masks", "camera", "plate", "points")}
    document |= {"out": "out", "meshes": {"chair-1": files["chair"]}, "labels": ("chair",)}
    return SceneRequest.model_validate({**document, **changes})


def test_asking_twice_is_asking_the_same(given_files: dict[str, str]) -> None:
    assert run_key(request_for(given_files)) == run_key(request_for(given_files))


@pytest.mark.parametrize("name", ["image", "boxes", "camera", "plate", "points", "chair"])
def test_every_byte_of_every_file_counts(given_files: dict[str, str], name: str) -> None:
    before = run_key(request_for(given_files))
    path = Path(given_files[name])
    content = path.read_bytes()
    for changed in (content + b"\0", content[:-1], bytes([content[0] ^ 1]) + content[1:]):
        path.write_bytes(changed)
        assert run_key(request_for(given_files)) != before
    path.write_bytes(content)
    assert run_key(request_for(given_files)) == before


def test_every_mask_and_its_name_count(given_files: dict[str, str]) -> None:
    folder = Path(given_files["masks"])
    keys = [run_key(request_for(given_files))]
    (folder / "chair-2.png").write_bytes(b"three")
    keys.append(run_key(request_for(given_files)))
    (folder / "chair-2.png").rename(folder / "chair-3.png")
    keys.append(run_key(request_for(given_files)))
    (folder / "chair-3.png").unlink()
    keys.append(run_key(request_for(given_files)))
    assert len(set(keys)) == 4


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"labels": ("chair", "table")},
        {"labels": ()},
        {"boxes": None},
        {"masks": None},
        {"camera": None},
        {"plate": None},
        {"points": None},
        {"align": {"pose": "free"}},
        {"meshes": {}},
        {"overrides": {"segment": "other"}},
    ],
    ids=str,
)
def test_every_decision_counts(given_files: dict[str, str], change: dict) -> None:
    assert run_key(request_for(given_files, **change)) != run_key(request_for(given_files))


@pytest.mark.parametrize("change", [{"out": "elsewhere"}, {"store": "s3://bucket/x"}], ids=str)
def test_where_things_are_kept_does_not_count(given_files: dict[str, str], change: dict) -> None:
    assert run_key(request_for(given_files, **change)) == run_key(request_for(given_files))


def test_an_override_by_the_same_adapter_changes_nothing(given_files: dict[str, str]) -> None:
    same = request_for(given_files, overrides={"segment": "embedded"})
    assert run_key(same) == run_key(request_for(given_files))


def test_a_mesh_counts_for_the_object_it_is_of(given_files: dict[str, str]) -> None:
    other = request_for(given_files, meshes={"chair-2": given_files["chair"]})
    assert run_key(other) != run_key(request_for(given_files))


def test_the_scene_is_named_after_its_picture(given_files: dict[str, str], tmp_path: Path) -> None:
    before = run_key(request_for(given_files))
    elsewhere = tmp_path / "elsewhere" / "image.png"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(Path(given_files["image"]).read_bytes())
    assert run_key(request_for(given_files, image=str(elsewhere))) == before
    renamed = elsewhere.rename(elsewhere.with_name("kitchen.png"))
    assert run_key(request_for(given_files, image=str(renamed))) != before


@pytest.mark.parametrize("name", ["image", "boxes", "masks", "camera", "plate", "points"])
def test_a_missing_file_is_named(given_files: dict[str, str], name: str) -> None:
    with pytest.raises(InputError, match=r"no-such-file.*check the path"):
        run_key(request_for(given_files, **{name: "no-such-file"}))


def test_unknown_profiles_have_no_key(given_files: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="best"):
        run_key(request_for(given_files, profile="best"))


@pytest.mark.parametrize(
    "change",
    [
        {"stage": "generate"},
        {"object": "chair-2"},
        {"object": None},
        {"adapter": "b"},
        {"inputs": {"view": OTHER}},
        {"inputs": {"other": REF}},
        {"inputs": {"view": REF, "more": OTHER}},
        {"params": {"support": "wall"}},
        {"params": {}},
        {"seed": 2},
    ],
    ids=str,
)
def test_key_depends_on_everything_in_the_call(change: dict) -> None:
    assert key_of(CALL.model_copy(update=change), "1") != key_of(CALL, "1")


def test_key_depends_on_the_revision_and_not_on_order() -> None:
    assert key_of(CALL, "2") != key_of(CALL, "1")
    both = CALL.with_inputs(mesh=OTHER)
    assert key_of(both.model_copy(update={"inputs": {"mesh": OTHER, "view": REF}}), "1") == key_of(both, "1")


def test_key_survives_the_way_through_a_manifest() -> None:
    again = StageCall.model_validate(json.loads(CALL.model_dump_json()))
    assert key_of(again, "1") == key_of(CALL, "1")


@pytest.fixture
def own_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree of one line a file, in which every path of `STAGE_CODE` exists."""
    for root in {root for roots in fingerprint.STAGE_CODE.values() for root in roots} | set(fingerprint._SHARED):
        path = tmp_path / (root if root.endswith(".py") else f"{root}/code.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {root}\n", encoding="utf-8")
    monkeypatch.setattr(fingerprint, "_ROOT", tmp_path)
    code_version.cache_clear()
    yield tmp_path
    code_version.cache_clear()


def versions() -> dict[str, str]:
    code_version.cache_clear()
    return {stage: code_version(stage) for stage in STAGES}


def changed_by(path: Path) -> set[str]:
    before = versions()
    path.write_text(path.read_text(encoding="utf-8") + "# more\n", encoding="utf-8")
    after = versions()
    return {stage for stage in STAGES if after[stage] != before[stage]}


def test_a_change_of_code_makes_only_the_stages_stale_that_run_it(own_source: Path) -> None:
    assert changed_by(own_source / "models/segmentation/code.py") == {"segment"}
    assert changed_by(own_source / "regen3d/align/code.py") >= {"align", "isolate"}
    assert "segment" not in changed_by(own_source / "regen3d/align/code.py")
    assert changed_by(own_source / "regen3d/room/code.py") >= {"plate", "geometry", "room"}
    assert changed_by(own_source / "regen3d/types.py") == set(STAGES)


def test_new_and_renamed_files_are_changes_and_other_files_are_not(own_source: Path) -> None:
    before = versions()
    folder = own_source / "models" / "segmentation"
    (folder / "README.md").write_text("words", encoding="utf-8")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "code.cpython-311.pyc").write_bytes(b"\0")
    assert versions() == before
    (folder / "new.py").write_text("", encoding="utf-8")
    added = versions()
    assert added["segment"] != before["segment"]
    (folder / "new.py").rename(folder / "newer.py")
    assert versions()["segment"] not in {added["segment"], before["segment"]}


def test_every_stage_has_its_code() -> None:
    assert set(fingerprint.STAGE_CODE) == set(STAGES)
    for roots in fingerprint.STAGE_CODE.values():
        for root in (*roots, *fingerprint._SHARED):
            assert (fingerprint._ROOT / root).exists(), root


@given(st.integers(0, 2**40), st.sampled_from(STAGES), st.sampled_from(["chair-1", "chair-2", None]))
def test_seeds_are_derived_and_independent(seed: int, stage: str, name: str | None) -> None:
    derived = derive_seed(seed, stage, name)
    assert derived == derive_seed(seed, stage, name)
    # OpenCV takes a C int and refuses more.
    assert 0 <= derived < 2**31
    assert derived != derive_seed(seed + 1, stage, name)
    assert derived != derive_seed(seed, stage, "another")


def test_opencv_takes_every_derived_seed() -> None:
    for seed in range(50):
        cv2.setRNGSeed(derive_seed(seed, "segment", None))


def test_no_two_calls_of_a_scene_share_a_seed() -> None:
    names = [None, *(f"chair-{k}" for k in range(20))]
    seeds = [derive_seed(0, stage, name) for stage in OBJECT_STAGES for name in names]
    assert len(set(seeds)) == len(seeds)
