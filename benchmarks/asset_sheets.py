"""Contact sheets of the embedded assets: every template as the code draws it, and rendered rooms' objects.

Run: python -m benchmarks.asset_sheets --out DIR [--data "$REGEN3D_DATA/scenes"] [--scenes a,b]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.assets import make, true_views
from benchmarks.truth import load_truth, scene_folders
from models.assets.furniture.registry import TEMPLATES
from models.assets.furniture.template import Template
from models.assets.sizes import CATEGORIES
from models.assets.solid import join
from regen3d.export.contact_sheet import contact_sheet
from regen3d.render.framing import framing_camera
from regen3d.render.scene import PlacedMesh, render
from regen3d.types import Asset, Mesh, ObjectView, Rgb

PALETTE = {
    "legs": (122, 92, 66),
    "foot": (122, 92, 66),
    "frame": (122, 92, 66),
    "handles": (90, 92, 96),
    "base": (84, 80, 76),
    "top": (196, 164, 122),
    "body": (186, 158, 124),
    "fronts": (214, 190, 154),
    "shelf": (176, 146, 108),
    "seat": (112, 134, 156),
    "back": (126, 146, 164),
    "fabric": (128, 146, 150),
    "arms": (104, 124, 146),
    "sheet": (232, 230, 224),
    "blanket": (128, 146, 164),
    "pillow": (240, 238, 232),
    "leaves": (86, 128, 76),
    "blooms": (206, 120, 128),
    "pot": (178, 108, 78),
    "shade": (236, 220, 184),
    "picture": (70, 78, 90),
    "stand": (90, 92, 96),
    "pages": (236, 230, 212),
}
"""Colours of materials on the sheet of templates."""
OTHER = (170, 120, 100)
"""Colour of a material without one of its own."""
TILE_PX, COLUMNS = 180, 3
"""Side of one view of an object of a room, and objects side by side."""
SHEET_PX = 1600
"""Width of a sheet."""
COLOURS = 128
"""Of a sheet's file: more cannot be told apart at its size."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the sheets into a folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.asset_sheets", description=str(__doc__).split("\n")[0])
    parser.add_argument("--out", required=True, type=Path, help="folder for the pictures")
    parser.add_argument("--data", help="folder of scenes with truth; without it only the templates are drawn")
    parser.add_argument("--scenes", help="names with commas between them; default: all")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    _save(template_sheet(), options.out / "assets-templates.png")
    for folder in scene_folders(Path(options.data), options.scenes) if options.data else ():
        made = [(view, make(view)[1]) for _, view in true_views(load_truth(folder))]
        _save(room_sheet(made), options.out / f"assets-{folder.name.replace('_', '-')}.png")
    return 0


def template_sheet() -> Rgb:
    """Every template of every category at its usual size and proportions, coloured by material."""
    objects = []
    for name in sorted(TEMPLATES):
        for k, template in enumerate(TEMPLATES[name]):
            objects.append((name if k == 0 else f"{name} {k + 1}", coloured(template, CATEGORIES[name].prior.median_m)))
    return contact_sheet(objects, columns=8)


def coloured(template: Template, size_m: np.ndarray) -> Mesh:
    """A template with one colour for each material."""
    width, height, depth = (float(side) for side in size_m)
    parts = template((width, height, depth))
    surface = join(parts, size_m)
    names = list(dict.fromkeys(part.material for part in parts))
    texture = np.array([[PALETTE.get(name, OTHER) for name in names]], dtype=np.uint8).repeat(4, 0).repeat(4, 1)
    u = np.repeat((surface.material + 0.5) / len(names), 3)
    return Mesh(
        vertices=surface.vertices[surface.faces].reshape(-1, 3),
        faces=np.arange(3 * len(surface.faces)).reshape(-1, 3),
        uv=np.stack([u, np.full_like(u, 0.5)], axis=1),
        texture=texture,
    )


def room_sheet(made: Sequence[tuple[ObjectView, Asset]]) -> Rgb:
    """Each object's picture, its mesh in its place, and the mesh from its front and from its back."""
    cards = [_card(view, asset) for view, asset in made]
    cards += [np.full_like(cards[0], 255)] * (-len(cards) % COLUMNS)
    rows = [np.concatenate(cards[start : start + COLUMNS], axis=1) for start in range(0, len(cards), COLUMNS)]
    return np.concatenate(rows)


def _card(view: ObjectView, asset: Asset) -> Rgb:
    x0, y0, x1, y1 = view.instance.box
    white = np.full_like(view.image, 255)
    cut = np.where(view.instance.mask[..., None], view.image, white)
    pose = np.eye(4) if asset.pose_hint is None else asset.pose_hint.matrix
    placed = render([PlacedMesh(mesh=asset.mesh, world_from_mesh=pose)], view.camera, background=white).color
    own = [PlacedMesh(mesh=asset.mesh, world_from_mesh=np.eye(4))]
    tiles = [cut[y0:y1, x0:x1], placed[y0:y1, x0:x1]]
    for azimuth in (35.0, 215.0):
        camera = framing_camera(own, (2 * TILE_PX, 2 * TILE_PX), azimuth, 20.0)
        tiles.append(render(own, camera, background=np.full((*camera.hw, 3), 255, dtype=np.uint8), shaded=True).color)
    card = Image.new("RGB", (4 * TILE_PX + 16, TILE_PX + 26), "white")
    for k, tile in enumerate(tiles):
        picture = Image.fromarray(np.ascontiguousarray(tile))
        scale = (TILE_PX - 8) / max(picture.size)
        wh = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        picture = picture.resize(wh, Image.Resampling.LANCZOS)
        card.paste(picture, (k * TILE_PX + (TILE_PX - wh[0]) // 2, (TILE_PX - wh[1]) // 2))
    text = f"{view.instance.name}: {asset.kind}, {len(asset.mesh.faces)} faces"
    ImageDraw.Draw(card).text((8, TILE_PX + 4), text, font=ImageFont.load_default(14), fill=(40, 44, 50))
    return np.array(card)


def _save(sheet: Rgb, path: Path) -> None:
    picture = Image.fromarray(sheet)
    if picture.width > SHEET_PX:
        picture = picture.resize((SHEET_PX, round(picture.height * SHEET_PX / picture.width)), Image.Resampling.LANCZOS)
    picture.quantize(COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    raise SystemExit(main())
