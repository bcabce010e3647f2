"""What stands in for an object whose stages failed: a plain box of its size, place and colour."""

import numpy as np

from regen3d.align.box import fit_box
from regen3d.align.settle import PlacedObject
from regen3d.types import Alignment, FittedBox, Mesh, ObjectView


def placeholder(view: ObjectView, seed: int) -> PlacedObject | None:
    """A box round the object and where it stands; None where not even a box can be fitted."""
    try:
        box = fit_box(view, prior=None, seed=seed)
    except Exception:  # noqa: BLE001 - the last border of one object: whatever its stages tripped over, it may be here, too
        return None
    colour = np.median(view.image[view.instance.mask], axis=0).astype(np.uint8)
    alignment = Alignment(
        world_from_object=box.world_from_object,
        support="floor",
        mask_iou=box.iou,
        contact_gap_m=0.0,
        point_residual_m=None,
        runner_up_margin=0.0,
    )
    name = view.instance.name
    return PlacedObject(name=name, alignment=alignment, mesh=_box_mesh(box, colour), instance=view.instance)


def _box_mesh(box: FittedBox, colour: np.ndarray) -> Mesh:
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (0.0, 1.0) for z in (-0.5, 0.5)]) * box.size_m
    quads = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
    return Mesh(
        vertices=corners.astype(np.float32),
        faces=np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32),
        uv=np.full((8, 2), 0.5, dtype=np.float32),
        texture=np.broadcast_to(colour, (4, 4, 3)).copy(),
    )
