"""A whole scene in one USDZ file."""

# USD makes the contents of its modules as they are loaded: a type checker sees none of them.
# pyright: reportAttributeAccessIssue=false
import os
import struct
import tempfile
import zipfile
from pathlib import Path

from regen3d.errors import StageError
from regen3d.export.scene import ExportScene
from regen3d.export.settings import ExportSettings
from regen3d.export.usd.assembly import ROOT, write_assembly

_EPOCH = struct.pack("<2H", 0, (1 << 5) | 1)
"""Midnight of 1 January 1980, as ZIP files write it."""


def write(scene: ExportScene, settings: ExportSettings) -> dict[str, bytes]:
    """The files of `regen3d.export.usd.assembly`, packed into `scene.usdz` without compression.

    Raises:
        ConfigError: two prims would have the same name, or the look needs a light that was not estimated.
        InvalidMeshError: a mesh has no surface.
        StageError: USD could not pack the files.
    """
    from pxr import Sdf, UsdUtils

    with tempfile.TemporaryDirectory() as place:
        folder, target = Path(place, "scene"), Path(place, "scene.usdz")
        folder.mkdir()
        write_assembly(scene, settings, folder)
        if not UsdUtils.CreateNewUsdzPackage(Sdf.AssetPath(os.fspath(folder / ROOT)), os.fspath(target)):
            raise StageError("USD could not pack the scene into a USDZ file: see its messages above")
        return {"scene.usdz": _timeless(target)}


def _timeless(package: Path) -> bytes:
    """The package with every time set to the epoch of ZIP files, so that equal scenes give equal bytes."""
    content = bytearray(package.read_bytes())
    with zipfile.ZipFile(package) as opened:
        entries, place = opened.infolist(), opened.start_dir
    for entry in entries:
        content[entry.header_offset + 10 : entry.header_offset + 14] = _EPOCH
        content[place + 12 : place + 16] = _EPOCH
        # A directory entry has 46 bytes, then name, extra field and comment, whose lengths it tells.
        place += 46 + sum(struct.unpack_from("<3H", content, place + 28))
    return bytes(content)
