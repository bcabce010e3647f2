"""Camera and depth from the lines of the room: no weights, nothing downloaded."""

from collections.abc import Sequence

from models.base import GeometryRequest
from regen3d.frames import gravity_in_camera
from regen3d.room.depth import room_points, scene_points
from regen3d.room.solve import SolvedRoom, solve_camera, solve_room
from regen3d.types import Geometry, KnownCamera


class EmbeddedGeometry:
    """A `GeometryEstimator` that reads vanishing points and a room box off the picture."""

    def load(self) -> None:
        """Nothing to load."""

    def close(self) -> None:
        """Nothing to give back."""

    def estimate(self, requests: Sequence[GeometryRequest]) -> list[Geometry]:
        """Camera, room box and metric point maps of each request; what the plate handed on is used."""
        return [self._estimate(request) for request in requests]

    def _estimate(self, request: GeometryRequest) -> Geometry:
        solved = _solve(request)
        camera, layout = solved.camera, solved.layout
        return Geometry(
            camera=camera,
            image_points=scene_points(camera, layout, request.objects),
            plate_points=room_points(camera, layout),
            layout=layout,
            confidence=solved.confidence,
            notes=solved.notes,
        )


def _solve(request: GeometryRequest) -> SolvedRoom:
    if request.camera is not None and request.layout is not None:
        _, confidence = solve_camera(request.image, request.objects, request.known_camera, request.seed)
        return SolvedRoom(camera=request.camera, layout=request.layout, confidence=confidence, notes=())
    known = request.known_camera
    if request.camera is not None:
        camera = request.camera
        known = KnownCamera(
            intrinsics=camera.intrinsics,
            width=camera.width,
            height=camera.height,
            gravity=gravity_in_camera(camera),
            height_m=float(camera.position[1]),
        )
    return solve_room(request.image, request.objects, known, request.seed)
