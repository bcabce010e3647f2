"""What labels say about supports: a prior, for where neither masks nor points decide.

Each set holds words of labels; a label that no set knows is judged by what the picture shows alone.
"""

from regen3d.types import Instance

FLAT = frozenset({"rug", "carpet", "mat", "doormat"})
"""What lies flat on the floor: it hides nothing, and what stands on it stands on the floor."""

HANGING = frozenset({"picture", "painting", "poster", "mirror", "frame", "artwork", "curtain", "blind", "thermostat"})
"""What hangs on walls unless it visibly stands on something."""

OVERHEAD = frozenset({"chandelier", "pendant", "ceiling"})
"""What hangs from the ceiling."""

LIGHTS = frozenset({"lamp", "light", "fan", "bulb"})
"""What hangs from the ceiling as often as on walls, where it stands nowhere."""

SEATS = frozenset({"sofa", "couch", "loveseat", "armchair", "chair", "bed", "bench", "stool", "ottoman"})
"""What carries soft things only: a lamp that ends at a sofa stands behind it."""

SOFT = frozenset({"pillow", "cushion", "blanket", "throw", "toy", "bag", "book", "books", "laptop", "basket", "cat"})
"""What may lie on seats."""

VESSELS = frozenset({"vase", "pot", "bowl", "cup", "bottle", "flowerpot", "planter", "jug", "basket", "urn"})
"""What holds contents."""

CONTENTS = frozenset({"plant", "flower", "flowers", "bouquet", "houseplant", "branch", "branches", "fruit"})
"""What vessels hold: it stands out over their mouth on all sides, however wide it is."""

STANDING = SEATS | frozenset(
    {"table", "desk", "wardrobe", "dresser", "nightstand", "sideboard", "refrigerator", "fridge", "stove"}
    | {"dishwasher", "counter", "bin", "shoes", "slippers", "bathtub"}
)
"""What stands on floors and never hangs, even where its legs are missing from the mask."""

GROUNDED = STANDING | frozenset({"cabinet", "closet", "bookshelf", "bookcase", "shelf", "oven"})
"""What stands on floors, if it does not hang: where another mask begins under it, it hides them."""

SMALL = frozenset({"microwave", "mini", "toy"})
"""What makes a small thing of a large one's name: a microwave oven stands on a worktop."""

TABLETOP = frozenset(
    {
        "vase",
        "bowl",
        "cup",
        "mug",
        "glass",
        "bottle",
        "jug",
        "plate",
        "tray",
        "kettle",
        "teapot",
        "toaster",
        "microwave",
    }
    | {"clock", "book", "books", "phone", "laptop", "computer", "monitor", "keyboard", "printer", "candle"}
    | {"radio", "fruit", "cushion", "pillow"}
)
"""What hardly ever stands on floors: it stands on what begins below it, even where no top of that is to be seen."""

EITHER = frozenset({"lamp", "plant", "box", "bag", "basket", "speaker", "fan", "tv", "television"})
"""What stands on floors as often as on furniture, and then is hidden by it."""


def words_of(item: Instance) -> frozenset[str]:
    """The words of an object's label."""
    return frozenset(item.label.replace("-", " ").replace("_", " ").split())


def is_flat(label: str) -> bool:
    """Whether a label names something that lies flat on the floor."""
    return any(word in FLAT for word in label.split())


def is_grounded(item: Instance) -> bool:
    """Whether an object is furniture that stands on the floor where it does not hang, going by its label."""
    return _is_large(item, GROUNDED)


def is_standing(item: Instance) -> bool:
    """Whether an object is furniture that stands on the floor in any case, going by its label."""
    return _is_large(item, STANDING)


def _is_large(item: Instance, words: frozenset[str]) -> bool:
    return bool(words_of(item) & words) and not words_of(item) & (SMALL | LIGHTS)
