"""A library of pictures: what is asked, where each scene goes, and what is done already.

What is done is a record a picture in the store, found by the digest of the picture and of the settings: a renamed or
moved picture is known again, one with new content or other settings is new. New code alone makes nothing new: convert
under another name to make a library again with a newer regen3d.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regen3d.config import SceneRequest
from regen3d.fingerprint import content_digest
from regen3d.manifest import Entry, Manifest
from regen3d.remote import PictureFile, local_inputs
from regen3d.store import Store, digest_of

_PLACES = {"image", "out", "store", "execution", "ray_address"}
"""Fields of a request that have no say in what a scene looks like, or are the picture itself."""

NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
"""What a library may be called: part of keys in the store."""


class LibraryRequest(BaseModel):
    """Many pictures to turn into scenes, and what that may cost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(default="library", pattern=NAME, description="Under which is remembered what is done.")
    scene: SceneRequest = Field(
        description="How a picture is treated; `image` is their folder or s3:// prefix, `out` holds a folder a scene."
    )
    at_once: int = Field(default=4, ge=1, le=1000, description="Scenes under way at the same time.")
    max_scenes: int | None = Field(default=None, ge=0, description="New scenes of this run.")
    max_usd: float | None = Field(default=None, ge=0, description="Cost of paid calls of this run, US dollars.")
    max_gpu_hours: float | None = Field(default=None, ge=0, description="GPU time of this run.")
    most_tries: int = Field(default=3, ge=1, description="A picture that failed as often is left alone.")


class SceneRecord(Entry):
    """What became of one picture."""

    picture: str = Field(description="Path or address.")
    digest: str = Field(description="Of the picture's bytes.")
    out: str = Field(description="The scene's folder.")
    status: Literal["whole", "partial", "failed", "cancelled"] = Field(description="How its last run ended.")
    run: str = Field(description="The flow run that ended so.")
    tries: int = Field(ge=0, description="Runs that failed.")
    reason: str | None = Field(default=None, description="Why it is not whole.")
    objects: int = Field(default=0, description="In the scene.")
    seconds: float = Field(default=0.0, description="From start to manifest.")
    gpu_seconds: float = Field(default=0.0, description="GPU time of what was computed.")
    api_usd: float = Field(default=0.0, description="Cost of paid calls of what was computed, US dollars.")

    @property
    def is_done(self) -> bool:
        """Whether there is a scene."""
        return self.status in ("whole", "partial")


def scene_requests(request: LibraryRequest, pictures: Sequence[PictureFile]) -> tuple[SceneRequest, ...]:
    """One request a picture; folders follow the names of the pictures, with the ending where two would be alike."""
    stems = Counter(PurePosixPath(picture.name).with_suffix("").as_posix().lower() for picture in pictures)
    requests = []
    for picture in pictures:
        pure = PurePosixPath(picture.name)
        stem = pure.with_suffix("")
        if stems[stem.as_posix().lower()] > 1:
            stem = stem.with_name(f"{pure.stem}-{pure.suffix.lstrip('.')}")
        out = f"{request.scene.out.rstrip('/')}/{stem.as_posix()}"
        changes = {"image": picture.uri, "out": out, "store": request.scene.store_uri}
        requests.append(request.scene.model_copy(update=changes))
    return tuple(requests)


def picture_digest(store: Store, request: LibraryRequest, picture: PictureFile, scene: SceneRequest) -> str:
    """Digest of a picture's bytes; read only where its name or stamp is new.

    Raises:
        UnreadableImageError: it is gone.
        StoreUnavailableError: the object store did not answer.
    """
    key = f"libraries/{request.name}/seen/{digest_of([picture.uri, picture.stamp])}"
    known = store.get_record(key)
    if known is not None and isinstance(known.get("digest"), str):
        return known["digest"]
    with local_inputs(scene) as local:
        digest = str(content_digest(local.image))
    store.put_record(key, {"digest": digest, "picture": picture.uri})
    return digest


def record_key(request: LibraryRequest, digest: str, copy: str | None = None) -> str:
    """Key of what is known of a picture under the settings of a library; `copy` names one that another is equal to."""
    settings = request.scene.model_dump(mode="json", exclude=_PLACES)
    return f"libraries/{request.name}/{digest_of([digest, settings, *([copy] if copy else [])])}"


def find_record(store: Store, key: str) -> SceneRecord | None:
    """What became of a picture; None where nothing is known, or another version wrote it."""
    document = store.get_record(key)
    try:
        return None if document is None else SceneRecord.model_validate(document)
    except ValidationError:
        return None


def spent(manifest: Manifest) -> dict[str, float]:
    """What a run itself cost, by kind: `gpu_seconds`, `cpu_seconds`, `api_calls`, `api_usd`; reused calls are free."""
    total: Counter[str] = Counter()
    for entry in manifest.stages:
        if not entry.reused:
            total.update(entry.usage)
    return dict(total)
