"""Charts of a surface side by side on a square texture.

Rectangles round the charts are set along a skyline, tallest first, each where its top comes lowest (Jylänki 2010, "A
Thousand Ways to Pack the Bin", skyline bottom-left), at the largest scale at which all of them fit.
"""

import numpy as np
from jaxtyping import Float

from models.assets.solid import Surface
from regen3d.errors import InvalidMeshError

STEP, STEPS = 0.98, 256
"""Scales that are tried, each smaller than the one before by 2 %; below the last, charts are thinner than texels."""
GAPS = 256
"""Gaps between charts that would fill the texture's side: 4 texels at 1024, 8 at 2048, so that two levels of mipmaps
pass before neighbours mix."""


def gap_px(size_px: int) -> int:
    """Texels between charts on a texture of a side: at least one for either neighbour."""
    return max(2, size_px // GAPS)


def pack(surface: Surface, size_px: int) -> Float[np.ndarray, "v 2"]:
    """Pixel coordinates of each vertex on a square texture, charts side by side with gaps between.

    All charts have one scale.

    Raises:
        InvalidMeshError: there are more charts than the texture can hold.
    """
    order = np.argsort(surface.chart, kind="stable")
    first = np.searchsorted(surface.chart[order], np.arange(int(surface.chart.max()) + 1))
    low = np.minimum.reduceat(surface.layout[order], first, axis=0)
    extent = np.maximum.reduceat(surface.layout[order], first, axis=0) - low
    upended = extent[:, 1] > extent[:, 0]
    extent = np.where(upended[:, None], extent[:, ::-1], extent)
    most = size_px / max(float(np.sqrt(extent.prod(axis=1).sum())), float(extent.max()), 1e-9)
    gap = gap_px(size_px)

    def placed(step: int) -> Float[np.ndarray, "c 2"] | None:
        return along_skyline(np.maximum(extent * most * STEP**step, 1.0) + gap, size_px)

    corners, fits, fails = placed(STEPS), STEPS, -1
    if corners is None:
        raise InvalidMeshError(f"{len(extent)} charts do not fit on {size_px} px: make the texture larger")
    while fits - fails > 1:
        middle = (fits + fails) // 2
        found = placed(middle)
        corners, fits, fails = (corners, fits, middle) if found is None else (found, middle, fails)
    local = (surface.layout - low[surface.chart]) * most * STEP**fits
    local = np.where(upended[surface.chart][:, None], local[:, ::-1], local)
    return corners[surface.chart] + gap / 2 + local


def along_skyline(sizes: Float[np.ndarray, "c 2"], limit: int) -> Float[np.ndarray, "c 2"] | None:
    """Lower left corner of each rectangle (width, height) in a square; None where they do not fit."""
    corners = np.zeros_like(sizes)
    skyline = [(0.0, 0.0)]
    for index in np.lexsort((-sizes[:, 0], -sizes[:, 1])):
        width, height = float(sizes[index, 0]), float(sizes[index, 1])
        spot = _lowest(skyline, width, limit)
        if spot is None or spot[0] + height > limit:
            return None
        y, x = spot
        corners[index] = x, y
        skyline = _raised(skyline, x, x + width, y + height)
    return corners


def _lowest(skyline: list[tuple[float, float]], width: float, limit: int) -> tuple[float, float] | None:
    """Where a rectangle of a width comes to rest lowest, then leftmost, as (y, x)."""
    best = None
    for start, (x, own) in enumerate(skyline):
        if x + width > limit:
            break
        y = own
        for ahead, level in skyline[start + 1 :]:
            if ahead >= x + width:
                break
            y = max(y, level)
        if best is None or y < best[0]:
            best = y, x
    return best


def _raised(skyline: list[tuple[float, float]], left: float, right: float, level: float) -> list[tuple[float, float]]:
    """The skyline, steps (x, y) that reach to the next, after something of a height was set on it."""
    under = max(k for k, (x, _) in enumerate(skyline) if x <= right)
    before = [step for step in skyline if step[0] < left]
    return [*before, (left, level), (right, skyline[under][1]), *skyline[under + 1 :]]
