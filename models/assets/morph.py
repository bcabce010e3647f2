"""A template near one box and one set of parameters, as a linear function: thousands of trials cost one matrix product.

Rebuilding a piece of furniture takes milliseconds; its vertices hardly bend with its parameters, so between two
rebuilds they are taken as straight.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Integer

from models.assets.furniture.template import REACH, Template
from models.assets.solid import Surface, join
from regen3d.frames import rotation_about_y, yaw_of
from regen3d.types import FittedBox, Similarity

POSE = 6
"""Numbers of a change before those of the parameters: bearing, distance, yaw, width, height, depth."""
POSE_STEP = np.array([0.006, 0.02, 0.06, 0.05, 0.03, 0.08])
"""One step of bearing (rad), log distance, yaw (rad), log width, height and depth: the errors of a fitted box."""
DELTA = 0.25
"""Step of the differences by which the slope along a parameter is found; the whole range is four units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Morph:
    """A template at a box; a change is `POSE` steps of the pose and a deviation of each parameter."""

    template: Template
    """What is built."""
    box: FittedBox
    """Where it stands when nothing changes."""
    deviation: Float[np.ndarray, " k"]
    """Parameters at which the vertices are straightened."""
    faces: Integer[np.ndarray, "f 3"]
    """Vertex indices."""
    vertices: Float[np.ndarray, "v 3"]
    """Object frame, metres, at `deviation`."""
    slopes: Float[np.ndarray, "k v 3"]
    """Metres for each unit of deviation."""

    @property
    def start(self) -> Float[np.ndarray, " n"]:
        """The change that leaves it as it is."""
        return np.concatenate([np.zeros(POSE), self.deviation])

    def placed(self, changes: Float[np.ndarray, "b n"]) -> Float[np.ndarray, "b v 3"]:
        """Vertices in the world frame after each change."""
        deviation = np.clip(changes[:, POSE:], -REACH, REACH) - self.deviation
        shaped = self.vertices + np.einsum("bk,kvc->bvc", deviation, self.slopes)
        yaw, place, stretch = _moves(self.box, changes)
        x, y, z = np.moveaxis(shaped * stretch[:, None], 2, 0)
        cosine, sine = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
        turned = np.stack([cosine * x + sine * z, y, cosine * z - sine * x], axis=2)
        return turned + place[:, None]

    def at(self, box: FittedBox) -> "Morph":
        """The same stretched to another box, not rebuilt for it."""
        factor = box.size_m / self.box.size_m
        return replace(self, box=box, vertices=self.vertices * factor, slopes=self.slopes * factor)

    def changed(self, change: Float[np.ndarray, " n"]) -> "Morph":
        """The template rebuilt where a change leads."""
        return morph_at(self.template, moved_box(self.box, change), np.clip(change[POSE:], -REACH, REACH))


def morph_at(template: Template, box: FittedBox, deviation: Float[np.ndarray, " k"]) -> Morph:
    """A template straightened at a box and at parameters.

    Raises:
        InvalidMeshError: the parts have no extent along an axis.
    """
    base = _built(template, box, deviation)
    slopes = np.zeros((len(deviation), *base.vertices.shape))
    for k in range(len(deviation)):
        # Towards the middle of the range, as parameters end at their bounds.
        step = -DELTA if deviation[k] > 0 else DELTA
        other = _built(template, box, deviation + step * (np.arange(len(deviation)) == k))
        # A parameter that changes the number of parts has no slope; it keeps its value.
        if other.vertices.shape == base.vertices.shape:
            slopes[k] = (other.vertices - base.vertices) / step
    return Morph(
        template=template, box=box, deviation=deviation, faces=base.faces, vertices=base.vertices, slopes=slopes
    )


def moved_box(box: FittedBox, change: Float[np.ndarray, " n"]) -> FittedBox:
    """The box after a change; the base keeps its height."""
    yaw, place, stretch = _moves(box, change[None])
    pose = Similarity(rotation=rotation_about_y(float(yaw[0])), translation=place[0], scale=1.0)
    return FittedBox(size_m=box.size_m * stretch[0], world_from_object=pose, iou=box.iou)


def surface_of(morph: Morph) -> Surface:
    """The exact surface, with its charts and materials."""
    return _built(morph.template, morph.box, morph.deviation)


def _built(template: Template, box: FittedBox, deviation: Float[np.ndarray, " k"]) -> Surface:
    width, height, depth = (float(side) for side in box.size_m)
    return join(template((width, height, depth), deviation), box.size_m)


def _moves(
    box: FittedBox, changes: Float[np.ndarray, "b n"]
) -> tuple[Float[np.ndarray, " b"], Float[np.ndarray, "b 3"], Float[np.ndarray, "b 3"]]:
    """Yaw, place and stretch after each change; the object swings about the eye as its bearing changes."""
    bearing, distance, turn = (changes[:, :3] * POSE_STEP[:3]).T
    pose = box.world_from_object
    x, y, z = pose.translation
    cosine, sine, factor = np.cos(bearing), np.sin(bearing), np.exp(distance)
    place = np.stack([factor * (cosine * x - sine * z), np.full(len(changes), y), factor * (sine * x + cosine * z)], 1)
    return yaw_of(pose.rotation) + turn - bearing, place, np.exp(changes[:, 3:POSE] * POSE_STEP[3:])
