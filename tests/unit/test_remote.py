"""Inputs in buckets: listed, fetched, uploaded; a folder behaves the same."""

import uuid
from pathlib import Path

import pytest

from regen3d.config import SceneRequest
from regen3d.errors import ConfigError, UnreadableImageError
from regen3d.fingerprint import content_digest
from regen3d.remote import is_remote, list_pictures, local_file, local_inputs, uploaded_inputs
from regen3d.store import Store

NAMES = ("hall.png", "deep/er/Küche 2.JPG", "deep/.hidden.png", ".trash/old.png", "notes.txt")


@pytest.fixture(params=["folder", "bucket"])
def pictures(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Two pictures among other things; `bucket` stands on the memory of this process."""
    root = f"memory://{uuid.uuid4().hex}" if request.param == "bucket" else str(tmp_path / "pictures")
    for name in NAMES:
        if request.param == "bucket":
            Store(root)._files.write(f"art/{name}", name.encode())
        else:
            path = tmp_path / "pictures" / "art" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
    return f"{root}/art"


def test_pictures_are_found_by_their_names_and_can_be_fetched(pictures: str) -> None:
    found = list_pictures(pictures)
    assert [picture.name for picture in found] == ["deep/er/Küche 2.JPG", "hall.png"]
    for picture in found:
        with local_file(picture.uri) as path:
            assert path.read_text() == picture.name
            assert path.name == Path(picture.name).name
    assert [each.stamp for each in list_pictures(pictures)] == [each.stamp for each in found]


def test_a_place_without_pictures_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        list_pictures(str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match="holds no pictures"):
        list_pictures(str(tmp_path))
    with pytest.raises(ConfigError, match="begins with s3://"):
        is_remote("ftp://host/picture.png")


def test_what_is_uploaded_comes_back_as_it_was_and_goes_with_the_block(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "chair-1.png").write_bytes(b"chair")
    (tmp_path / "my room.png").write_bytes(b"room")
    (tmp_path / "chair.glb").write_bytes(b"mesh")
    store = Store(f"memory://{uuid.uuid4().hex}")
    asked = SceneRequest(
        image=str(tmp_path / "my room.png"),
        out="out",
        masks=str(tmp_path / "masks"),
        meshes={"chair-1": str(tmp_path / "chair.glb")},
    )
    sent = uploaded_inputs(asked, store)
    assert sent.name == asked.name == "my room"
    assert all(is_remote(str(location)) for location in (sent.image, sent.masks, sent.meshes["chair-1"]))
    # The same again is the same address, and an address stays as it is.
    assert uploaded_inputs(asked, store) == sent == uploaded_inputs(sent, store)
    with local_inputs(sent) as local:
        for before, after in ((asked.image, local.image), (asked.masks, local.masks)):
            assert content_digest(after) == content_digest(before) or Path(str(after)).is_dir()
        assert (Path(str(local.masks)) / "chair-1.png").read_bytes() == b"chair"
        assert Path(local.meshes["chair-1"]).read_bytes() == b"mesh"
        fetched = Path(local.image)
    assert not fetched.exists()


@pytest.mark.parametrize("address", ["memory://bucket", "memory://bucket/../x.png", "memory://bucket/nothing.png"])
def test_an_address_that_leads_nowhere_is_the_users_mistake(address: str) -> None:
    with (
        pytest.raises((UnreadableImageError, ConfigError)),
        local_inputs(SceneRequest(image=address, out="out")),
    ):
        pass
