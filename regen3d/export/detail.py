"""Levels of detail: the same object with fewer faces, for engines that show it from afar."""

from regen3d.types import Mesh

SHARE = 0.25
"""Faces of a level as a share of the level above: what engines call a reduction of 50 % in each direction."""

LEAST_FACES = 64
"""No level has fewer: furniture falls apart below."""


def levels(mesh: Mesh, count: int) -> list[Mesh]:
    """Coarser versions of a mesh, each baked anew into a texture half as wide as the one before.

    Args:
        mesh: the full mesh.
        count: how many levels below it; a level that would not be smaller than the one above is left out.

    Raises:
        InvalidMeshError: nothing is left of the surface.
    """
    from regen3d.meshes.decimation import decimated

    made: list[Mesh] = []
    faces, side = len(mesh.faces), max(mesh.texture.shape[:2])
    for _ in range(count):
        budget, side = max(int(faces * SHARE), LEAST_FACES), max(side // 2, 64)
        if budget >= faces:
            break
        made.append(decimated(mesh, budget, size_px=side))
        faces = len(made[-1].faces)
    return made
