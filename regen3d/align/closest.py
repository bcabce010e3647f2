"""Exact distances between points and triangles in torch, and which pairs of them are nearest.

The search for pairs needs no gradient: at the closest pair the distance changes as that pair's does (envelope theorem).
So pairs are found first, by trying all of them in chunks or through `SurfaceIndex`, and only theirs is differentiated.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Integer
from scipy.spatial import KDTree
from torch import Tensor

from regen3d.frames import transform

CHUNK_PAIRS = 1 << 18
"""Pairs of a point and a triangle tried at once: about 100 MB of working memory in float32."""

LEAST_AREA = 1e-14
"""Triangles of less area, square metres, are their edges: their normal is rounding."""

CELL_SHARE = 0.025
"""Longest edge of a piece of `SurfaceIndex`, as a share of the bounding box's diagonal."""

CANDIDATES = 6
"""Pieces whose faces are compared exactly: on furniture the nearest face is missed for less than 1 point of 1,000."""

MOST_SPLITS = 12
"""Rounds of halving edges; each halves the longest, so that a face across the whole object is cut small enough."""


def square_distance(
    points: Float[Tensor, "*n 3"], triangles: Float[Tensor, "*n 3 3"], least_area: float = LEAST_AREA
) -> Float[Tensor, "*n"]:
    """Squared distance from each point to its triangle, differentiable in both.

    The plane's distance where the point lies over the triangle, else that of the nearest edge; after Ericson,
    "Real-Time Collision Detection", 2005, section 5.1.5.

    Args:
        points: any frame.
        triangles: corners, same frame.
        least_area: triangles of less area count as their three edges.
    """
    edge = triangles.roll(-1, dims=-2) - triangles
    to_point = points[..., None, :] - triangles
    along = ((to_point * edge).sum(-1) / (edge * edge).sum(-1).clamp(min=1e-24)).clamp(0.0, 1.0)
    offset = to_point - along[..., None] * edge
    rim = (offset * offset).sum(-1).amin(dim=-1)
    normal = torch.linalg.cross(edge[..., 0, :], edge[..., 1, :])
    square = (normal * normal).sum(-1)
    side = (torch.linalg.cross(edge, to_point, dim=-1) * normal[..., None, :]).sum(-1)
    over = (side >= 0.0).all(dim=-1) & (square > 4.0 * least_area**2)
    height = (to_point[..., 0, :] * normal).sum(-1)
    return torch.where(over, height * height / torch.where(over, square, 1.0), rim)


@torch.no_grad()
def nearest_pairs(
    points: Float[Tensor, "n 3"], vertices: Float[Tensor, "b v 3"], faces: Integer[Tensor, "f 3"]
) -> tuple[Integer[Tensor, "b n"], Integer[Tensor, "b f"]]:
    """For each point the index of the nearest face, and for each face that of the nearest point, in every pose."""
    batch, count = len(vertices), len(points)
    faces = faces.long()
    face_of_point = torch.zeros((batch, count), dtype=torch.long, device=points.device)
    point_of_face = torch.zeros((batch, len(faces)), dtype=torch.long, device=points.device)
    step = max(1, CHUNK_PAIRS // max(len(faces), 1))
    for pose in range(batch):
        triangles = vertices[pose][faces]
        best = points.new_full((len(faces),), torch.inf)
        for start in range(0, count, step):
            part = points[start : start + step]
            pair = part.shape[0], len(faces)
            square = square_distance(part[:, None].expand(*pair, 3), triangles[None].expand(*pair, 3, 3))
            face_of_point[pose, start : start + step] = square.argmin(dim=1)
            low, index = square.min(dim=0)
            point_of_face[pose] = torch.where(low < best, index + start, point_of_face[pose])
            best = torch.minimum(low, best)
    return face_of_point, point_of_face


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceIndex:
    """A mesh cut into small pieces, so that nearest faces and points are found without trying all pairs.

    A similarity changes no order of distances: one index in the object frame serves every pose.
    """

    centers: Float[np.ndarray, "p 3"]
    """Middle of each piece, object frame."""
    parents: Integer[np.ndarray, " p"]
    """Index of the face that each piece is of."""
    tree: KDTree
    """Of the middles."""

    def nearest_faces(
        self, points: Float[np.ndarray, "n 3"], triangles: Float[np.ndarray, "f 3 3"]
    ) -> Integer[np.ndarray, " n"]:
        """Index of the face nearest to each point, but for rare near ties; both in the object frame."""
        _, piece = self.tree.query(points, k=min(CANDIDATES, len(self.parents)))
        faces = self.parents[np.asarray(piece).reshape(len(points), -1)]
        pairs = torch.from_numpy(np.broadcast_to(points[:, None], (*faces.shape, 3)).copy())
        best = square_distance(pairs, torch.from_numpy(triangles[faces])).argmin(dim=1).numpy()
        return faces[np.arange(len(points)), best]

    def nearest_points(
        self, tree: KDTree, pose: Float[np.ndarray, "4 4"], triangles: Float[np.ndarray, "f 3 3"]
    ) -> Integer[np.ndarray, " f"]:
        """For each face the index of the nearest of a tree's points, to within a piece.

        Args:
            tree: of points, in any frame.
            pose: from the object frame to that of the points.
            triangles: object frame.
        """
        point = np.asarray(tree.query(transform(pose, self.centers))[1])
        corners = transform(pose, triangles)[self.parents]
        square = square_distance(torch.from_numpy(tree.data[point]), torch.from_numpy(corners)).numpy()
        # Pieces of a face lie together after sorting, nearest first.
        order = np.lexsort((square, self.parents))
        first = order[np.flatnonzero(np.diff(self.parents[order], prepend=-1))]
        return point[first]


def index_surface(vertices: Float[np.ndarray, "v 3"], faces: Integer[np.ndarray, "f 3"]) -> SurfaceIndex:
    """Cut the faces of a mesh by halving longest edges until none is longer than `CELL_SHARE` of the whole."""
    triangles = vertices[faces].astype(np.float64)
    parents = np.arange(len(faces))
    limit = CELL_SHARE * float(np.linalg.norm(np.ptp(vertices, axis=0)))
    for _ in range(MOST_SPLITS):
        lengths = np.linalg.norm(np.roll(triangles, -1, axis=1) - triangles, axis=2)
        long = lengths.max(axis=1) > limit
        if not long.any():
            break
        first = lengths[long].argmax(axis=1)
        turned = np.take_along_axis(triangles[long], (first[:, None] + np.arange(3))[..., None] % 3, axis=1)
        middle = 0.5 * (turned[:, 0] + turned[:, 1])
        halves = [np.stack([turned[:, 0], middle, turned[:, 2]], 1), np.stack([middle, turned[:, 1], turned[:, 2]], 1)]
        triangles = np.concatenate([triangles[~long], *halves])
        parents = np.concatenate([parents[~long], parents[long], parents[long]])
    centers = triangles.mean(axis=1)
    return SurfaceIndex(centers=centers, parents=parents, tree=KDTree(centers))
