"""The free pose: five numbers, position, yaw and scale, on no support plane.

Scaling about the camera's centre changes no silhouette. So four of the numbers are found on an upright plane that faces
the camera, and the fifth, how far away the object is, follows in closed form from its visible points, or from its size.
"""

import numpy as np
import torch

from regen3d.align.batch import make_batch
from regen3d.align.energy import slide_factor
from regen3d.align.evidence import Evidence
from regen3d.frames import transform
from regen3d.types import Similarity


def freed(evidence: Evidence, pose: Similarity, known_scale: float | None) -> tuple[Similarity, str | None]:
    """A pose moved along the rays of the camera to where its points are, and what had to be assumed.

    Args:
        evidence: of the object, on a plane that faces the camera.
        pose: on that plane.
        known_scale: the scale that gives the object its own size; it decides where there are no points.
    """
    target = evidence.target
    if len(target.points):
        batch = make_batch([evidence], "cpu", 1)
        seen = np.concatenate([target.eye[None], np.asarray(batch.points[0])])
        local = torch.from_numpy(transform(np.linalg.inv(pose.matrix), seen))[None]
        owner = torch.zeros(1, dtype=torch.long)
        factor = 1.0 / float(slide_factor(batch, owner, (local[:, :1], local[:, 1:] - local[:, :1])))
    elif known_scale is not None:
        factor = known_scale / pose.scale
    else:
        return pose, "neither points nor a size say how far away the object is: its place on the assumed plane is kept"
    moved = Similarity(
        rotation=pose.rotation,
        translation=target.eye + factor * (pose.translation - target.eye),
        scale=factor * pose.scale,
    )
    return moved, None
