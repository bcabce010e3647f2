"""What silhouettes are compared with: the mask, and where it ends."""

from dataclasses import replace

import numpy as np

from models.assets.fitting import Candidate, cost_function
from models.assets.furniture.storage import plain_box
from models.assets.furniture.template import Template
from models.assets.grid import Grid, grid_of
from models.assets.morph import morph_at
from models.assets.solid import Surface, join
from regen3d.frames import intrinsics_from_focal, transform, upright, world_from_gravity
from regen3d.render.raster import rasterize
from regen3d.types import Camera, FittedBox, Instance, ObjectView

CAMERA = Camera(
    intrinsics=intrinsics_from_focal(500.0, (480, 360)),
    width=480,
    height=360,
    world_from_camera=world_from_gravity(np.array([0.0, 1.0, 0.25]), 1.5),
)


def standing(size: tuple[float, float, float], z: float) -> FittedBox:
    pose = upright(yaw_rad=0.3, translation=np.array([0.0, 0.0, z]))
    return FittedBox(size_m=np.array(size), world_from_object=pose, iou=1.0)


def surface_of(box: FittedBox) -> Surface:
    width, height, depth = (float(side) for side in box.size_m)
    return join(plain_box((width, height, depth)), box.size_m)


def behind_a_bed(box: FittedBox) -> ObjectView:
    """An object of which only the right end of the lower edge is in view."""
    surface = surface_of(box)
    vertices = transform(CAMERA.camera_from_world @ box.world_from_object.matrix, surface.vertices)
    whole = rasterize(vertices, surface.faces, CAMERA.intrinsics, CAMERA.hw).face >= 0
    rows, columns = np.nonzero(whole)
    right = columns[rows == rows.max()].max()
    row, column = np.indices(whole.shape)
    hiding = (row > rows.min() + 0.35 * np.ptp(rows)) & (column < right - 6)
    return ObjectView(
        instance=Instance(name="thing", label="box", score=1.0, mask=whole & ~hiding),
        image=np.zeros((*whole.shape, 3), dtype=np.uint8),
        ignore=hiding,
        camera=CAMERA,
    )


def end_hidden(view: ObjectView) -> ObjectView:
    """The same where nothing below the mask is in view either."""
    below = np.indices(view.ignore.shape)[0] > view.instance.box[3] - 1
    return replace(view, ignore=view.ignore | below)


TRUE = standing((0.5, 0.45, 0.48), -4.0)
TALL = standing((0.48, 0.52, 0.42), -3.7)


def test_an_end_in_view_costs_and_a_hidden_one_does_not() -> None:
    view = behind_a_bed(TRUE)
    boxes = [surface_of(box) for box in (TRUE, TALL)]
    poses = [box.world_from_object for box in (TRUE, TALL)]
    grid = grid_of(view, 96)
    ends = [
        float(grid.compare(transform(grid.camera_from_world @ pose.matrix, box.vertices)[None], box.faces).end[0])
        for box, pose in zip(boxes, poses, strict=True)
    ]
    assert ends[0] == 0.0
    assert ends[1] > 0.05
    blind = grid_of(end_hidden(view), 96)
    seen = blind.compare(transform(blind.camera_from_world @ poses[1].matrix, boxes[1].vertices)[None], boxes[1].faces)
    assert seen.end[0] == 0.0


def test_an_end_in_view_speaks_against_a_fit_that_ends_too_low() -> None:
    view = behind_a_bed(TRUE)

    def beyond_pixels(grid: Grid) -> float:
        """What the wrong box costs more than the true one, without what its silhouette covers less."""
        costs = []
        for box in (TRUE, TALL):
            candidate = Candidate(template=Template(plain_box), box=box)
            morph = morph_at(candidate.template, box, np.zeros(0))
            seen = grid.compare(transform(grid.camera_from_world, morph.placed(morph.start[None])), morph.faces)
            costs.append(float(cost_function(morph, candidate, grid)(morph.start[None])[0] + seen.iou[0]))
        return costs[1] - costs[0]

    assert beyond_pixels(grid_of(view, 96)) > 0.03
    # What lies in hiding costs a little, too.
    assert beyond_pixels(grid_of(end_hidden(view), 96)) < 0.02
