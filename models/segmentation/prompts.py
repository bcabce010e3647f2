"""Words for detectors that read: what to look for, how it is written, and which label an answer means."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.segmentation.vocabulary import EVERYTHING, FLAT, tidy

SURFACES = frozenset({"floor", "wall", "ceiling"})
"""Labels of the room's own sides: looked for, so that no object takes their place, and never objects."""
OPENINGS = frozenset({"window", "door"})
"""Labels of what the room's texture shows, unless somebody asks for it."""
DEFAULT_LABELS = tuple(label for label in EVERYTHING if label not in FLAT and label != "object")
"""What is looked for where nobody says: the vocabulary without pictures and rugs, and without the nameless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What to look for, and who said so."""

    labels: tuple[str, ...]
    """In the order of their importance."""
    asked: bool = False
    """Whether the user gave them; what is not found is told then."""
    notes: tuple[str, ...] = ()
    """Who proposed them; empty where the user did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for in one picture."""

    objects: tuple[str, ...]
    """Labels that become instances."""
    room: tuple[str, ...]
    """Labels of the room that are looked for beside them."""
    asked: bool
    """Whether the user named the objects."""
    notes: tuple[str, ...] = ()
    """Who proposed the labels, and a sentence for each that cannot be an object."""

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels."""
        return (*self.objects, *self.room)


def query_of(proposal: Proposal) -> Query:
    """What a proposal asks for: labels tidied, each once, the room's sides apart.

    A label is a side of the room by its exact word: a `floor lamp` and a `wall clock` are objects. A full stop in a
    label would end it, so that it counts as a space.
    """
    words = tuple(dict.fromkeys(filter(None, (tidy(label.replace(".", " ")) for label in proposal.labels))))
    objects = tuple(word for word in words if word not in SURFACES)
    sides = tuple(f"The {word} is a side of the room, not an object." for word in words if word in SURFACES)
    room = tuple(sorted(SURFACES)) + tuple(sorted(OPENINGS - set(objects)))
    return Query(objects=objects, room=room, asked=proposal.asked, notes=(*proposal.notes, *sides))


def write_prompt(labels: Sequence[str]) -> str:
    """Labels as GroundingDINO was trained to read them: lower case, each ended by a full stop."""
    return " ".join(f"{tidy(label)}." for label in labels)


def chunk_labels(labels: Sequence[str], count_tokens: Callable[[str], int], limit: int) -> tuple[tuple[str, ...], ...]:
    """Cut a list of labels where its prompt would be longer than the model reads.

    Args:
        labels: in the order of their prompts.
        count_tokens: length of a prompt in tokens, those at its ends included.
        limit: most tokens that the model reads; the rest would be cut off in silence.

    Returns:
        Lists of labels that keep the order; one whose prompt alone is too long stands alone.
    """
    chunks: list[tuple[str, ...]] = []
    for label in labels:
        if chunks and count_tokens(write_prompt((*chunks[-1], label))) <= limit:
            chunks[-1] = (*chunks[-1], label)
        else:
            chunks.append((label,))
    return tuple(chunks)


def match_label(phrase: str, labels: Sequence[str]) -> str | None:
    """The label that a phrase of the detector's answer means.

    A phrase holds the words of the prompt that a box was matched with: a part of a label, or of several. The label
    with most of its words in the phrase wins, then the one that leaves fewest words of the phrase over, then the
    first; None where no word of any is there.
    """
    said = set(_words(phrase))

    def rank(label: str) -> tuple[float, int]:
        own = set(_words(label))
        return len(own & said) / max(1, len(own)), -len(said - own)

    best = max(labels, key=rank, default=None)
    return best if best is not None and rank(best)[0] > 0.0 else None


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
