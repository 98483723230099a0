"""Planes in the patient: letters at the edges, position along the normal."""

import math

import pytest

from denoise_studio.core.plane import Plane


@pytest.mark.parametrize(
    ("right", "down", "letters"),
    [
        ((1, 0, 0), (0, 1, 0), ("R", "L", "A", "P")),  # axial, as it is looked at from the feet
        ((1, 0, 0), (0, 0, -1), ("R", "L", "H", "F")),  # coronal
        ((0, 1, 0), (0, 0, -1), ("A", "P", "H", "F")),  # sagittal
        ((-1, 0, 0), (0, 1, 0), ("L", "R", "A", "P")),  # mirrored
        (
            (1, 0, 0),
            (0, math.cos(math.radians(20)), -math.sin(math.radians(20))),
            ("R", "L", "AH", "PF"),
        ),  # tilted
    ],
)
def test_letters_at_the_edges(right, down, letters):
    assert Plane((0, 0, 0), right, down).letters() == letters


def test_position_is_the_distance_along_the_normal():
    assert Plane((-250.0, -200.0, 37.5), (1, 0, 0), (0, 1, 0)).position == pytest.approx(37.5)
    tilt = math.radians(20)
    plane = Plane((0.0, 0.0, 10.0), (1, 0, 0), (0, math.cos(tilt), math.sin(tilt)))
    assert plane.position == pytest.approx(10 * math.cos(tilt))
