"""Mesh hygiene: what is broken is mended and said, what is clean stays as it is."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from regen3d.errors import InvalidMeshError
from regen3d.frames import rotation_about_y, transform
from regen3d.meshes.decimation import decimated
from regen3d.meshes.hygiene import cleaned
from regen3d.meshes.quality import is_closed, uv_overlap
from regen3d.meshes.scattering import spread_over
from regen3d.meshes.tidying import tidied
from regen3d.meshes.winding import wrongly_wound
from regen3d.types import Asset, Mesh, Similarity


def striped(body: trimesh.Trimesh) -> Mesh:
    """A body whose texture shows its height: dark below, light above."""
    vertices = np.asarray(body.vertices, dtype=np.float64)
    height = (vertices[:, 1] - vertices[:, 1].min()) / np.ptp(vertices[:, 1])
    texture = np.repeat(np.repeat(np.linspace(250, 5, 256).astype(np.uint8)[:, None, None], 256, 1), 3, 2)
    uv = np.stack([np.full(len(height), 0.5), np.clip(height, 0.002, 0.998)], axis=1)
    return Mesh(vertices=vertices, faces=np.asarray(body.faces, dtype=np.int64), uv=uv, texture=texture, roughness=0.3)


def ball(subdivisions: int = 3) -> Mesh:
    return striped(trimesh.creation.icosphere(subdivisions=subdivisions))


def joined(one: Mesh, other: Mesh) -> Mesh:
    return replace(
        one,
        vertices=np.concatenate([one.vertices, other.vertices]),
        faces=np.concatenate([one.faces, other.faces + len(one.vertices)]),
        uv=np.concatenate([one.uv, other.uv]),
    )


def moved(mesh: Mesh, scale: float, offset: tuple[float, float, float]) -> Mesh:
    return replace(mesh, vertices=mesh.vertices * scale + np.array(offset))


def volume(mesh: Mesh) -> float:
    corners = mesh.vertices[mesh.faces]
    return float(np.einsum("ni,ni->n", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum()) / 6


def test_a_clean_mesh_stays_as_it_is() -> None:
    mesh = ball()
    same, report = cleaned(mesh)
    assert np.array_equal(same.vertices, mesh.vertices)
    assert np.array_equal(same.faces, mesh.faces)
    assert np.array_equal(same.uv, mesh.uv)
    assert report.closed
    assert report.sentence == ""


def test_split_vertices_are_merged_but_seams_stay() -> None:
    mesh = ball()
    split = replace(
        mesh,
        vertices=mesh.vertices[mesh.faces].reshape(-1, 3),
        uv=mesh.uv[mesh.faces].reshape(-1, 2),
        faces=np.arange(3 * len(mesh.faces)).reshape(-1, 3),
    )
    merged, report = cleaned(split)
    assert len(merged.vertices) == len(mesh.vertices)
    assert report.vertices_merged == len(split.vertices) - len(mesh.vertices)
    seam = replace(split, uv=split.uv + np.outer(np.arange(len(split.uv)) < 300, [0.1, 0.0]))
    kept, _ = cleaned(seam)
    assert len(merged.vertices) < len(kept.vertices) < len(split.vertices)
    assert is_closed(kept)


def test_degenerate_and_repeated_faces_go() -> None:
    mesh = ball()
    bad = np.concatenate([mesh.faces, [[0, 0, 5], [3, 4, 3]], mesh.faces[:4], mesh.faces[7:8, ::-1]])
    clean, report = cleaned(replace(mesh, faces=bad))
    assert len(clean.faces) == len(mesh.faces)
    assert report.degenerate_removed == 7
    assert "7 degenerate faces removed" in report.sentence


def test_bodies_that_touch_keep_the_faces_between_them() -> None:
    one = striped(trimesh.creation.box((1.0, 1.0, 1.0)))
    clean, report = cleaned(joined(one, moved(one, 1.0, (1.0, 0.0, 0.0))))
    assert len(clean.faces) == 24
    assert report.closed
    assert report.sentence == ""


def test_what_is_not_finite_goes_with_its_faces() -> None:
    mesh = ball()
    vertices = mesh.vertices.copy()
    vertices[11] = np.nan
    clean, report = cleaned(replace(mesh, vertices=vertices))
    assert np.isfinite(clean.vertices).all()
    assert report.degenerate_removed == (mesh.faces == 11).any(axis=1).sum()
    assert not report.closed


def test_floaters_go_and_knobs_stay() -> None:
    mesh = ball()
    knob, floater = moved(ball(1), 0.03, (1.0, 0.0, 0.0)), moved(ball(1), 0.03, (1.6, 0.0, 0.0))
    clean, report = cleaned(joined(joined(mesh, knob), floater))
    assert report.floaters_removed == 1
    assert clean.vertices[:, 0].max() == pytest.approx(1.03, abs=0.005)


def test_what_is_held_by_something_small_is_no_floater() -> None:
    mesh = ball()
    chain = [moved(ball(1), 0.03, (1.0 + 0.05 * k, 0.0, 0.0)) for k in range(8)]
    whole = mesh
    for link in chain:
        whole = joined(whole, link)
    assert cleaned(whole)[1].floaters_removed == 0
    assert cleaned(joined(whole, moved(ball(1), 0.03, (1.6, 0.0, 0.0))))[1].floaters_removed == 1


def test_what_a_person_made_keeps_its_pieces_and_all_its_faces() -> None:
    mesh = joined(ball(), moved(ball(1), 0.03, (1.6, 0.0, 0.0)))
    clean, report = cleaned(mesh, budget=100, by_hand=True)
    assert len(clean.faces) == len(mesh.faces)
    assert report.sentence == ""


def test_an_asset_is_tidied_where_it_stands() -> None:
    mesh = joined(ball(), moved(ball(1), 0.03, (1.6, 0.0, 0.0)))
    mesh = replace(mesh, vertices=mesh.vertices + np.array([0.0, 1.0, 0.0]))
    pose = Similarity(rotation=rotation_about_y(0.5), translation=np.array([1.0, 0.2, -3.0]), scale=2.0)
    asset = Asset(mesh=mesh, scale="relative", kind="ball", pose_hint=pose, notes=("first",))
    tidy = tidied(asset)
    assert tidy.notes[0] == "first"
    assert "1 floating pieces removed" in tidy.notes[1]
    assert tidy.mesh.vertices.min(axis=0)[1] == 0.0
    assert np.abs(tidy.mesh.vertices.max(axis=0) + tidy.mesh.vertices.min(axis=0))[[0, 2]].max() < 1e-9
    assert tidy.pose_hint is not None
    kept = transform(pose.matrix, mesh.vertices[: len(tidy.mesh.vertices)])
    assert transform(tidy.pose_hint.matrix, tidy.mesh.vertices) == pytest.approx(kept)
    assert tidied(tidy) is tidy
    assert tidied(asset, by_hand=True) is asset


def test_faces_are_turned_outwards_piece_by_piece() -> None:
    one, other = ball(), moved(ball(2), 0.7, (3.0, 0.0, 0.0))
    rng = np.random.default_rng(0)
    both = joined(one, replace(other, faces=other.faces[:, ::-1]))
    flipped = rng.random(len(both.faces)) < 0.3
    clean, report = cleaned(replace(both, faces=np.where(flipped[:, None], both.faces[:, ::-1], both.faces)))
    assert report.closed
    assert volume(clean) == pytest.approx(volume(one) + volume(other))
    assert report.faces_turned > 0


def test_the_wall_of_a_hollow_keeps_its_side() -> None:
    outer, inner = ball(), moved(ball(), 0.8, (0.0, 0.0, 0.0))
    hollow = joined(outer, replace(inner, faces=inner.faces[:, ::-1]))
    assert not wrongly_wound(hollow.vertices, hollow.faces).any()


def test_decimation_keeps_shape_colours_and_finish_and_lays_out_anew() -> None:
    mesh = ball(5)
    light, report = cleaned(mesh, budget=900)
    assert report.was_decimated
    assert report.faces_after == len(light.faces) <= 900
    assert report.closed
    assert volume(light) == pytest.approx(volume(mesh), rel=0.02)
    assert uv_overlap(light) < 0.001
    assert light.roughness == 0.3
    for height in (-0.8, 0.0, 0.8):
        near = np.abs(light.vertices[:, 1] - height) < 0.1
        columns = (light.uv[near, 0] * (light.texture.shape[1] - 1)).astype(int)
        rows = ((1 - light.uv[near, 1]) * (light.texture.shape[0] - 1)).astype(int)
        expected = 5 + 245 * (light.vertices[near, 1] + 1) / 2
        assert np.abs(light.texture[rows, columns, 0] - expected).mean() < 6


def test_the_same_seed_gives_the_same_mesh() -> None:
    one, two = decimated(ball(4), 500, seed=3), decimated(ball(4), 500, seed=3)
    assert np.array_equal(one.vertices, two.vertices)
    assert np.array_equal(one.texture, two.texture)


def test_broken_meshes_are_refused() -> None:
    mesh = ball(1)
    with pytest.raises(InvalidMeshError, match="not there"):
        cleaned(replace(mesh, faces=mesh.faces + 40))
    with pytest.raises(InvalidMeshError, match="not there"):
        cleaned(replace(mesh, faces=mesh.faces[:0]))
    with pytest.raises(InvalidMeshError, match="area"):
        cleaned(replace(mesh, vertices=np.zeros_like(mesh.vertices)))


def test_overlap_is_measured() -> None:
    square = np.array([[0.1, 0.1], [0.5, 0.1], [0.5, 0.5], [0.1, 0.5]])
    vertices = np.concatenate([square, square + 1], axis=0)
    vertices = np.concatenate([vertices, np.zeros((8, 1))], axis=1)
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    texture = np.zeros((128, 128, 3), dtype=np.uint8)
    apart = Mesh(vertices=vertices, faces=faces, uv=np.concatenate([square, square + 0.45]), texture=texture)
    half = replace(apart, uv=np.concatenate([square, square + np.array([0.2, 0.0])]))
    assert uv_overlap(apart) == 0.0
    assert uv_overlap(half) == pytest.approx(1 / 3, abs=0.02)
    assert uv_overlap(replace(apart, uv=np.concatenate([square, square]))) == 1.0


def test_points_spread_by_area() -> None:
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [4, 0, 0], [0, 4, 0]])
    chosen, weights = spread_over(vertices, np.array([[0, 1, 2], [0, 3, 4]]), 1700, 0)
    assert np.bincount(chosen) == pytest.approx([100, 1600], abs=2)
    assert weights.sum(axis=1) == pytest.approx(1.0)
    assert weights.min() >= 0
