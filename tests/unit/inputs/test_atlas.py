import numpy as np
import pytest

from regen3d.inputs import atlas
from regen3d.inputs.atlas import MappedPart, pack


def ramp(height: int, width: int) -> np.ndarray:
    """A smooth picture whose colour tells the place."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack([x, y, np.full_like(x, 77)], axis=-1).astype(np.uint8)


def part(uv: list[list[float]], texture: np.ndarray) -> MappedPart:
    vertices = np.arange(3.0 * len(uv)).reshape(-1, 3)
    return MappedPart(
        vertices=vertices, faces=np.arange(len(uv)).reshape(-1, 3), uv=np.array(uv, np.float64), texture=texture
    )


def sample(texture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    height, width = texture.shape[:2]
    x, y = np.floor(uv[:, 0] * width).astype(int) % width, np.floor((1 - uv[:, 1]) * height).astype(int) % height
    return texture[y, x].astype(int)


def inner_points(given: MappedPart) -> np.ndarray:
    """Texture coordinates inside every triangle, at fixed barycentric places."""
    weights = np.random.default_rng(0).dirichlet([2, 2, 2], 20)
    return np.einsum("kc,fcd->fkd", weights, given.uv[given.faces]).reshape(-1, 2)


PARTS = [
    part([[0, 0], [1, 0], [0, 1]], ramp(40, 60)),
    part([[0.1, 0.2], [2.6, 0.2], [0.1, 1.7]], ramp(64, 64)),
    part([[-3.5, 7.2], [-3.1, 7.2], [-3.5, 7.9], [5.0, 5.0], [5.5, 5.0], [5.0, 5.5]], ramp(32, 128)),
    part([[1, 1], [1, 0], [0, 1]], ramp(40, 60)),
]


@pytest.mark.parametrize("chosen", [[0], [1], [2], [0, 3], [0, 1, 2, 3]])
def test_every_triangle_keeps_its_look(chosen: list[int]) -> None:
    parts = [PARTS[k] for k in chosen]
    whole = pack(parts)
    assert (whole.uv >= 0.0).all()
    assert (whole.uv <= 1.0).all()
    expected = np.concatenate([sample(given.texture, inner_points(given)) for given in parts])
    step = 255 / 31 + 1  # one texel of the coarsest ramp
    error = np.abs(sample(whole.texture, inner_points(whole)) - expected).max(axis=1)
    assert np.quantile(error, 0.97) <= step  # a point on the seam of a repeat may fall on either side


def test_places_and_triangles_stay() -> None:
    whole = pack(PARTS)
    before = np.concatenate([given.vertices[given.faces] for given in PARTS])
    np.testing.assert_array_equal(whole.vertices[whole.faces], before)


def test_equal_textures_are_kept_once() -> None:
    twice = pack([PARTS[0], PARTS[3]])
    np.testing.assert_array_equal(twice.texture, PARTS[0].texture)


def test_shared_vertex_is_split_only_where_it_must_be() -> None:
    faces = np.array([[0, 1, 2], [1, 3, 2]])
    uv = np.array([[0, 0], [1, 0], [0, 1], [1.0, 1.0]])
    plain = MappedPart(vertices=np.zeros((4, 3)), faces=faces, uv=uv, texture=ramp(8, 8))
    assert len(pack([plain]).vertices) == 4
    apart = MappedPart(
        vertices=np.zeros((4, 3)), faces=faces, uv=uv + np.array([[0, 0], [0.5, 0], [0, 0], [2, 0]]), texture=ramp(8, 8)
    )
    assert len(pack([apart]).vertices) >= 4


def test_sheet_stays_within_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atlas, "MAX_ATLAS_PX", 100)
    whole = pack(PARTS)
    assert max(whole.texture.shape[:2]) <= 100
    assert max(pack([part([[0, 0], [300, 0], [0, 300]], ramp(64, 64))]).texture.shape[:2]) <= 100
    assert max(pack([part([[0, 0], [1, 0], [0, 1]], ramp(300, 200))]).texture.shape[:2]) <= 100
