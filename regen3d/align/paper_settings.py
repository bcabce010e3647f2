"""What of the published alignment is reproduced, and at which settings."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperFaults:
    """Which faults of the released code are reproduced."""

    second_sigmoid: bool = False
    """Coverage goes through another sigmoid: an empty pixel counts half, a covered one 0.73."""
    eroded_target: bool = False
    """The silhouette to match is 12 px thinner than the mask and 2 px off."""
    symmetric_points: bool = False
    """Every face, seen or not, is drawn to the nearest point; and the yaw grid compares vertices, both ways."""
    repeated_yaw: bool = False
    """Of eight yaws tried the last is the first again."""
    narrow_sigma: bool = False
    """Outlines are so sharp that only pixels on them have a gradient."""
    transposed_normal: bool = False
    """The floor's normal is a column of the singular vectors, not a row."""
    camera_up: bool = False
    """Up is the picture's, not gravity's: what is not on the floor keeps the camera's pitch."""
    last_iterate: bool = False
    """The last step is the answer, not the best one."""


RELEASED = PaperFaults(
    second_sigmoid=True,
    eroded_target=True,
    symmetric_points=True,
    repeated_yaw=True,
    narrow_sigma=True,
    transposed_normal=True,
    camera_up=True,
    last_iterate=True,
)
"""As released."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSettings:
    """The published settings; smaller ones for tests and tables are told in the notes."""

    width_px: int = 1024
    """Width of the pictures that silhouettes are compared in."""
    steps: int = 300
    """Of gradient descent, at most."""
    most_points: int = 4000
    """Of the object's cloud, chosen at random: their mean square is that of all to a few per cent."""
    faults: PaperFaults = field(default_factory=PaperFaults)
    """What is reproduced."""
