"""Which builders make a category of furniture; the variants are tried against the picture."""

from collections.abc import Callable
from functools import partial

from models.assets.furniture import beds, decor, lamps, plants, seating, storage, tables, turned
from models.assets.furniture.seating import Size
from models.assets.primitives import Part

Builder = Callable[[Size], list[Part]]

BUILDERS: dict[str, tuple[Builder, ...]] = {
    "armchair": (seating.sofa, partial(seating.sofa, arm=0.2, seats=1), partial(seating.chair, arms=True)),
    "bag": (decor.bag, storage.plain_box),
    "bathtub": (storage.bathtub,),
    "bed": (
        beds.bed,
        partial(beds.bed, footboard=0.6),
        partial(beds.bed, slats=True, footboard=0.8),
    ),
    "bench": (seating.bench,),
    "bin": (partial(turned.turned, profile=turned.BIN, hollow=True),),
    "book": (decor.books,),
    "bookshelf": (storage.bookshelf,),
    "bottle": (partial(turned.turned, profile=turned.BOTTLE),),
    "bowl": (partial(turned.turned, profile=turned.BOWL, hollow=True),),
    "box": (storage.plain_box,),
    "cabinet": (storage.cabinet, partial(storage.cabinet, columns=1)),
    "chair": (
        seating.chair,
        partial(seating.chair, rails=1),
        partial(seating.chair, rails=3),
        partial(seating.chair, splay=0.18),
        partial(seating.chair, arms=True),
        seating.swivel_chair,
        partial(seating.swivel_chair, arms=False),
    ),
    "clock": (decor.clock,),
    "coffee table": (
        tables.table,
        partial(tables.table, shelf=True),
        tables.drawer_table,
        tables.round_table,
        partial(tables.round_table, pedestal=True),
    ),
    "cup": (partial(turned.turned, profile=turned.CUP, hollow=True), turned.mug),
    "curtain": (decor.curtain,),
    "cushion": (seating.pillow,),
    "desk": (tables.panel_desk, tables.table, tables.drawer_desk),
    "dresser": (storage.cabinet, partial(storage.cabinet, columns=2)),
    "flowers": (plants.bouquet,),
    "floor lamp": (lamps.floor_lamp, lamps.lamp),
    "lamp": (lamps.lamp, partial(lamps.lamp, shade=0.35, foot=0.2), lamps.desk_lamp, lamps.floor_lamp),
    "laptop": (lamps.laptop,),
    "microwave": (storage.appliance,),
    "mirror": (decor.picture,),
    "nightstand": (storage.nightstand, partial(storage.cabinet, rows=3, columns=1), partial(tables.table, shelf=True)),
    "ottoman": (seating.ottoman,),
    "picture": (decor.picture,),
    "plant": tuple(partial(plants.plant, habit=habit) for habit in (plants.ARCHING, plants.BUSH, plants.PALM)),
    "pot": (turned.cooking_pot,),
    "printer": (storage.appliance,),
    "refrigerator": (storage.refrigerator,),
    "rug": (decor.rug,),
    "screen": (lamps.screen, lamps.panel_screen),
    "side table": (
        tables.table,
        partial(tables.table, shelf=True),
        tables.round_table,
        partial(tables.round_table, pedestal=True),
    ),
    "sideboard": (storage.cabinet, partial(storage.cabinet, rows=2, legs=0.18)),
    "sink": (storage.sink, storage.cabinet),
    "sofa": (seating.sofa, partial(seating.sofa, arm=0.1), partial(seating.sofa, legs=0.2)),
    "stool": (seating.stool,),
    "stove": (storage.stove,),
    "table": (
        tables.table,
        tables.trestle_table,
        partial(tables.table, shelf=True),
        tables.round_table,
        partial(tables.round_table, pedestal=True),
    ),
    "toaster": (storage.plain_box,),
    "toilet": (storage.toilet,),
    "vase": (partial(turned.turned, profile=turned.VASE, hollow=True),),
    "wardrobe": (storage.wardrobe,),
    "washer": (storage.washer,),
}
"""Builders of each category, the most usual first."""

TURNED = frozenset({"bin", "bottle", "bowl", "cup", "floor lamp", "lamp", "vase"})
"""Categories whose profile is read from the silhouette where it is whole."""
HOLLOW = frozenset({"bin", "bowl", "cup", "vase"})
"""Those of them that are open at the top."""
_FULL = "bathtub book bookshelf box cabinet clock curtain dresser microwave mirror nightstand picture printer"
_FULL_TOO = "refrigerator rug sideboard stove toaster wardrobe washer plant"
EXACT = frozenset((*_FULL.split(), *_FULL_TOO.split()))
"""Categories whose fitted box is kept as it is: they fill it, or are too airy for their silhouette to say more."""
