"""Light as files: Radiance HDR pictures, which every renderer reads, and OpenEXR, which USDZ asks for."""

import struct

import cv2
import numpy as np
from jaxtyping import Float32

from regen3d.errors import InvalidMeshError


def hdr_bytes(environment: Float32[np.ndarray, "h w 3"]) -> bytes:
    """A picture of linear radiance as a Radiance file (RGBE: off by up to 1/128 of the texel's brightest colour).

    Raises:
        InvalidMeshError: the picture holds numbers that are not finite.
    """
    if not np.isfinite(environment).all():
        raise InvalidMeshError("the light holds numbers that are not finite: estimate it again")
    _, buffer = cv2.imencode(".hdr", np.ascontiguousarray(environment[..., ::-1]))
    return buffer.tobytes()


def exr_bytes(environment: Float32[np.ndarray, "h w 3"]) -> bytes:
    """A picture of linear radiance as an OpenEXR file: half floats, scan lines, no compression.

    Raises:
        InvalidMeshError: the picture holds numbers that are not finite.

    Source: "OpenEXR file layout", version 2, single-part scan-line files.
    """
    if not np.isfinite(environment).all():
        raise InvalidMeshError("the light holds numbers that are not finite: estimate it again")
    height, width = environment.shape[:2]
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    half = struct.pack("<i4B2i", 1, 0, 0, 0, 0, 1, 1)
    header = struct.pack("<2i", 20000630, 2) + b"".join(
        [
            _attribute("channels", "chlist", b"".join(name + b"\0" + half for name in (b"B", b"G", b"R")) + b"\0"),
            _attribute("compression", "compression", b"\0"),
            _attribute("dataWindow", "box2i", window),
            _attribute("displayWindow", "box2i", window),
            _attribute("lineOrder", "lineOrder", b"\0"),
            _attribute("pixelAspectRatio", "float", struct.pack("<f", 1.0)),
            _attribute("screenWindowCenter", "v2f", struct.pack("<2f", 0.0, 0.0)),
            _attribute("screenWindowWidth", "float", struct.pack("<f", 1.0)),
            b"\0",
        ]
    )
    # Half floats end at 65504; a lamp is never as bright as that in units of the picture.
    rows = np.clip(environment, 0.0, 65504.0).astype("<f2").transpose(0, 2, 1)[:, ::-1]
    size = 3 * 2 * width
    first = len(header) + 8 * height
    offsets = struct.pack(f"<{height}Q", *(first + row * (size + 8) for row in range(height)))
    lines = b"".join(struct.pack("<2i", row, size) + rows[row].tobytes() for row in range(height))
    return header + offsets + lines


def _attribute(name: str, kind: str, value: bytes) -> bytes:
    return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value
