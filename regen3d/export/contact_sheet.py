"""Pictures of the scene on its own: every object from two sides, the room from above, the view of the camera."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from regen3d.render.framing import framing_camera
from regen3d.render.scene import PlacedMesh, Rendering, render
from regen3d.types import Camera, Mask, Mesh, Rgb, Room

CELL_PX = 200
"""Side of one thumbnail."""

THUMBNAIL_SUPERSAMPLING, DOLLHOUSE_SUPERSAMPLING = 2.0, 1.5
"""The renderer has hard edges: pictures are drawn this many times larger and shrunk."""

FRONT_DEG, BACK_DEG, RAISED_DEG = 35.0, 215.0, 20.0
"""The two three-quarter views: the back is the side that the photograph does not show."""

CARD_MARGIN_PX = 6
"""Paper round the card of each object."""

DOLLHOUSE_HW = (720, 960)
"""Size of the view into the room from above, before its empty margins are cut off."""

DOLLHOUSE_AZIMUTH_DEG, DOLLHOUSE_ELEVATION_DEG = 30.0, 38.0
"""Over the right shoulder of the camera; high enough to see the floor behind the furniture."""

PAPER, CARD, INK = (228, 230, 234), (248, 249, 250), (32, 36, 42)
"""Colours of the sheet, of an object's card and of the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomViews:
    """The whole scene from two places."""

    camera: Rendering
    """Through the camera of the photograph; the index counts the objects first, then the sides of the room."""
    dollhouse: Rgb
    """From above, through the walls that face away."""


def contact_sheet(objects: Sequence[tuple[str, Mesh]], *, columns: int = 4) -> Rgb:
    """A grid of objects, each in a three-quarter view from the front and from the back, with its name below.

    Args:
        objects: (name, mesh in the object frame); none gives a sheet that says so.
        columns: most objects side by side.
    """
    if not objects:
        return caption("no objects", 2 * CELL_PX)
    cards = [_card(name, mesh) for name, mesh in objects]
    columns = min(columns, len(cards))
    cards += [np.full_like(cards[0], PAPER)] * (-len(cards) % columns)
    rows = [np.concatenate(cards[start : start + columns], axis=1) for start in range(0, len(cards), columns)]
    return np.concatenate(rows)


def room_views(objects: Sequence[PlacedMesh], room: Room, camera: Camera) -> RoomViews:
    """See the whole scene.

    Args:
        objects: the placed objects.
        room: the empty room; walls seen from outside vanish.
        camera: the camera of the photograph.

    Raises:
        InvalidMeshError: there is nothing to see.
    """
    placed = [*objects, *open_sides(room)]
    azimuth_deg = float(np.degrees(room.layout.yaw_rad)) + DOLLHOUSE_AZIMUTH_DEG
    return RoomViews(camera=render(placed, camera), dollhouse=_dollhouse(placed, azimuth_deg))


def open_sides(room: Room) -> list[PlacedMesh]:
    """The sides of a room, each of which vanishes for whoever looks in from behind it."""
    return [PlacedMesh(mesh=room.parts[side], world_from_mesh=np.eye(4), cull_back=True) for side in sorted(room.parts)]


def _dollhouse(placed: Sequence[PlacedMesh], azimuth_deg: float) -> Rgb:
    picture, drawn = smooth_view(placed, DOLLHOUSE_HW, (azimuth_deg, DOLLHOUSE_ELEVATION_DEG), DOLLHOUSE_SUPERSAMPLING)
    if not drawn.any():
        return picture
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    margin = 4 * CARD_MARGIN_PX
    top, left = max(0, rows[0] - margin), max(0, columns[0] - margin)
    return picture[top : rows[-1] + margin, left : columns[-1] + margin]


def _card(name: str, mesh: Mesh) -> Rgb:
    """Both views of an object with its name below."""
    placed = [PlacedMesh(mesh=mesh, world_from_mesh=np.eye(4))]
    views = [
        smooth_view(placed, (CELL_PX, CELL_PX), (azimuth_deg, RAISED_DEG), THUMBNAIL_SUPERSAMPLING)[0]
        for azimuth_deg in (FRONT_DEG, BACK_DEG)
    ]
    card = np.concatenate([np.concatenate(views, axis=1), caption(name, 2 * CELL_PX)])
    margin = ((CARD_MARGIN_PX, CARD_MARGIN_PX), (CARD_MARGIN_PX, CARD_MARGIN_PX))
    return np.stack([np.pad(card[..., k], margin, constant_values=PAPER[k]) for k in range(3)], axis=-1)


def smooth_view(
    placed: Sequence[PlacedMesh], hw: tuple[int, int], direction_deg: tuple[float, float], supersampling: float
) -> tuple[Rgb, Mask]:
    """A shaded picture with soft edges from a direction (azimuth, elevation), and where it shows anything."""
    large_hw = (round(hw[0] * supersampling), round(hw[1] * supersampling))
    camera = framing_camera(placed, large_hw, *direction_deg)
    paper = np.full((*large_hw, 3), CARD, dtype=np.uint8)
    rendering = render(placed, camera, background=paper, shaded=True)
    wh = (hw[1], hw[0])
    picture = Image.fromarray(rendering.color).resize(wh, Image.Resampling.BOX)
    drawn = Image.fromarray(rendering.index >= 0).resize(wh, Image.Resampling.NEAREST)
    return np.array(picture), np.array(drawn)


def caption(text: str, width: int) -> Rgb:
    """A line of text on paper, shortened where it is too long."""
    strip = Image.new("RGB", (width, 30), CARD)
    draw = ImageDraw.Draw(strip)
    font = ImageFont.load_default(15)
    while draw.textlength(text, font=font) > width - 8 and len(text) > 1:
        text = text[:-2] + "…"
    draw.text((width / 2, 12), text, font=font, fill=INK, anchor="mm")
    return np.array(strip)
