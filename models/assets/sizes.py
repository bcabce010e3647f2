"""Categories of furniture: usual size, rough shape, and the words that mean them.

Sizes are the common dimensions of European and American furniture catalogues (seat heights 0.43-0.47 m, table tops at
0.72-0.76 m, worktops at 0.85-0.92 m, mattresses 0.9-1.8 x 2.0 m, ...). Sigmas cover roughly the range from the small to
the large models sold: 0.1 is +-10 %.
"""

import re
from dataclasses import dataclass

import numpy as np

from models.assets.primitives import Point
from regen3d.align.box import fit_box, likeliest
from regen3d.align.size_prior import SizePrior
from regen3d.types import FittedBox, ObjectView

Blocks = tuple[tuple[Point, Point], ...]
"""Least and greatest corner of each block in the unit box: x left to right, y up, z back to front."""

_WHOLE: Blocks = (((0, 0, 0), (1, 1, 1)),)
_CHAIR: Blocks = (
    ((0, 0.46, 0.04), (1, 0.54, 1)),
    ((0.02, 0.5, 0), (0.98, 1, 0.1)),
    ((0.02, 0, 0.02), (0.11, 0.5, 0.11)),
    ((0.89, 0, 0.02), (0.98, 0.5, 0.11)),
    ((0.02, 0, 0.88), (0.11, 0.5, 0.97)),
    ((0.89, 0, 0.88), (0.98, 0.5, 0.97)),
)
_STOOL: Blocks = (
    ((0.05, 0.9, 0.05), (0.95, 1, 0.95)),
    ((0.05, 0, 0.05), (0.2, 0.95, 0.2)),
    ((0.8, 0, 0.05), (0.95, 0.95, 0.2)),
    ((0.05, 0, 0.8), (0.2, 0.95, 0.95)),
    ((0.8, 0, 0.8), (0.95, 0.95, 0.95)),
)
_SWIVEL: Blocks = (
    ((0.08, 0.42, 0.12), (0.92, 0.54, 1)),
    ((0.1, 0.5, 0), (0.9, 1, 0.14)),
    ((0, 0.42, 0.25), (0.08, 0.72, 0.75)),
    ((0.92, 0.42, 0.25), (1, 0.72, 0.75)),
    ((0.45, 0.05, 0.45), (0.55, 0.45, 0.55)),
    ((0.05, 0, 0.1), (0.95, 0.1, 0.9)),
)
_SOFA: Blocks = (
    ((0, 0, 0), (1, 0.55, 1)),
    ((0, 0.5, 0), (1, 1, 0.35)),
    ((0, 0, 0), (0.14, 0.72, 1)),
    ((0.86, 0, 0), (1, 0.72, 1)),
)
_TABLE: Blocks = (
    ((0, 0.9, 0), (1, 1, 1)),
    ((0.02, 0, 0.04), (0.09, 0.95, 0.14)),
    ((0.91, 0, 0.04), (0.98, 0.95, 0.14)),
    ((0.02, 0, 0.86), (0.09, 0.95, 0.96)),
    ((0.91, 0, 0.86), (0.98, 0.95, 0.96)),
)
_ROUND_TABLE: Blocks = (
    ((0.15, 0.93, 0), (0.85, 1, 1)),
    ((0, 0.93, 0.15), (1, 1, 0.85)),
    ((0.17, 0, 0.17), (0.23, 0.95, 0.23)),
    ((0.77, 0, 0.17), (0.83, 0.95, 0.23)),
    ((0.17, 0, 0.77), (0.23, 0.95, 0.83)),
    ((0.77, 0, 0.77), (0.83, 0.95, 0.83)),
)
_PEDESTAL: Blocks = (
    ((0.15, 0.93, 0), (0.85, 1, 1)),
    ((0, 0.93, 0.15), (1, 1, 0.85)),
    ((0.43, 0, 0.43), (0.57, 0.95, 0.57)),
    ((0.25, 0, 0.25), (0.75, 0.08, 0.75)),
)
_SHELVED: Blocks = (*_TABLE, ((0.02, 0.3, 0.04), (0.98, 0.45, 0.96)))
_DESK: Blocks = (
    ((0, 0.9, 0), (1, 1, 1)),
    ((0.02, 0, 0), (0.08, 0.95, 1)),
    ((0.92, 0, 0), (0.98, 0.95, 1)),
    ((0, 0.3, 0.1), (1, 1, 0.2)),
)
_TABLES = (_TABLE, _SHELVED, _ROUND_TABLE, _PEDESTAL)
_BED: Blocks = (((0, 0, 0), (1, 0.55, 1)), ((0, 0, 0), (1, 1, 0.06)))
_FLOOR_LAMP: Blocks = (
    ((0.12, 0, 0.12), (0.88, 0.03, 0.88)),
    ((0.45, 0, 0.45), (0.55, 0.8, 0.55)),
    ((0, 0.75, 0), (1, 1, 1)),
)
_TABLE_LAMP: Blocks = (((0.25, 0, 0.25), (0.75, 0.5, 0.75)), ((0, 0.5, 0), (1, 1, 1)))
_PENDANT: Blocks = (((0, 0, 0), (1, 0.45, 1)), ((0.47, 0.4, 0.47), (0.53, 1, 0.53)))
_PLANT: Blocks = (((0.25, 0, 0.25), (0.75, 0.3, 0.75)), ((0.1, 0.3, 0.1), (0.9, 0.95, 0.9)))
_LAPTOP: Blocks = (((0, 0, 0), (1, 0.08, 1)), ((0, 0, 0), (1, 1, 0.12)))
_SCREEN: Blocks = (((0, 0.25, 0.35), (1, 1, 0.6)), ((0.3, 0, 0), (0.7, 0.06, 1)), ((0.42, 0, 0.4), (0.58, 0.3, 0.6)))
_TOILET: Blocks = (((0.1, 0, 0.2), (0.9, 0.55, 1)), ((0, 0.4, 0), (1, 1, 0.28)))


