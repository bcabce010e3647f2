"""PyTorch3D's rasteriser by its documentation, slow and plain, so that the adapter is tested without the package."""

import sys
from types import ModuleType

import torch


class Meshes:
    """A batch of meshes; vertices in normalised coordinates: +x left, +y up, -1..1 over the shorter side."""

    def __init__(self, verts, faces):
        self.verts, self.faces = verts, faces


def rasterize_meshes(meshes, image_size, blur_radius, faces_per_pixel, bin_size):
    """Nearest faces of each pixel and squared distances to their outlines, negative inside, as (b, h, w, k)."""
    assert bin_size == 0
    height, width = image_size
    u, v = torch.meshgrid(torch.arange(width) + 0.5, torch.arange(height) + 0.5, indexing="xy")
    pixels = torch.stack([width / 2 - u, height / 2 - v], dim=-1) * (2.0 / min(height, width))
    squares, indices = [], []
    for vertices, faces in zip(meshes.verts, meshes.faces, strict=True):
        square, depth = _distances(pixels.to(vertices), vertices[faces])
        depth = torch.where(square <= blur_radius, depth, torch.inf)
        order = depth.argsort(dim=-1)[..., :faces_per_pixel]
        kept = depth.gather(-1, order) < torch.inf
        indices.append(torch.where(kept, order, -1))
        squares.append(torch.where(kept, square.gather(-1, order), -1.0))
    return torch.stack(_padded(indices)), None, None, torch.stack(_padded(squares))


def _padded(parts):
    most = max(part.shape[-1] for part in parts)
    return [torch.nn.functional.pad(part, (0, most - part.shape[-1]), value=-1) for part in parts]


def _distances(pixels, triangles):
    corners = triangles[..., :2]
    edge = corners.roll(-1, dims=1) - corners
    offset = pixels[:, :, None, None] - corners
    along = ((offset * edge).sum(-1) / (edge * edge).sum(-1).clamp(min=1e-12)).clamp(0, 1)
    square = ((offset - along[..., None] * edge) ** 2).sum(-1).amin(-1)
    side = edge[..., 0] * offset[..., 1] - edge[..., 1] * offset[..., 0]
    inside = (side > 0).all(-1) | (side < 0).all(-1)
    area = edge[:, 0, 0] * edge[:, 1, 1] - edge[:, 0, 1] * edge[:, 1, 0]
    depth = triangles[..., 2].mean(dim=1).expand_as(square)
    return torch.where(inside, -square, square), torch.where(area.abs() > 1e-8, depth, torch.inf)


def modules() -> dict[str, ModuleType]:
    """What `sys.modules` has to hold for the adapter to find this instead of PyTorch3D."""
    names = ["pytorch3d", "pytorch3d.structures", "pytorch3d.renderer", "pytorch3d.renderer.mesh"]
    found = {name: ModuleType(name) for name in [*names, "pytorch3d.renderer.mesh.rasterize_meshes"]}
    found["pytorch3d"].__spec__ = sys.modules[__name__].__spec__
    found["pytorch3d.structures"].Meshes = Meshes
    found["pytorch3d.renderer.mesh.rasterize_meshes"].rasterize_meshes = rasterize_meshes
    return found
