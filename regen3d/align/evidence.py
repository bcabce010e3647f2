"""All that the pose of one object is judged by."""

from dataclasses import dataclass

from regen3d.align.floor_depth import SLIDE_SPREAD
from regen3d.align.planes import Walls
from regen3d.align.pose import SupportPlane
from regen3d.align.proxy import Proxy
from regen3d.align.size_prior import SizePrior
from regen3d.align.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a pose has to explain, and what is known before the picture is looked at."""

    plane: SupportPlane
    """What the object touches."""
    proxy: Proxy
    """The object."""
    target: Target
    """What the picture shows of it."""
    slide_spread: float = SLIDE_SPREAD
    """Standard deviation of the logarithm by which all its points are too far away."""
    known_log_scale: float | None = None
    """Logarithm of the scale that gives the object its own size; None where its size is unknown."""
    square_yaw: float | None = None
    """A direction in radians to which objects are square, as the room's walls are; None where it is unknown."""
    hinted_yaw: float | None = None
    """The yaw in radians under which the mesh was made; None where it is unknown: then fronts face the camera."""
    size_prior: SizePrior | None = None
    """How large its category usually is; None where its own size is known, or where no size can be measured."""
    walls: Walls | None = None
    """The walls that the object cannot stand behind; None where none is known."""
