"""Real spherical harmonics up to order 2: what a matt surface knows of the light around it.

Order: (0,0), (1,-1), (1,0), (1,1), (2,-2), (2,-1), (2,0), (2,1), (2,2); constants and the factors from radiance to
irradiance from Ramamoorthi and Hanrahan 2001, "An efficient representation for irradiance environment maps", eq. 3, 9.
"""

import numpy as np
from jaxtyping import Float

TO_IRRADIANCE = np.array([np.pi, *3 * [2 * np.pi / 3], *5 * [np.pi / 4]])
"""Factor of each coefficient from radiance to the irradiance of a surface."""


def basis(directions: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 9"]:
    """The nine functions at unit directions."""
    x, y, z = directions[..., 0], directions[..., 1], directions[..., 2]
    return np.stack(
        [
            np.full(x.shape, 0.282095),
            0.488603 * y,
            0.488603 * z,
            0.488603 * x,
            1.092548 * x * y,
            1.092548 * y * z,
            0.315392 * (3 * z**2 - 1),
            1.092548 * x * z,
            0.546274 * (x**2 - y**2),
        ],
        axis=-1,
    )


def irradiance(harmonics: Float[np.ndarray, "9 3"], normals: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """Irradiance of surfaces with unit normals under light with these coefficients; never negative."""
    return np.maximum(basis(normals) @ (TO_IRRADIANCE[:, None] * harmonics), 0.0)


def directions(hw: tuple[int, int]) -> Float[np.ndarray, "h w 3"]:
    """Unit direction of every texel of a latitude-longitude picture, as OpenEXR lays it out (+Z in the middle)."""
    latitude = np.pi * (0.5 - (np.arange(hw[0]) + 0.5) / hw[0])[:, None]
    longitude = 2 * np.pi * (0.5 - (np.arange(hw[1]) + 0.5) / hw[1])[None]
    level = np.cos(latitude)
    up = np.broadcast_to(np.sin(latitude), hw)
    return np.stack([level * np.sin(longitude), up, level * np.cos(longitude)], axis=-1)


def solid_angles(hw: tuple[int, int]) -> Float[np.ndarray, "h 1 1"]:
    """Steradians of a texel in each row of a latitude-longitude picture."""
    edges = np.sin(np.pi * (0.5 - np.arange(hw[0] + 1) / hw[0]))
    return ((edges[:-1] - edges[1:]) * 2 * np.pi / hw[1])[:, None, None]


def project(environment: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "9 3"]:
    """Coefficients of a latitude-longitude picture of radiance."""
    hw = environment.shape[0], environment.shape[1]
    return np.einsum("hwk,hwc->kc", basis(directions(hw)), environment * solid_angles(hw))
