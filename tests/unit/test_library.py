"""What a library remembers: folders for scenes, digests of pictures, records of what is done, and its budget."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from flows.library import _Ledger, _next
from regen3d.config import SceneRequest
from regen3d.library import LibraryRequest, SceneRecord, find_record, picture_digest, record_key, scene_requests
from regen3d.remote import PictureFile, list_pictures
from regen3d.store import Store


def request_for(folder: Path, **changes: object) -> LibraryRequest:
    scene = SceneRequest(image=str(folder), out="/scenes", store=str(folder / "store"))
    return LibraryRequest.model_validate({"name": "art", "scene": scene, **changes})


def picture(name: str) -> PictureFile:
    return PictureFile(uri=f"s3://art/{name}", name=name, stamp="1")


def record(**changes: object) -> SceneRecord:
    base = {"picture": "a.png", "digest": "d", "out": "/scenes/a", "status": "whole", "run": "r", "tries": 0}
    return SceneRecord.model_validate({**base, **changes})


def test_every_picture_has_a_folder_of_its_own(tmp_path: Path) -> None:
    names = ["hall.png", "hall.jpg", "deep/hall.png", "Deep/Hall.webp", "a.b.png"]
    scenes = scene_requests(request_for(tmp_path), [picture(name) for name in names])
    folders = [scene.out for scene in scenes]
    assert folders[0] == "/scenes/hall-png"
    assert folders[1] == "/scenes/hall-jpg"
    assert folders[4] == "/scenes/a.b"
    # Some file systems do not tell case.
    assert len({folder.lower() for folder in folders}) == len(names)
    assert {scene.store for scene in scenes} == {str(tmp_path / "store")}


def test_a_picture_is_known_by_what_it_holds(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "hall.png").write_bytes(b"one")
    (folder / "kitchen.png").write_bytes(b"one")
    request, store = request_for(folder), Store(str(tmp_path / "store"))

    def digests() -> list[str]:
        pictures = list_pictures(str(folder))
        scenes = scene_requests(request, pictures)
        return [picture_digest(store, request, *each) for each in zip(pictures, scenes, strict=True)]

    first = digests()
    assert first[0] == first[1]
    # The second time nothing is read: what the store has seen is believed as long as the stamp is the same.
    seen = next(file for file in store.walk("libraries/art/seen"))
    store.put_record(seen.path.removesuffix(".json"), {"digest": "0" * 64})
    assert "0" * 64 in digests()
    (folder / "hall.png").write_bytes(b"another")
    assert digests()[0] not in (first[0], "0" * 64)


def test_copies_of_a_picture_have_a_run_and_a_record_each_which_the_next_night_knows(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    (folder / "deep").mkdir(parents=True)
    for name in ("hall.png", "kitchen.png", "deep/hall.png"):
        (folder / name).write_bytes(b"one")
    request, store = request_for(folder), Store(str(tmp_path / "store"))
    pictures = list_pictures(str(folder))
    items = list(zip(pictures, scene_requests(request, pictures), strict=True))
    ledger = _Ledger(request=request)
    found = [_next(store, ledger, item) for item in items]
    new = [picture for picture in found if picture is not None]
    assert len({picture.key for picture in new}) == 3
    assert {picture.digest for picture in new} == {new[0].digest}
    for picture in new:
        done = record(picture=picture.file.uri, digest=picture.digest, out=picture.scene.out)
        store.put_record(picture.key, done.model_dump(mode="json"))
    tomorrow = _Ledger(request=request)
    assert [_next(store, tomorrow, item) for item in items] == [None, None, None]
    assert [known.out for known in tomorrow.done_before] == [scene.out for _, scene in items]


def test_a_copy_that_comes_later_has_a_scene_of_its_own_wherever_it_is_listed(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "hall.png").write_bytes(b"one")
    request, store = request_for(folder), Store(str(tmp_path / "store"))

    def night() -> tuple[list[str], list[str]]:
        """Names of the pictures that need a scene, which is made, and folders of the others."""
        pictures = list_pictures(str(folder))
        ledger = _Ledger(request=request, listed=frozenset(picture.uri for picture in pictures))
        found = [_next(store, ledger, item) for item in zip(pictures, scene_requests(request, pictures), strict=True)]
        new = [picture for picture in found if picture is not None]
        for picture in new:
            done = record(picture=picture.file.uri, digest=picture.digest, out=picture.scene.out)
            store.put_record(picture.key, done.model_dump(mode="json"))
        return [picture.file.name for picture in new], [known.out for known in ledger.done_before]

    assert night() == (["hall.png"], [])
    (folder / "another.png").write_bytes(b"one")
    assert night() == (["another.png"], ["/scenes/hall"])
    assert night() == ([], ["/scenes/another", "/scenes/hall"])
    # The one that had it first goes: the other is what it was.
    (folder / "hall.png").unlink()
    assert night()[0] == []


def test_other_settings_are_another_scene_but_another_place_is_not(tmp_path: Path) -> None:
    request = request_for(tmp_path)
    key = record_key(request, "digest")
    moved = request.scene.model_copy(update={"image": "/elsewhere", "out": "/other", "execution": "ray"})
    assert record_key(request.model_copy(update={"scene": moved, "at_once": 9}), "digest") == key
    reseeded = request.scene.model_copy(update={"seed": 5})
    assert record_key(request.model_copy(update={"scene": reseeded}), "digest") != key
    assert record_key(request, "other digest") != key


def test_a_record_comes_back_and_one_of_another_version_is_none(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.put_record("libraries/art/x", record().model_dump(mode="json"))
    assert find_record(store, "libraries/art/x") == record()
    store.put_record("libraries/art/y", {"status": "lovely"})
    assert find_record(store, "libraries/art/y") is None
    assert find_record(store, "libraries/art/z") is None


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a b", "x" * 65])
def test_a_library_cannot_be_called_what_is_no_key(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        request_for(tmp_path, name=name)


@pytest.mark.parametrize(
    ("limits", "made", "under_way", "may"),
    [
        ({}, 100, 10, True),
        ({"max_scenes": 100}, 100, 0, False),
        ({"max_scenes": 101}, 100, 0, True),
        ({"max_usd": 0.0}, 0, 0, False),
        ({"max_usd": 12.6}, 100, 0, True),
        ({"max_usd": 12.5}, 100, 0, False),
        # Those under way will cost what the others did.
        ({"max_usd": 12.6}, 100, 1, False),
        ({"max_usd": 12.7}, 100, 1, True),
        ({"max_gpu_hours": 1.0}, 90, 0, True),
        ({"max_gpu_hours": 1.0}, 100, 0, False),
    ],
)
def test_no_scene_starts_beyond_the_budget(tmp_path: Path, limits: dict, made: int, under_way: int, may: bool) -> None:
    ledger = _Ledger(request=request_for(tmp_path, **limits), started=made)
    ledger.made += [record(api_usd=0.125, gpu_seconds=36.0)] * made
    assert ledger.may_start(under_way) is may