FLOOR_LAMP_ASPECT = 2.7
"""A lamp taller than this many times its width stands on the floor: the slimmest table lamps reach about 2.6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One kind of thing."""

    name: str
    """The word for it, as the furniture registry knows it."""
    prior: SizePrior
    """Usual size and rough shape."""
    rests: bool
    """Whether it usually stands on other objects, not on the floor."""


_FRONTAL = frozenset({"armchair", "sofa", "toilet"})
"""What is hardly ever pictured from behind: it stands with its back to a wall."""


def _category(
    name: str,
    size_m: Point,
    sigma: float | Point,
    *shapes: Blocks,
    rests: bool = False,
    is_round: bool = False,
    is_airy: bool = False,
) -> Category:
    prior = SizePrior(
        median_m=np.array(size_m),
        log_sigma=np.broadcast_to(np.asarray(sigma, dtype=np.float64), (3,)).copy(),
        shapes=tuple(np.array(blocks, dtype=np.float64) for blocks in shapes or (_WHOLE,)),
        is_round=is_round,
        is_airy=is_airy,
        facing=0.12 if name in _FRONTAL else 0.04,
    )
    return Category(name=name, prior=prior, rests=rests)


_ALL = (
    _category("chair", (0.48, 0.86, 0.52), (0.15, 0.12, 0.15), _CHAIR, _SWIVEL),
    _category("office chair", (0.62, 1.0, 0.62), (0.1, 0.1, 0.1), _SWIVEL, _CHAIR),
    _category("armchair", (0.85, 0.85, 0.85), (0.16, 0.13, 0.16), _SOFA),
    _category("stool", (0.38, 0.55, 0.38), 0.25, _STOOL, is_round=True),
    _category("bench", (1.2, 0.45, 0.38), (0.3, 0.15, 0.2), _TABLE),
    _category("ottoman", (0.6, 0.42, 0.5), 0.25),
    _category("sofa", (2.0, 0.84, 0.9), (0.2, 0.1, 0.12), _SOFA),
    _category("table", (1.4, 0.74, 0.85), (0.3, 0.15, 0.22), *_TABLES),
    _category("coffee table", (1.05, 0.44, 0.6), (0.25, 0.15, 0.22), *_TABLES),
    _category("side table", (0.48, 0.52, 0.45), (0.22, 0.18, 0.22), *_TABLES),
    _category("desk", (1.4, 0.75, 0.7), (0.18, 0.06, 0.14), _DESK, _TABLE),
    _category("bed", (1.55, 0.95, 2.1), (0.22, 0.2, 0.06), _BED, _WHOLE),
    _category("cabinet", (0.9, 0.85, 0.48), (0.4, 0.3, 0.2)),
    _category("sideboard", (1.5, 0.82, 0.45), (0.2, 0.15, 0.15)),
    _category("dresser", (1.1, 0.85, 0.48), (0.25, 0.17, 0.13)),
    _category("nightstand", (0.46, 0.54, 0.41), (0.15, 0.15, 0.15)),
    _category("wardrobe", (1.2, 2.0, 0.6), (0.35, 0.08, 0.1)),
    _category("bookshelf", (0.9, 1.9, 0.33), (0.3, 0.2, 0.15)),
    _category("refrigerator", (0.7, 1.75, 0.68), (0.15, 0.12, 0.1)),
    _category("stove", (0.65, 0.89, 0.62), (0.4, 0.05, 0.07)),
    _category("washer", (0.6, 0.85, 0.58), (0.06, 0.06, 0.1)),
    _category("sink", (0.55, 0.85, 0.46), (0.3, 0.15, 0.2)),
    _category("toilet", (0.38, 0.77, 0.68), (0.1, 0.08, 0.1), _TOILET),
    _category("bathtub", (0.75, 0.57, 1.7), (0.1, 0.1, 0.1)),
    _category("floor lamp", (0.4, 1.5, 0.4), (0.25, 0.12, 0.25), _FLOOR_LAMP, is_round=True),
    _category("lamp", (0.32, 0.55, 0.32), (0.25, 0.3, 0.25), _TABLE_LAMP, rests=True, is_round=True),
    _category("ceiling lamp", (0.4, 0.8, 0.4), 0.35, _PENDANT, rests=True, is_round=True),
    _category("plant", (0.65, 0.95, 0.65), 0.35, _PLANT, is_round=True, is_airy=True),
    _category("flowers", (0.3, 0.45, 0.3), 0.3, _TABLE_LAMP, rests=True, is_round=True),
    _category("rug", (2.2, 0.012, 1.6), (0.3, 0.1, 0.3)),
    _category("picture", (0.7, 0.6, 0.03), (0.4, 0.4, 0.2), rests=True),
    _category("mirror", (0.6, 0.9, 0.04), (0.4, 0.4, 0.3), rests=True),
    _category("curtain", (1.0, 2.2, 0.12), (0.4, 0.2, 0.3)),
    _category("screen", (0.75, 0.52, 0.2), (0.4, 0.35, 0.2), _SCREEN, rests=True),
    _category("laptop", (0.34, 0.24, 0.27), 0.12, _LAPTOP, rests=True),
    _category("book", (0.22, 0.08, 0.17), (0.2, 0.5, 0.2), rests=True),
    _category("clock", (0.2, 0.2, 0.07), (0.4, 0.4, 0.4), rests=True),
    _category("microwave", (0.48, 0.28, 0.36), 0.1, rests=True),
    _category("toaster", (0.28, 0.19, 0.17), 0.15, rests=True),
    _category("printer", (0.42, 0.22, 0.36), 0.2, rests=True),
    _category("vase", (0.18, 0.3, 0.18), 0.35, rests=True, is_round=True),
    _category("bottle", (0.08, 0.28, 0.08), 0.2, rests=True, is_round=True),
    _category("cup", (0.085, 0.1, 0.085), 0.2, rests=True, is_round=True),
    _category("bowl", (0.26, 0.11, 0.26), 0.3, rests=True, is_round=True),
    _category("pot", (0.26, 0.2, 0.26), 0.25, rests=True, is_round=True),
    _category("bin", (0.28, 0.4, 0.28), 0.3, is_round=True),
    _category("bag", (0.4, 0.34, 0.2), 0.25),
    _category("cushion", (0.45, 0.42, 0.16), 0.15, rests=True),
    _category("box", (0.45, 0.35, 0.38), 0.5),
)

