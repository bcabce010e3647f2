"""Digests that decide whether a result can be reused: of the code of a stage, of a call, of a whole run.

Reads source files by name and imports nothing but the store, so that a finished scene is recognised in milliseconds.
"""

import functools
import hashlib
from pathlib import Path

import regen3d
from regen3d.config import SceneRequest, adapters_of
from regen3d.errors import UnreadableImageError
from regen3d.manifest import StageCall
from regen3d.store import digest_of

_ROOT = Path(regen3d.__file__).parent.parent

_SHARED = ("regen3d/types.py", "regen3d/frames.py", "regen3d/codec.py", "models/base.py")

_ROOM = ("regen3d/room",)
_NETWORK = ("models/devices.py", "models/reading.py", "models/weights.py")
_FIT = ("regen3d/align", "regen3d/render")
_EDITING = ("models/editing", *_NETWORK, "models/assets", "regen3d/meshes", "regen3d/query", *_ROOM, *_FIT)
_ASSEMBLY = (*_FIT, *_ROOM, "regen3d/light", "tasks/assemble.py", "tasks/placeholder.py")
_FILES = (*_ASSEMBLY, "regen3d/__init__.py", "regen3d/export")

STAGE_CODE: dict[str, tuple[str, ...]] = {
    "segment": (
        "models/segmentation",
        *_NETWORK,
        *_ROOM,
        "regen3d/align/rim.py",
        "regen3d/inputs",
        "tasks/segment.py",
    ),
    "plate": (*_EDITING, "tasks/plate.py"),
    "geometry": ("models/geometry", "models/assets", "regen3d/inputs", *_NETWORK, *_ROOM, *_FIT, "tasks/geometry.py"),
    "room": (*_ROOM, "tasks/room.py"),
    "isolate": ("regen3d/align", *_ROOM, "tasks/isolate.py"),
    "complete": (*_EDITING, "tasks/complete.py"),
    "generate": ("models/assets", *_NETWORK, "regen3d/inputs", "regen3d/meshes", *_FIT, "tasks/generate.py"),
    "align": (*_FIT, *_ROOM, "models/assets/primitives.py", "models/assets/sizes.py", "tasks/align.py"),
    "walls": (*_FIT, *_ROOM, "tasks/walls.py"),
    "assemble": _ASSEMBLY,
    "export": (*_FILES, "regen3d/meshes", "regen3d/metrics", "tasks/export.py"),
    "report": (*_FILES, "regen3d/viewer", "tasks/report.py"),
}
"""Stage -> files and folders whose source decides its result: a change there makes old results stale."""


@functools.cache
def code_version(stage: str) -> str:
    """Digest of the source that a stage runs."""
    return source_digest((*STAGE_CODE[stage], *_SHARED))


def key_of(call: StageCall, revision: str) -> str:
    """Digest of everything that a call's result depends on: code, model revision, inputs, options, seed."""
    inputs = {name: ref.digest for name, ref in call.inputs.items()}
    facts = call.model_dump(mode="json", exclude={"inputs"})
    return digest_of({**facts, "inputs": inputs, "code": code_version(call.stage), "revision": revision})


_OUTSIDE = {
    "out",
    "store",
    "execution",
    "ray_address",
    "overrides",
    "profile",
    "allow_noncommercial",
    "territory",
    "pause_after",
}
"""Fields of a request that change no value of the scene, or that are counted otherwise."""


def run_key(request: SceneRequest) -> str:
    """Digest of a whole run: the bytes of every file that the user gave, every decision, and all the code.

    Raises:
        UnreadableImageError: a file that the request names is missing.
    """
    facts = request.model_dump(mode="json", exclude=_OUTSIDE)
    for name in ("image", "boxes", "masks", "camera", "plate", "points"):
        facts[name] = content_digest(facts[name])
    facts["image_name"] = Path(request.image).name
    facts["meshes"] = {name: content_digest(path) for name, path in request.meshes.items()}
    facts["adapters"] = adapters_of(request.profile, request.overrides)
    facts["profile"] = request.profile
    facts["code"] = source_digest(("regen3d", "models", "tasks", "flows"))
    return digest_of(facts)


def derive_seed(seed: int, stage: str, name: str | None) -> int:
    """Seed of one call, independent between stages and objects."""
    # 31 bits: OpenCV takes a C int.
    return int(digest_of([seed, stage, name or ""])[:8], 16) >> 1


def content_digest(path: str | None) -> str | None:
    """Digest of the bytes and names of a file, or of all files below a folder; None for no path.

    Raises:
        UnreadableImageError: a file is missing, or cannot be read.
    """
    if path is None:
        return None
    folder = Path(path)
    files = sorted(folder.rglob("*")) if folder.is_dir() else [folder]
    state = hashlib.sha256()
    for file in files:
        # Folders of masks are read without their hidden files.
        if file.is_dir() or (file != folder and file.name.startswith(".")):
            continue
        try:
            content = hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError as error:
            raise UnreadableImageError(f"cannot read '{file}': {error.strerror}; check the path") from error
        state.update(f"{file.relative_to(folder).as_posix()}\0{content}\0".encode())
    return state.hexdigest()


def source_digest(roots: tuple[str, ...]) -> str:
    """Digest of the source files at and below paths of this project."""
    state = hashlib.sha256()
    for root in sorted(set(roots)):
        path = _ROOT / root
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            # Weights are too large to read each time; the list of their digests stands for them.
            if file.suffix in {".py", ".j2", ".js", ".css"} or file.name == "SHA256SUMS":
                state.update(file.relative_to(_ROOT).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return state.hexdigest()
