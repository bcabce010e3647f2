"""The contract of evaluation protocols: placed meshes in, numbers out.

A protocol is a pure function of what was predicted and what is true. Everything is in the camera frame (OpenCV: x
right, y down, z forward) of the true camera, metres. Results hold finite numbers only; what has no answer is absent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

from regen3d.types import Camera


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedMesh:
    """The surface of one object where it stands."""

    name: str
    """Unique among the objects of its scene."""
    vertices: Float[np.ndarray, "v 3"]
    """Camera frame, metres, finite."""
    faces: Integer[np.ndarray, "f 3"]
    """Vertex indices; at least one face has an area."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolSettings:
    """What can be chosen of any protocol."""

    samples: int | None = None
    """Points on each surface that the protocol samples (each object, or the whole scene); None is the protocol's
    own number."""
    seed: int = 0
    """Of the sampling."""
    camera: Camera | None = None
    """The true camera. Its world says what is up, and its axes (those of the room, best) are those of axis-aligned
    boxes; its picture says what is seen. Protocols that want it say in a note where it is not given."""
    overlap: Float[np.ndarray, "p t"] | None = None
    """How much each predicted object overlaps each true one, in the orders given, for matching them: mask IoU, say.
    None: by the boxes round the meshes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectResult:
    """One true object and how well it was reconstructed."""

    name: str
    """The true object."""
    matched: str | None
    """The predicted object that stands for it; None: it is missing."""
    values: dict[str, float]
    """Numbers by key. A missing object has the worst value where there is one (0 for overlaps and F-scores), and
    no value where there is none (distances)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolResult:
    """One scene by one protocol."""

    protocol: str
    """Its name."""
    scene: dict[str, float]
    """Numbers of the whole scene by key; among them `objects_true`, `objects_missing` and `objects_extra` where the
    protocol matches objects."""
    objects: tuple[ObjectResult, ...]
    """One for each true object, in their order; none where the protocol looks at the whole scene only."""
    notes: tuple[str, ...] = ()
    """Sentences for the report: extra objects by name, what could not be measured."""


Score = Callable[[Sequence[PlacedMesh], Sequence[PlacedMesh], ProtocolSettings], ProtocolResult]
"""Predicted and true objects to a result; at least one true object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """A way of scoring a scene that has a name."""

    name: str
    """As `--protocol` takes it."""
    summary: str
    """What it measures and how it aligns, one sentence for tables."""
    samples: int
    """Its own number of points on each surface that it samples."""
    score: Score
    """The function; call it through `regen3d.metrics.protocols.registry.evaluate`."""
