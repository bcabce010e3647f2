"""OpenEXR files as the tests read them; OpenCV's reader is off unless its environment asks for it."""

import struct

import numpy as np


def exr_pixels(content: bytes) -> np.ndarray:
    """The picture "h w 3" of a file of half floats without compression whose channels are B, G, R."""
    at = content.index(b"dataWindow\0box2i\0") + len(b"dataWindow\0box2i\0") + 4
    _, _, right, bottom = struct.unpack_from("<4i", content, at)
    height, width = bottom + 1, right + 1
    # The file ends with its rows, each 8 bytes of place and size, then blue, green and red.
    rows = np.frombuffer(content[-height * (8 + 6 * width) :], np.uint8).reshape(height, -1)[:, 8:]
    halves = np.ascontiguousarray(rows).view("<f2").reshape(height, 3, width)
    return halves[:, ::-1].transpose(0, 2, 1).astype(np.float32)
