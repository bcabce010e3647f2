import base64
import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from regen3d.export.annotate import Tag, draw_tags, inmost_point, palette
from regen3d.export.contact_sheet import contact_sheet, room_views
from regen3d.export.overlay import MODEL_COLOR, PHOTO_COLOR, mask_sheet, overlay
from regen3d.export.pictures import jpeg_data_uri, thumbnail
from regen3d.render.scene import PlacedMesh, Rendering
from regen3d.types import Camera, Instance, Mesh, Room


def shows(picture: np.ndarray, color: tuple[int, int, int], tolerance: int = 50) -> int:
    """How many pixels have about this colour."""
    return int((np.abs(picture.astype(int) - color).max(axis=-1) <= tolerance).sum())


def instance(name: str, rows: slice, columns: slice) -> Instance:
    mask = np.zeros((240, 320), dtype=bool)
    mask[rows, columns] = True
    return Instance(name=name, label="chair", score=0.9, mask=mask)


@pytest.fixture
def image() -> np.ndarray:
    return np.full((240, 320, 3), 120, dtype=np.uint8)


def rendering_of(mask: np.ndarray) -> Rendering:
    color = np.full((*mask.shape, 3), 225, dtype=np.uint8)
    color[mask] = (255, 0, 0)
    depth = np.where(mask, 2.0, np.inf).astype(np.float32)
    return Rendering(color=color, depth=depth, index=np.where(mask, 1, -1).astype(np.int32))


def test_thumbnails_keep_their_shape(image: np.ndarray):
    assert thumbnail(image, longest=80).shape == (60, 80, 3)
    assert thumbnail(image, longest=4000) is image
    assert thumbnail(image[:1], longest=80).shape == (1, 80, 3)


def test_a_data_uri_holds_the_picture(image: np.ndarray):
    uri = jpeg_data_uri(image)
    content = base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))
    np.testing.assert_allclose(np.array(Image.open(io.BytesIO(content))), image, atol=3)


def test_the_overlay_shows_both_pictures_and_both_outlines(image: np.ndarray):
    seen, rebuilt = instance("chair-1", slice(60, 160), slice(80, 200)), np.zeros((240, 320), dtype=bool)
    rebuilt[60:160, 110:230] = True
    picture = overlay(image, rendering_of(rebuilt), ["floor", "chair-1"], [seen])
    assert picture.shape == image.shape
    assert shows(picture, PHOTO_COLOR) > 150
    assert shows(picture, MODEL_COLOR) > 150
    np.testing.assert_array_equal(picture[200, 300], image[200, 300])
    red, green, _ = picture[70, 215].astype(int)
    assert red > 180 > 80 > green


def test_an_object_without_mesh_has_only_its_mask_outlined(image: np.ndarray):
    nothing = rendering_of(np.zeros((240, 320), dtype=bool))
    legend = shows(overlay(image, nothing, [], []), MODEL_COLOR)
    picture = overlay(image, nothing, [], [instance("chair-1", slice(60, 160), slice(80, 200))])
    assert shows(picture, MODEL_COLOR) == legend
    assert shows(picture, PHOTO_COLOR) > 150


def test_each_mask_has_a_colour_of_its_own(image: np.ndarray):
    masks = [instance("chair-1", slice(20, 100), slice(20, 120)), instance("sofa-1", slice(120, 220), slice(150, 300))]
    picture = mask_sheet(image, [*masks, instance("empty-1", slice(0, 0), slice(0, 0))])
    assert picture.shape == image.shape
    first, second, outside = picture[30, 30].astype(int), picture[130, 160].astype(int), picture[230, 10].astype(int)
    assert np.abs(first - second).max() > 40
    assert np.ptp(outside) == 0
    assert min(np.ptp(first), np.ptp(second)) > 40


def test_names_do_not_cover_each_other():
    black = np.zeros((240, 320, 3), dtype=np.uint8)
    colors = palette(3)
    tags = [Tag(text="chair", center=(160.0, 100.0), color=color) for color in colors]
    picture = draw_tags(black, tags)
    heights = [np.flatnonzero((picture == color).all(axis=-1).any(axis=1)) for color in colors]
    assert heights[0].max() < heights[1].min()
    assert heights[1].max() < heights[2].min()


def test_a_name_at_the_border_stays_inside():
    black = np.zeros((40, 300, 3), dtype=np.uint8)
    picture = draw_tags(black, [Tag(text="coffee-table-1", center=(299.0, 39.0), color=(250, 1, 2))])
    assert shows(picture, (250, 1, 2)) >= 3 * 11


def test_the_inmost_point_lies_in_the_thick_part():
    mask = np.zeros((60, 100), dtype=bool)
    mask[10:50, 50:90] = True
    mask[28:30, 0:50] = True
    u, v = inmost_point(mask)
    assert 60 < u < 80
    assert 20 < v < 40


def test_the_contact_sheet_shows_every_object(red_box: Mesh, blue_box: Mesh):
    sheet = contact_sheet([("chair-1", red_box), ("sofa-1", blue_box), ("lamp-1", red_box)], columns=2)
    height, width = sheet.shape[0] // 2, sheet.shape[1] // 2
    reddish = sheet[..., 0].astype(int) - sheet[..., 2] > 60
    bluish = sheet[..., 2].astype(int) - sheet[..., 0] > 60
    # The front view fills the left half of a card, the back view the right half.
    for half in (slice(0, width // 2), slice(width // 2, width)):
        assert reddish[:height, half].mean() > 0.15
        assert bluish[:height, width:][:, half].mean() > 0.15
    assert reddish[height:, :width].mean() > 0.15
    assert not bluish[:, :width].any()
    assert np.ptp(sheet[height:, width:], axis=(0, 1)).max() == 0


def test_a_contact_sheet_of_nothing_says_so():
    assert contact_sheet([]).std() > 1


def test_long_names_are_shortened(red_box: Mesh):
    assert contact_sheet([("x" * 200, red_box)]).shape == contact_sheet([("x", red_box)]).shape


def test_the_room_is_seen_by_its_camera_and_from_above(red_box: Mesh, room: Room, camera: Camera):
    world_from_mesh = np.eye(4)
    world_from_mesh[:3, 3] = [0.0, 0.0, -3.5]
    views = room_views([PlacedMesh(mesh=red_box, world_from_mesh=world_from_mesh)], room, camera)
    assert views.camera.color.shape == (120, 160, 3)
    assert set(np.unique(views.camera.index)) == {-1, 0, 1, 2}
    assert shows(views.camera.color, (200, 30, 20), tolerance=2) == int((views.camera.index == 0).sum()) > 300
    red = (views.dollhouse[..., 0].astype(int) - views.dollhouse[..., 1]) > 60
    assert 0.005 < red.mean() < 0.3


def test_a_room_that_only_shows_its_back_is_an_empty_picture(room: Room, camera: Camera):
    floor = room.parts["floor"]
    turned = dataclasses.replace(floor, faces=floor.faces[:, ::-1].copy())
    views = room_views([], dataclasses.replace(room, parts={"floor": turned}), camera)
    assert np.ptp(views.dollhouse, axis=(0, 1)).max() == 0
