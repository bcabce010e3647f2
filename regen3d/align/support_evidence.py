"""What supports are inferred from."""

from collections.abc import Sequence
from dataclasses import dataclass

from regen3d.align.measured import MeasuredPoints
from regen3d.types import Camera, Instance, RoomLayout


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportEvidence:
    """All that is known of how the objects of a scene stand and hang; what is not known is None."""

    instances: Sequence[Instance]
    """The objects; masks do not overlap."""
    camera: Camera | None
    """In the world frame."""
    layout: RoomLayout | None
    """The room box."""
    measured: MeasuredPoints | None
    """Points that an estimator is sure of."""
