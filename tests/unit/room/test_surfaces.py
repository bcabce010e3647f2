"""The sides of a room as files carry them."""

from regen3d.room.surfaces import room_meshes
from tests.synthetic.room import SyntheticRoom


def test_every_side_is_there_and_floors_are_smoother_than_paint(synthetic_empty_room: SyntheticRoom) -> None:
    room = synthetic_empty_room
    meshes = room_meshes(room.plate, room.camera, room.layout)
    assert set(meshes) == set(room.parts)
    walls = {meshes[face].roughness for face in meshes if face.startswith("wall")}
    assert len(walls) == 1
    assert meshes["floor"].roughness < walls.pop() < meshes["ceiling"].roughness <= 1.0
    assert {mesh.metallic for mesh in meshes.values()} == {0.0}
