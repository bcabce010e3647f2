"""Which templates make a category of furniture; they are tried against the picture."""

from functools import partial

from models.assets.furniture import beds, chairs, decor, lamps, plants, screens, seating, storage, tables, turned
from models.assets.furniture.template import Template

_TABLES = (
    Template(tables.table, tables.TABLE),
    Template(partial(tables.table, turned_legs=True), tables.TABLE),
    Template(partial(tables.table, shelf=True), tables.TABLE),
    Template(tables.round_table, tables.ROUND),
    Template(tables.pedestal_table, tables.PEDESTAL, is_round=True),
)
_PLANTS = tuple(
    Template(partial(plants.plant, habit=habit), habit.ranges, is_round=True, is_fine=habit.pinnate)
    for habit in (plants.ARCHING, plants.BUSH, plants.PALM)
)
_SOFAS = (
    Template(seating.sofa, seating.SOFA),
    Template(partial(seating.sofa, rolled=True), seating.SOFA),
    Template(partial(seating.sofa, arms=False), seating.SOFA),
)
_ARMCHAIRS = (
    Template(partial(seating.sofa, seats=1), seating.SOFA),
    Template(partial(seating.sofa, seats=1, rolled=True), seating.SOFA),
    Template(partial(chairs.chair, arms=True), chairs.CHAIR),
)
_CHAIRS = (
    Template(chairs.chair, chairs.CHAIR),
    Template(partial(chairs.chair, rails=2, square=True), chairs.CHAIR),
    Template(partial(chairs.chair, rails=1, square=True), chairs.CHAIR),
    Template(partial(chairs.chair, rails=3), chairs.CHAIR),
    Template(partial(chairs.chair, square=True), chairs.CHAIR),
    Template(partial(chairs.chair, arms=True), chairs.CHAIR),
    Template(chairs.swivel_chair, chairs.SWIVEL),
    Template(partial(chairs.swivel_chair, arms=False), chairs.SWIVEL),
)
_FLOOR_LAMPS = (
    Template(lamps.floor_lamp, lamps.FLOOR_LAMP, is_round=True),
    Template(partial(lamps.floor_lamp, tray=True), lamps.FLOOR_LAMP, is_round=True),
    Template(lamps.swing_lamp, lamps.SWING_LAMP),
    Template(lamps.swing_tray_lamp, lamps.SWING_TRAY),
)

TEMPLATES: dict[str, tuple[Template, ...]] = {
    "armchair": _ARMCHAIRS,
    "bag": (Template(decor.bag), Template(storage.plain_box)),
    "bathtub": (Template(storage.bathtub),),
    "bed": (
        Template(beds.bed, beds.BED),
        Template(partial(beds.bed, footboard=True), beds.BED),
        Template(partial(beds.bed, footboard=True, slats=True), beds.BED),
    ),
    "bench": (Template(chairs.bench, chairs.BENCH),),
    "bin": (Template(partial(turned.turned, profile=turned.BIN, hollow=True), is_round=True),),
    "book": (Template(decor.books),),
    "bookshelf": (Template(storage.bookshelf),),
    "bottle": (Template(partial(turned.turned, profile=turned.BOTTLE), is_round=True),),
    "bowl": (Template(partial(turned.turned, profile=turned.BOWL, hollow=True), is_round=True),),
    "box": (Template(storage.plain_box),),
    "cabinet": (
        Template(storage.cabinet, storage.CABINET),
        Template(partial(storage.cabinet, columns=1), storage.CABINET),
        Template(storage.footed_cabinet, storage.FOOTED),
    ),
    "ceiling lamp": (Template(lamps.pendant, lamps.PENDANT, is_round=True),),
    "chair": _CHAIRS,
    "clock": (Template(decor.clock),),
    "coffee table": (*_TABLES, Template(tables.drawer_table, tables.TABLE)),
    "cup": (Template(partial(turned.turned, profile=turned.CUP, hollow=True), is_round=True), Template(turned.mug)),
    "curtain": (Template(decor.curtain),),
    "cushion": (Template(seating.pillow),),
    "desk": (
        Template(tables.panel_desk, tables.DESK),
        Template(tables.table, tables.TABLE),
        Template(tables.drawer_desk, tables.DESK),
        Template(partial(tables.drawer_desk, both=True), tables.DESK),
    ),
    "dresser": (
        Template(storage.cabinet, storage.CABINET),
        Template(partial(storage.cabinet, columns=2), storage.CABINET),
        Template(storage.footed_cabinet, storage.FOOTED),
    ),
    "flowers": (Template(plants.bouquet, is_round=True),),
    "floor lamp": _FLOOR_LAMPS,
    "lamp": (
        Template(lamps.lamp, lamps.LAMP, is_round=True),
        Template(lamps.desk_lamp, lamps.DESK_LAMP),
        *_FLOOR_LAMPS,
    ),
    "laptop": (Template(screens.laptop),),
    "microwave": (Template(storage.appliance),),
    "mirror": (Template(decor.picture),),
    "nightstand": (
        Template(partial(storage.cabinet, rows=2, columns=1), storage.CABINET),
        Template(partial(storage.footed_cabinet, rows=2, columns=1), storage.FOOTED),
        Template(partial(tables.table, shelf=True), tables.TABLE),
    ),
    "office chair": _CHAIRS[6:],
    "ottoman": (Template(seating.ottoman),),
    "picture": (Template(decor.picture),),
    "plant": _PLANTS,
    "pot": (Template(turned.cooking_pot),),
    "printer": (Template(storage.printer), Template(storage.appliance)),
    "refrigerator": (Template(storage.refrigerator),),
    "rug": (Template(decor.rug),),
    "screen": (
        Template(screens.screen, screens.SCREEN),
        Template(screens.panel_screen),
        Template(partial(screens.screen, keyboard=True), screens.SCREEN),
    ),
    "side table": (*_TABLES, Template(partial(tables.pedestal_table, square=True), tables.PEDESTAL)),
    "sideboard": (
        Template(storage.cabinet, storage.CABINET),
        Template(partial(storage.footed_cabinet, rows=2), storage.FOOTED),
    ),
    "sink": (Template(storage.sink), Template(storage.cabinet, storage.CABINET)),
    "sofa": _SOFAS,
    "stool": (
        Template(chairs.stool, chairs.STOOL, is_round=True),
        Template(partial(chairs.stool, ring=True), chairs.STOOL, is_round=True),
    ),
    "stove": (Template(storage.stove),),
    "table": (*_TABLES, Template(tables.trestle_table, tables.TRESTLE)),
    "toaster": (Template(storage.toaster), Template(storage.plain_box)),
    "toilet": (Template(storage.toilet),),
    "vase": (Template(partial(turned.turned, profile=turned.VASE, hollow=True), is_round=True),),
    "wardrobe": (Template(storage.wardrobe),),
    "washer": (Template(storage.washer),),
}
"""Templates of each category, the most usual first."""

TURNED = frozenset({"bin", "bottle", "bowl", "cup", "floor lamp", "lamp", "vase"})
"""Categories whose profile is read from the silhouette where it is whole."""
HOLLOW = frozenset({"bin", "bowl", "cup", "vase"})
"""Those of them that are open at the top."""
