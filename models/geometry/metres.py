"""Metres for a geometry that assumes a camera of usual height.

They come from a length that the user knows, else from the usual heights of the furniture that was found and of the
ceiling, and from what the camera wrote into the picture, weighed with the usual height of a camera.
"""

from dataclasses import dataclass

import numpy as np

from models.assets.sizes import Category, category_of, kinds_of
from regen3d.align.box import fit_box
from regen3d.align.occlusion import occluders
from regen3d.align.support import infer_supports
from regen3d.errors import ConfigError
from regen3d.inputs.length import DIMENSIONS, KnownLength, check_measured
from regen3d.room.metres import Witness, likeliest_factor, rescaled, usual_ceiling
from regen3d.types import Geometry, Instance, ObjectView, Rgb

MEASURED = 5
"""Objects that are measured, those first whose category varies least: more change the factor by under 1 %."""
LARGE = 0.005
"""Part of the picture that an object has to show to be measured."""
VARIED = 0.25
"""Categories whose heights vary more (standard deviation of the logarithm) say nothing about metres."""
MEASURING_LOG_SIGMA = 0.08
"""How exact a height measured in the picture is: rendered rooms, masks as the detectors' boxes give them."""
FOCUS_LOG_SIGMA = 0.2
"""How exact a distance of focus is, and how well the middle of the picture stands for what was in focus."""
MIDDLE = 0.1
"""Part of the picture's sides in whose middle the distance of focus holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleRequest:
    """What may say how long a metre is."""

    image: Rgb
    """The picture."""
    instances: tuple[Instance, ...]
    """Its objects."""
    length: KnownLength | None = None
    """A length that the user knows; wins over everything."""
    focus_m: float | None = None
    """Distance that the lens was focused to, metres, where the picture's file tells it."""
    height_known: bool = False
    """Whether the user gave the height of the camera."""
    seed: int = 0
    """For every random choice."""


def in_metres(geometry: Geometry, request: ScaleRequest) -> Geometry:
    """The same geometry in metres, as far as anything tells them; see `Geometry.scale_source`.

    Raises:
        ConfigError: the length is that of no object of the scene, or of one that cannot be measured.
    """
    if request.length is not None:
        return _by_length(geometry, request, request.length)
    if geometry.scale_source or request.height_known:
        return geometry
    views = _measurable(geometry, request)
    witnesses = [_witness(view, category, request.seed) for view, category in views]
    ceiling, focus = usual_ceiling(geometry.layout), _focus(geometry, request.focus_m)
    told = [witness for witness in (ceiling, focus) if witness is not None]
    if not witnesses and not told:
        return geometry
    factor, deviation = likeliest_factor([*witnesses, *told], float(geometry.camera.position[1]))
    usual = [view.instance.name for view, _ in views] + (["the ceiling"] if ceiling else [])
    said = [f"the usual heights of {', '.join(usual)}"] if usual else []
    said += ["the distance of focus in the picture's file"] if focus else []
    height = factor * float(geometry.camera.position[1])
    source = (
        f"Metres come from {' and '.join(said)}, and the usual height of a camera: "
        f"it stood {height:.2f} m above the floor, give or take {100 * deviation:.0f} %."
    )
    return rescaled(geometry, factor, source)


def _by_length(geometry: Geometry, request: ScaleRequest, length: KnownLength) -> Geometry:
    """The geometry in which one object has the length that the user knows."""
    named = {item.name: item for item in request.instances}
    check_measured(length, list(named))
    if not named[length.name].mask.any():
        raise ConfigError(f"--scale names '{length.name}', of which nothing is visible: name another object")
    view = _view(geometry, request, named[length.name])
    category = category_of(view.instance.label)
    box = fit_box(view, prior=category.prior if category else None, seed=request.seed, absolute=False)
    factor = length.metres / float(box.size_m[DIMENSIONS.index(length.dimension)])
    source = f"Metres come from the {length.dimension} of {length.name}, {length.metres:g} m, which was given."
    return rescaled(geometry, factor, source, "metric")


def _measurable(geometry: Geometry, request: ScaleRequest) -> list[tuple[ObjectView, Category]]:
    """Objects on the floor, whole from end to end and of a usual height; those first whose kind varies least."""
    supports = infer_supports(request.instances, geometry.camera, geometry.layout, geometry.image_points)
    chosen: list[tuple[float, Instance, Category]] = []
    for item in request.instances:
        category = category_of(item.label)
        if category is None or category.rests or supports[item.name] != "floor":
            continue
        varies = float(category.prior.log_sigma[1])
        # A foot out of view may lie anywhere, and so may the height above it.
        cut = any(border.any() for border in (item.mask[0], item.mask[-1], item.mask[:, 0], item.mask[:, -1]))
        if varies <= VARIED and not cut and item.mask.mean() > LARGE and category.prior.median_m[1] > 0.2:
            chosen.append((varies, item, category))
    chosen.sort(key=lambda entry: (entry[0], -int(entry[1].mask.sum())))
    return [(_view(geometry, request, item), category) for _, item, category in chosen[:MEASURED]]


def _view(geometry: Geometry, request: ScaleRequest, item: Instance) -> ObjectView:
    hidden = occluders(request.instances)[item.name]
    return ObjectView(instance=item, image=request.image, ignore=hidden, camera=geometry.camera)


def _witness(view: ObjectView, category: Category, seed: int) -> Witness:
    """What the height of an object says: its category's, or that of what else its label may mean."""
    box = fit_box(view, prior=category.prior, seed=seed, absolute=False)
    priors = [kind.prior for kind in kinds_of(view.instance.label)]
    return Witness(
        log_factors=np.array([np.log(prior.median_m[1] / box.size_m[1]) for prior in priors]),
        log_sigmas=np.array([np.hypot(prior.log_sigma[1], MEASURING_LOG_SIGMA) for prior in priors]),
    )


def _focus(geometry: Geometry, focus_m: float | None) -> Witness | None:
    """What the distance of focus says of the depth in the middle of the picture."""
    if focus_m is None:
        return None
    height, width = geometry.image_points.valid.shape
    rows, columns = (slice(round(n * (0.5 - MIDDLE / 2)), round(n * (0.5 + MIDDLE / 2)) + 1) for n in (height, width))
    points = geometry.image_points.points[rows, columns][geometry.image_points.valid[rows, columns]]
    if len(points) == 0:
        return None
    distance = float(np.median(np.linalg.norm(points, axis=1)))
    return Witness(log_factors=np.log([focus_m / distance]), log_sigmas=np.array([FOCUS_LOG_SIGMA]))
