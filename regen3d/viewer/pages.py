"""What `regen3d view` answers: the viewer, and the files of the scene that its manifest lists."""

import mimetypes
from pathlib import Path, PurePosixPath

from regen3d.errors import ConfigError
from regen3d.manifest import Manifest
from regen3d.serving.server import Handler, Request, Response
from regen3d.store import Store
from regen3d.viewer.page import view_page

_TYPES = {".glb": "model/gltf-binary", ".usdz": "model/vnd.usdz+zip", ".usd": "application/octet-stream"}


def viewer_pages(manifest: Manifest, folder: Path, store: Store) -> Handler:
    """The pages of one scene.

    Args:
        manifest: the scene.
        folder: where its files are; those that the manifest does not list are not served.
        store: holds the picture.

    Raises:
        ConfigError: the scene has no GLB file.
    """
    if "scene.glb" not in manifest.exports:
        why = manifest.missing_formats.get("glb", "it was not written")
        raise ConfigError(f"the scene has no scene.glb, which the viewer shows ({why}): run the scene again")
    page = view_page(manifest, photo="photo.png", glb="scene.glb").encode()

    def answer(request: Request) -> Response | None:
        if request.path == "":
            return Response(body=page, type="text/html; charset=utf-8")
        if request.path == "photo.png":
            return Response(body=photo_png(store, manifest), type="image/png")
        if request.path not in manifest.exports:
            return None
        return Response(body=_content(request.path, manifest, folder, store), type=media_type(request.path))

    return answer


def photo_png(store: Store, manifest: Manifest) -> bytes:
    """The working picture as a PNG file."""
    import numpy as np

    from regen3d import codec

    return codec.png_bytes(codec.get_value(store, manifest.image.pixels, np.ndarray))


def media_type(path: str) -> str:
    """The media type of a file by its ending."""
    suffix = PurePosixPath(path).suffix
    return _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"


def _content(path: str, manifest: Manifest, folder: Path, store: Store) -> bytes:
    """A file as it lies in the folder, where somebody may have mended it; else as the store has it."""
    file = folder / PurePosixPath(path)
    inside = file.resolve().is_relative_to(folder.resolve())
    return file.read_bytes() if inside and file.is_file() else store.get_bytes(manifest.exports[path])