CATEGORIES = {category.name: category for category in _ALL}
"""Every category by name."""

_WORDS = {
    "armchair": "easy chair, lounge chair, recliner, club chair",
    "bag": "backpack, briefcase, handbag, suitcase, luggage, basket",
    "bathtub": "bath, tub",
    "bed": "bunk, cot, crib",
    "bench": "pew",
    "bin": "trash can, wastebasket, dustbin, garbage can, bucket, waste container, umbrella stand",
    "book": "books, magazine, book stack, notebook",
    "bookshelf": "shelf, shelves, bookcase, shelving, rack, bookcases",
    "bottle": "wine bottle, flask",
    "bowl": "fruit bowl, plate, dish, tray, basin",
    "box": "carton, chest, crate, trunk",
    "cabinet": "cupboard, filing cabinet, kitchen cabinet, file cabinet, locker, cabinetry, counter, kitchen island",
    "chair": "dining chair, kitchen chair, seat",
    "clock": "alarm clock, wall clock",
    "ceiling lamp": "pendant, pendant lamp, chandelier, hanging lamp, ceiling light",
    "coffee table": "tea table, low table",
    "cup": "mug, glass, coffee cup, wine glass, tumbler",
    "curtain": "drape, blind, shower curtain, window blind",
    "cushion": "pillow",
    "desk": "writing desk, computer desk, workbench, work table",
    "dresser": "chest of drawers, bureau, drawer, drawers, commode",
    "floor lamp": "standing lamp, torchiere",
    "lamp": "table lamp, desk lamp, bedside lamp, light, light fixture",
    "flowers": "flower, bouquet, rose",
    "laptop": "notebook computer",
    "microwave": "microwave oven",
    "mirror": "looking glass",
    "nightstand": "bedside table, bedside cabinet, night table, night stand",
    "office chair": "swivel chair, desk chair, task chair, computer chair",
    "ottoman": "pouf, footstool, hassock",
    "picture": "painting, picture frame, poster, photo frame, artwork, frame, window, door, radiator",
    "plant": "houseplant, potted plant, flowerpot, tree, indoor plant",
    "pot": "pan, saucepan, kettle, teapot, jug, pitcher, jar",
    "printer": "copier, scanner, telephone, phone",
    "refrigerator": "fridge, freezer",
    "rug": "carpet, mat, doormat",
    "screen": "monitor, tv, television, computer, computer monitor, display, tvmonitor",
    "side table": "end table, accent table",
    "sideboard": "buffet, credenza, tv stand, tv cabinet, media console, console",
    "sink": "washbasin, washstand, vanity",
    "sofa": "couch, settee, loveseat, divan, studio couch, sofa bed",
    "stool": "bar stool, barstool",
    "stove": "oven, cooker, range, gas stove, dishwasher, fireplace",
    "table": "dining table, kitchen table, kitchen & dining room table, conference table, round table",
    "toaster": "coffee maker, coffeemaker, blender, radio, speaker, loudspeaker",
    "toilet": "wc, lavatory, bidet",
    "vase": "urn, candle, candlestick, statue, figurine, sculpture",
    "wardrobe": "closet, armoire",
    "washer": "washing machine, dryer, tumble dryer",
}
_CATEGORY_OF = {word.strip(): name for name, words in _WORDS.items() for word in words.split(",")} | {
    name: name for name in CATEGORIES
}


