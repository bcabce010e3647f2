"""The four protocols behind which every model stands, and the requests they answer.

A model is cheap to construct (on the driver), loads its weights in `load` (in the worker), answers batches, and gives
everything back in `close`. Requests and answers are the values of `regen3d.types`; they say what their numbers mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from regen3d.types import (
    Asset,
    Camera,
    Completion,
    Geometry,
    Instance,
    KnownCamera,
    Mask,
    ObjectView,
    Rgb,
    RoomLayout,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxPrompt:
    """A box that the user drew round one object."""

    label: str
    """What it is."""
    box: tuple[float, float, float, float]
    """(x0, y0, x1, y1) in pixels, end exclusive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointPrompt:
    """Points by which the user showed one object."""

    label: str
    """What it is."""
    points: tuple[tuple[float, float], ...]
    """(x, y) in pixels, on the object; at least one."""
    outside: tuple[tuple[float, float], ...] = ()
    """The same beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRequest:
    """Which objects does the picture show?"""

    image: Rgb
    """The picture."""
    labels: tuple[str, ...] = ()
    """What to look for; empty means the model's own vocabulary."""
    boxes: tuple[BoxPrompt, ...] = ()
    """Boxes of the user: each becomes exactly one instance, and no others are looked for."""
    points: tuple[PointPrompt, ...] = ()
    """The same shown by points."""
    seed: int = 0
    """For every random choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmentation:
    """The instances of one picture."""

    instances: tuple[Instance, ...]
    """Masks do not overlap; names are unique."""
    floor: Mask | None
    """Visible floor, where the model knows it."""
    notes: tuple[str, ...] = ()
    """Sentences for the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateRequest:
    """What does the room look like without its objects?"""

    image: Rgb
    """The picture."""
    objects: tuple[Mask, ...]
    """The visible mask of each object."""
    known_camera: KnownCamera | None = None
    """What the user knows of the camera; its numbers are kept."""
    seed: int = 0
    """For every random choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plate:
    """The picture of the empty room."""

    image: Rgb
    """Same size as the picture; equal to it outside `filled`."""
    filled: Mask
    """Pixels that were invented."""
    camera: Camera | None = None
    """The camera found on the way, handed on so that it is not found twice."""
    layout: RoomLayout | None = None
    """The room box found on the way, in the frame of `camera`."""
    notes: tuple[str, ...] = ()
    """Sentences for the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteRequest:
    """What does this object look like on its own and whole?"""

    view: ObjectView
    """The object in its picture."""
    seed: int = 0
    """For every random choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeometryRequest:
    """Where is the camera, and how far is every pixel?"""

    image: Rgb
    """The picture."""
    plate: Rgb
    """The empty room."""
    objects: tuple[Mask, ...]
    """The visible mask of each object."""
    known_camera: KnownCamera | None = None
    """What the user knows of the camera; its numbers are kept."""
    camera: Camera | None = None
    """The camera handed on by the plate, already true to `known_camera`."""
    layout: RoomLayout | None = None
    """The room box handed on by the plate, in the frame of `camera`."""
    seed: int = 0
    """For every random choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRequest:
    """Which mesh is this object?"""

    view: ObjectView
    """The object in its picture."""
    completion: Completion
    """The whole object."""
    seed: int = 0
    """For every random choice."""


@runtime_checkable
class Model(Protocol):
    """The lifecycle that all four protocols share."""

    def load(self) -> None:
        """Bring the weights into memory; called once per worker, before the first request.

        Raises:
            WeightsMissingError: they are not there; the message names the command that fetches them.
            NotInstalledError: a package is missing; the message names the command that installs it.
        """
        ...

    def close(self) -> None:
        """Give memory back; the model may be loaded again."""
        ...


@runtime_checkable
class Segmenter(Model, Protocol):
    """Finds the objects of a picture."""

    def segment(self, requests: Sequence[SegmentRequest]) -> list[Segmentation]:
        """Answer each request; an empty room gives no instances, which is no error."""
        ...


@runtime_checkable
class PlateEditor(Model, Protocol):
    """The half of `ImageEditor` that empties rooms."""

    def empty_room(self, requests: Sequence[PlateRequest]) -> list[Plate]:
        """Answer each request."""
        ...


@runtime_checkable
class CompletionEditor(Model, Protocol):
    """The half of `ImageEditor` that completes objects."""

    def complete(self, requests: Sequence[CompleteRequest]) -> list[Completion]:
        """Answer each request."""
        ...


@runtime_checkable
class ImageEditor(PlateEditor, CompletionEditor, Protocol):
    """Repaints pictures: empties the room, completes an object."""


@runtime_checkable
class GeometryEstimator(Model, Protocol):
    """Finds camera and point maps."""

    def estimate(self, requests: Sequence[GeometryRequest]) -> list[Geometry]:
        """Answer each request."""
        ...


@runtime_checkable
class AssetGenerator(Model, Protocol):
    """Makes a textured mesh of one object."""

    def generate(self, requests: Sequence[AssetRequest]) -> list[Asset]:
        """Answer each request.

        Raises:
            InvalidMeshError: nothing usable came out.
        """
        ...
