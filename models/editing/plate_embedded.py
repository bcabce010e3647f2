"""The empty room by filling each straightened wall, floor and ceiling: no weights, nothing downloaded."""

from collections.abc import Sequence

from models.base import Plate, PlateRequest
from regen3d.room.plate import fill_room, hole_mask
from regen3d.room.solve import solve_room


class EmbeddedPlate:
    """A `PlateEditor` that solves the room first and hands camera and room box on."""

    def load(self) -> None:
        """Nothing to load."""

    def close(self) -> None:
        """Nothing to give back."""

    def empty_room(self, requests: Sequence[PlateRequest]) -> list[Plate]:
        """The empty room of each request."""
        return [self._empty_room(request) for request in requests]

    def _empty_room(self, request: PlateRequest) -> Plate:
        solved = solve_room(request.image, request.objects, request.known_camera, request.seed)
        hole = hole_mask(request.objects, solved.camera.hw)
        image, hole = fill_room(request.image, hole, solved.camera, solved.layout)
        return Plate(image=image, filled=hole, camera=solved.camera, layout=solved.layout, notes=solved.notes)