def category_of(label: str) -> Category | None:
    """The category that a label names, or None.

    The whole label is tried first, then what is left without its first words (`red leather sofa` is a `sofa`), each
    also in the singular.
    """
    words = re.sub(r"[-_\s]+", " ", label.strip().lower()).split(" ")
    for start in range(len(words)):
        phrase = " ".join(words[start:])
        for form in (phrase, phrase.removesuffix("s"), phrase.removesuffix("es")):
            if form in _CATEGORY_OF:
                return CATEGORIES[_CATEGORY_OF[form]]
    return None


_ALSO = {
    "chair": ("armchair", "stool", "office chair"),
    "table": ("coffee table", "side table", "sideboard"),
}
"""What else detectors call by the word for a category: they know few words for furniture."""


def kinds_of(label: str) -> tuple[Category, ...]:
    """The category that a label names, and what else detectors call by it; empty for no word of furniture."""
    category = category_of(label)
    if category is None:
        return ()
    return (category, *(CATEGORIES[name] for name in _ALSO.get(label.strip().lower(), ())))


def fitted_category(view: ObjectView, seed: int, box: FittedBox | None = None) -> tuple[Category | None, FittedBox]:
    """What an object is, as far as label and silhouette tell, and the box that it fills.

    Args:
        view: the object.
        seed: for the search of the box.
        box: the box if it was fitted before.

    Raises:
        DegenerateGeometryError: the visible mask is empty.
    """
    category = _by_label(view)
    if category is None:
        return None, box or fit_box(view, prior=None, seed=seed)
    word = view.instance.label.strip().lower()
    also = tuple(CATEGORIES[name] for name in _ALSO.get(word, ()))
    priors = tuple(kind.prior for kind in (category, *also))
    absolute = not category.rests
    box = box or fit_box(view, prior=priors[0], seed=seed, absolute=absolute, others=priors[1:])
    return (category, *also)[likeliest(view, box, priors, absolute=absolute) if also else 0], box


def _by_label(view: ObjectView) -> Category | None:
    """The category that the label names; a lamp is told by its slenderness."""
    category = category_of(view.instance.label)
    if category is not None and category.name == "lamp" and view.instance.label.strip().lower() == "lamp":
        x0, y0, x1, y1 = view.instance.box
        return CATEGORIES["floor lamp"] if y1 - y0 > FLOOR_LAMP_ASPECT * max(x1 - x0, 1) else category
    return category
