import numpy as np
import pytest

from regen3d.frames import rotation_about_y, upright
from regen3d.metrics.pose import pose_error, rotation_error_deg

TIPPED = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


@pytest.mark.parametrize(("turn", "symmetry", "error"), [(90, 1, 90), (90, 2, 90), (180, 2, 0), (100, 4, 10)])
def test_turns_that_look_alike_are_no_error(turn: float, symmetry: int, error: float) -> None:
    found = rotation_about_y(np.radians(turn))
    assert rotation_error_deg(found, np.eye(3), symmetry) == pytest.approx(error, abs=1e-9)


def test_a_round_object_has_no_yaw_but_a_tilt() -> None:
    assert rotation_error_deg(rotation_about_y(1.0), np.eye(3), None) == pytest.approx(0.0, abs=1e-9)
    assert rotation_error_deg(TIPPED @ rotation_about_y(1.0), np.eye(3), None) == pytest.approx(90.0)
    assert rotation_error_deg(TIPPED, np.eye(3), 4) == pytest.approx(90.0)


def test_every_part_of_a_pose_is_told() -> None:
    true = upright(yaw_rad=0.2, translation=np.array([1.0, 0.0, -2.0]), scale=2.0)
    found = upright(yaw_rad=0.3, translation=np.array([1.0, 0.3, -2.4]), scale=2.2)
    error = pose_error(found, true, size=np.array([0.0, 3.0, 4.0]))
    assert error.rotation_deg == pytest.approx(np.degrees(0.1))
    assert error.translation_m == pytest.approx(0.5)
    assert error.scale_ratio == pytest.approx(1.1)
    assert error.scale_m == pytest.approx(1.0)
