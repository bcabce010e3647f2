"""Which classes of the two detectors are things of a room, what they are called here, and how sure one must be.

Labels are the plain words that the rest of the project uses. People, animals, food and vehicles have no label, so they
are never found.
"""

from collections.abc import Sequence
from dataclasses import dataclass

# fmt: off
COCO = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)
"""Classes of NanoDet in the order of its scores."""

OPEN_IMAGES = (
    "background", "bicycle", "boot", "laptop", "person", "chair", "cattle", "desk", "cat", "computer mouse",
    "computer monitor", "box", "mug", "coffee cup", "stationary bicycle", "table", "bottle", "high heels", "vehicle",
    "footwear", "dog", "book", "camera", "car",
)
"""Classes of the SSD in the order of its scores."""
# fmt: on

LABELS = {
    "bench": "bench",
    "backpack": "bag",
    "handbag": "bag",
    "suitcase": "bag",
    "bottle": "bottle",
    "wine glass": "cup",
    "cup": "cup",
    "mug": "cup",
    "coffee cup": "cup",
    "bowl": "bowl",
    "box": "box",
    "chair": "chair",
    "couch": "sofa",
    "potted plant": "plant",
    "bed": "bed",
    "dining table": "table",
    "table": "table",
    "desk": "desk",
    "toilet": "toilet",
    "tv": "screen",
    "computer monitor": "screen",
    "laptop": "laptop",
    "microwave": "microwave",
    "oven": "stove",
    "toaster": "toaster",
    "sink": "sink",
    "refrigerator": "refrigerator",
    "book": "book",
    "clock": "clock",
    "vase": "vase",
}
"""Class of a detector -> label."""

FLAT = frozenset({"picture", "rug"})
"""Labels of what lies flat on a side of the room: it belongs to the room's texture unless somebody asks for it."""

OF_ROOM = frozenset({"bookshelf", "cabinet", "lamp", "object"}) | FLAT
"""Labels that no detector knows; what bears them is found by holding the picture against its room."""

EVERYTHING = tuple(sorted({*LABELS.values(), *OF_ROOM}))
"""All labels."""

ALIASES = {
    "armchair": "chair",
    "stool": "chair",
    "office chair": "chair",
    "dining chair": "chair",
    "settee": "sofa",
    "loveseat": "sofa",
    "coffee table": "table",
    "side table": "table",
    "end table": "table",
    "kitchen table": "table",
    "houseplant": "plant",
    "flowers": "plant",
    "television": "screen",
    "monitor": "screen",
    "computer": "screen",
    "glass": "cup",
    "books": "book",
    "fridge": "refrigerator",
    "cooker": "stove",
    "fruit bowl": "bowl",
    "briefcase": "bag",
    "rucksack": "bag",
    "alarm clock": "clock",
    "bookcase": "bookshelf",
    "shelf": "bookshelf",
    "cupboard": "cabinet",
    "wall cupboard": "cabinet",
    "kitchen cabinet": "cabinet",
    "filing cabinet": "cabinet",
    "wardrobe": "cabinet",
    "dresser": "cabinet",
    "chest of drawers": "cabinet",
    "sideboard": "cabinet",
    "nightstand": "cabinet",
    "floor lamp": "lamp",
    "table lamp": "lamp",
    "painting": "picture",
    "poster": "picture",
    "carpet": "rug",
}
"""Other words that a user may ask with -> label; the classes of the detectors are understood as well."""

PARTS = {
    "plant": frozenset({"vase", "cup", "bowl", "bottle"}),
    "bed": frozenset({"chair", "sofa", "bench", "table", "desk"}),
    "sofa": frozenset({"chair", "bed", "bench"}),
    "stove": frozenset({"microwave", "toaster"}),
}
"""Label -> labels that a detector likes to give to a part of such a thing: its pot, its headboard, its seat."""

DEFAULT_THRESHOLD = 0.40
"""Least score of a detection. Set, like the table below, on five rendered rooms and a photograph: the first false
object of the labels that are not in the table comes at 0.37, the lowest true one at 0.40."""

THRESHOLDS = {"chair": 0.55, "table": 0.45, "desk": 0.50, "screen": 0.50, "laptop": 0.50, "book": 0.50, "cup": 0.50}
"""Higher ones for labels that both detectors know, whose scores add up: false chairs reach 0.51, true ones start at
0.61; a picture on the wall reaches 0.45 as a screen."""

GAINS = {"bed": 1.6, "desk": 1.2}
"""Factors on the scores of labels that one detector alone knows, which rival with one that both know: a bed with a
chair, a desk with a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a request looks for."""

    names: dict[str, str]
    """Label -> how the user calls it."""
    notes: tuple[str, ...]
    """A sentence for each label that cannot be looked for as asked."""


def tidy(label: str) -> str:
    """A label in lower case with single spaces."""
    return " ".join(label.lower().replace("_", " ").split())


def look_up(label: str) -> str | None:
    """The label that stands behind a word of the user, or None; a final plural s is forgiven."""
    known = {label: label for label in EVERYTHING} | ALIASES | LABELS
    word = tidy(label)
    return known.get(word) or known.get(word.removesuffix("s"))


def resolve(labels: Sequence[str]) -> Wanted:
    """Understand the labels of a request; none means everything but what belongs to the room's texture."""
    if not labels:
        return Wanted(names={label: label for label in EVERYTHING if label not in FLAT}, notes=())
    names: dict[str, str] = {}
    notes = []
    for word in map(tidy, labels):
        label = look_up(word)
        if label is None:
            notes.append(f"The detectors do not know {word!r}, so none was looked for; draw a box round it instead.")
        elif names.setdefault(label, word) != word:
            notes.append(f"{word!r} cannot be told from {names[label]!r}; both are called {names[label]!r}.")
    return Wanted(names=names, notes=tuple(notes))
