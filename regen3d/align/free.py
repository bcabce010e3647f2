"""The free pose: five numbers, position, yaw and scale, on no support plane.

Scaling about the camera's centre changes no silhouette. So four of the numbers are found on an upright plane that faces
the camera, and the fifth, how far away the object is, follows in closed form from its visible points, or from its size.
"""

import numpy as np

from regen3d.align.energy import Evidence, slide_factor
from regen3d.align.pose import Parameters, similarity, to_object_frame
from regen3d.types import Similarity


def freed(evidence: Evidence, parameters: Parameters, known_scale: float | None) -> tuple[Similarity, str | None]:
    """The first pose moved along the rays of the camera to where its points are, and what had to be assumed.

    Args:
        evidence: of the object, on a plane that faces the camera.
        parameters: poses on that plane, best first.
        known_scale: the scale that gives the object its own size; it decides where there are no points.
    """
    vertices, target = evidence.proxy.vertices, evidence.target
    pose = similarity(evidence.plane, parameters[0], vertices)
    if len(target.points):
        seen = np.concatenate([target.eye[None], target.points])
        local = to_object_frame(evidence.plane, parameters[:1], vertices, seen)
        factor = 1.0 / float(slide_factor(evidence, local[:, :1], local[:, 1:] - local[:, :1])[0, 0, 0])
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
