"""The protocol of Gen3DSR (arXiv 2404.03421, `eval_front.py` of its release), for objects without the room.

- Frame: the true camera's, metres; no alignment, no normalisation.
- Surfaces: all objects merged and cut by the four side planes of what the camera sees (no near and no far plane); a
  million even samples of each side.
- Numbers: Chamfer distance as half the sum of both mean distances (metres); precision, recall and F-score at 0.1, 0.01
  and 0.001 m. The release gives the last three in per cent, here they are shares.

Known faults of the protocol: at 0.001 m the spacing of the samples alone decides, also between equal surfaces (but not
here, where equal meshes get equal samples). The release leaves scenes without any prediction out of its means; here
they count with F-scores of 0. It cuts the prediction only, its truth being cut already; here both are cut. It also
scores the room from a depth map, which is left out here; its `--wo_bg` does the same.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from regen3d.frames import pixel_rays
from regen3d.metrics.points import chamfer, f_score, precision, recall
from regen3d.metrics.protocols.base import PlacedMesh, Protocol, ProtocolResult, ProtocolSettings
from regen3d.metrics.protocols.clouds import Samples, distances, merged, object_points
from regen3d.types import Camera

SAMPLES = 1_000_000
"""Of each merged scene."""

THRESHOLDS_M = {"100mm": 0.1, "10mm": 0.01, "1mm": 0.001}
"""Of precision, recall and F-score."""

UNCUT = "The true camera is not given: surfaces are not cut to what it sees."
"""Note where there is no camera."""


def score(predicted: Sequence[PlacedMesh], true: Sequence[PlacedMesh], settings: ProtocolSettings) -> ProtocolResult:
    """See the module."""
    notes = (UNCUT,) if settings.camera is None else ()
    ours, theirs = (_seen(side, settings.camera) for side in (predicted, true))
    zeros = {f"{what}_{key}": 0.0 for key in THRESHOLDS_M for what in ("precision", "recall", "f_score")}
    if ours is None or theirs is None:
        what = "predicted" if ours is None else "true"
        note = f"Nothing that is {what} lies in what the camera sees."
        return ProtocolResult(protocol="gen3dsr", scene=zeros, objects=(), notes=(*notes, note))
    count = settings.samples or SAMPLES
    found, wanted = (Samples(object_points(mesh, count, settings.seed)) for mesh in (ours, theirs))
    between = distances(found, wanted)
    scene = {"chamfer_m": chamfer(between, squared=False, halved=True)}
    for key, threshold in THRESHOLDS_M.items():
        scene[f"precision_{key}"] = precision(between, threshold)
        scene[f"recall_{key}"] = recall(between, threshold)
        scene[f"f_score_{key}"] = f_score(between, threshold)
    return ProtocolResult(protocol="gen3dsr", scene=scene, objects=(), notes=notes)


def side_planes(camera: Camera) -> Float[np.ndarray, "4 3"]:
    """Normals, towards the inside, of the four planes through the camera that bound its picture; camera frame."""
    width, height = camera.width, camera.height
    corners = np.array([[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]])
    rays = pixel_rays(camera.intrinsics, corners)
    normals = np.cross(rays, np.roll(rays, -1, axis=0))
    return normals * np.sign(normals @ rays.mean(axis=0))[:, None]


def _seen(meshes: Sequence[PlacedMesh], camera: Camera | None) -> PlacedMesh | None:
    """All objects, cut; None where nothing is left."""
    from trimesh.intersections import slice_faces_plane

    if not meshes:
        return None
    whole = merged(meshes)
    vertices, faces = whole.vertices, whole.faces
    for normal in [] if camera is None else side_planes(camera):
        if len(faces):
            vertices, faces, _ = slice_faces_plane(vertices, faces, normal, np.zeros(3))
    return PlacedMesh(name=whole.name, vertices=vertices, faces=faces) if len(faces) else None


GEN3DSR = Protocol(
    name="gen3dsr",
    summary="Gen3DSR: metric, in the camera's frame, cut to what the camera sees",
    samples=SAMPLES,
    score=score,
)
"""Its entry in the registry."""
