"""Let a scene stand on its own for a second: what moves was not placed where it could stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from regen3d.errors import NotInstalledError
from regen3d.frames import rotation_about_y
from regen3d.metrics.convex import ConvexPieces, convex_pieces, digest_of
from regen3d.metrics.surfaces import Surface
from regen3d.types import RoomLayout

SECONDS = 1.0
"""Simulated time: a cup falls from any table, a chair tips over."""

STEP_S = 0.002
"""MuJoCo's own step."""

STABLE_M, STABLE_DEG = 0.02, 3.0
"""What an object may move and turn; in a true office, where all stand, none went more than 1 mm and 0.2 degrees."""

GRAVITY = (0.0, -9.81, 0.0)
"""World frame, metres per second squared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """What became of one object."""

    moved_m: float
    """How far the middle of its box went, metres."""
    turned_deg: float
    """How far it turned, degrees, 0..180."""
    hull_only: bool
    """Whether it fell as its convex hull, as it could not be taken apart."""

    @property
    def stable(self) -> bool:
        """Whether it stayed where it was."""
        return self.moved_m < STABLE_M and self.turned_deg < STABLE_DEG


@dataclass(frozen=True, slots=True, kw_only=True)
class DropTest:
    """What became of a scene."""

    falls: tuple[Fall | None, ...]
    """One for each object; None for those that were held."""
    stable_share: float | None
    """Share of the free objects that stayed, 0..1; None where none was free."""


def drop_test(
    objects: Sequence[Surface],
    layout: RoomLayout | None = None,
    held: frozenset[int] = frozenset(),
    seed: int = 0,
) -> DropTest:
    """Simulate a scene under gravity with MuJoCo, all objects free at once.

    The floor is y = 0; the walls of a known room stand too. Objects are rigid, all of one density, of the convex pieces
    that `convex_pieces` gives; equal meshes are taken apart once.

    Args:
        objects: where they stand.
        layout: the room, where it is known.
        held: indices of objects that cannot move, such as what hangs on a wall or from the ceiling.
        seed: of the convex pieces; the simulation itself has no chance in it.

    Raises:
        NotInstalledError: MuJoCo or CoACD is not installed.
        InvalidMeshError: an object has no face with an area.
    """
    try:
        import mujoco
    except ImportError as error:
        raise NotInstalledError("the drop test needs MuJoCo: pip install '.[evaluate]'") from error
    known: dict[str, ConvexPieces] = {}
    for item in objects:
        if (digest := digest_of(item)) not in known:
            known[digest] = convex_pieces(item, seed)
    solids = [known[digest_of(item)] for item in objects]
    middles = [item.bounds.mean(axis=0) for item in objects]
    model = _room(mujoco, layout)
    for k, (solid, middle) in enumerate(zip(solids, middles, strict=True)):
        _add_body(mujoco, model, k, solid, middle, free=k not in held)
    world = model.compile()
    state = _after(mujoco, world)
    bodies = [world.body(f"object-{k}").id for k in range(len(objects))]
    falls = tuple(
        None
        if k in held
        else Fall(
            moved_m=float(np.linalg.norm(state.xpos[body] - middles[k])),
            turned_deg=float(np.degrees(Rotation.from_matrix(state.xmat[body].reshape(3, 3)).magnitude())),
            hull_only=solids[k].hull_only,
        )
        for k, body in enumerate(bodies)
    )
    free = [fall for fall in falls if fall is not None]
    return DropTest(falls=falls, stable_share=sum(fall.stable for fall in free) / len(free) if free else None)


def _after(mujoco: Any, world: Any) -> Any:
    """The state of a model when the simulated time is over."""
    state = mujoco.MjData(world)
    for _ in range(round(SECONDS / STEP_S)):
        mujoco.mj_step(world, state)
    return state


def _room(mujoco: Any, layout: RoomLayout | None) -> Any:
    """A model with the floor and, where a room is known, its walls."""
    model = mujoco.MjSpec()
    model.option.gravity = GRAVITY
    model.option.timestep = STEP_S
    _add_plane(mujoco, model, np.zeros(3), np.array([0.0, 1.0, 0.0]))
    if layout is not None:
        rotation = rotation_about_y(layout.yaw_rad)
        for axis in (0, 2):
            inward = np.eye(3)[axis]
            _add_plane(mujoco, model, rotation @ layout.bounds_min, rotation @ inward)
            _add_plane(mujoco, model, rotation @ layout.bounds_max, rotation @ -inward)
    return model


def _add_plane(mujoco: Any, model: Any, place: Float[np.ndarray, " 3"], normal: Float[np.ndarray, " 3"]) -> None:
    turn = Rotation.align_vectors(normal[None], np.array([[0.0, 0.0, 1.0]]))[0]
    quaternion = turn.as_quat(scalar_first=True)
    model.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0.0, 0.0, 1.0], pos=place, quat=quaternion)


def _add_body(
    mujoco: Any, model: Any, index: int, solid: ConvexPieces, middle: Float[np.ndarray, " 3"], *, free: bool
) -> None:
    body = model.worldbody.add_body(name=f"object-{index}", pos=middle)
    if free:
        body.add_freejoint()
    for number, corners in enumerate(solid.pieces):
        name = f"piece-{index}-{number}"
        mesh = model.add_mesh(name=name, uservert=(corners - middle).ravel())
        mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name)
