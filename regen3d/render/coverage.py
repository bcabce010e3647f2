"""Hard silhouettes of many poses of one mesh at once, for search."""

import numpy as np
from jaxtyping import Bool, Float, Integer

from regen3d.render.scan import barycentric_planes, chunks, ranges, rows_of_faces, spans_of_rows


def cover(
    vertices_camera: Float[np.ndarray, "b v 3"],
    faces: Integer[np.ndarray, "f 3"],
    intrinsics: Float[np.ndarray, "3 3"],
    hw: tuple[int, int],
) -> Bool[np.ndarray, "b h w"]:
    """Which pixels each pose covers; the same pixels as `rasterize` sees.

    Work is one span for each face and row, not for each pixel: about 2 ms a pose for 1,000 faces on 96 x 96 pixels.

    Args:
        vertices_camera: camera frame (OpenCV), metres, one row for each pose.
        faces: vertex indices; winding does not matter.
        intrinsics: K in pixels, pixel centres at +0.5.
        hw: size of each picture.
    """
    poses = len(vertices_camera)
    height, width = hw
    corners = (vertices_camera.astype(np.float64) @ intrinsics.T)[:, faces].reshape(-1, 3, 3)
    index, first_row, last_row = rows_of_faces(corners, hw)
    planes = barycentric_planes(corners[index])
    picture = index // max(len(faces), 1)
    # One more column than the picture holds the steps down of spans that reach its right border.
    steps = np.zeros(poses * height * (width + 1), dtype=np.int32)
    for part in chunks(last_row - first_row):
        rows, owner = ranges(first_row[part], last_row[part])
        first, last = spans_of_rows(planes[part][owner], rows, width)
        covered = last > first
        line = ((picture[part][owner] * height + rows) * (width + 1))[covered]
        np.add.at(steps, line + first[covered], 1)
        np.add.at(steps, line + last[covered], -1)
    return np.cumsum(steps.reshape(poses, height, width + 1), axis=2)[..., :width] > 0
