"""A phantom of an upper-abdominal CT slice whose HU are known exactly.

Seen from the feet, like any CT slice: the patient's right is on the left. Everything is laid out
in millimetres around the middle of the field of view (x to the viewer's right, y down), so any
matrix size shows the same patient. HU are those usual for a portal-venous phase at 120 kVp.

What a denoiser can be tried on: flat organs (`FLAT`), low-contrast inserts in the liver (three
contrasts, four sizes), fine vessels, mottled spleen and trabecular bone, strands in the fat, bars
from 2 to 6 line pairs per cm, and edges from lung-like gas to cortical bone.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.types import FloatArray

FIELD_OF_VIEW = 360.0
"""Side of the slice in mm."""

AIR, FAT, WATER, MUSCLE, LIVER = -1000.0, -100.0, 0.0, 60.0, 105.0

_SAMPLES = 3
_BLUR_MM = 0.35
"""sd of the point spread: about 0.8 mm wide at half height, as a soft kernel's."""


@dataclass(frozen=True)
class Flat:
    """A disc whose every pixel has the same HU: for measuring bias and noise."""

    name: str
    x: float
    y: float
    radius: float
    hu: float

    def mask(self, size: int) -> Any:
        """`(size, size)` bool, the pixels whose centre lies inside."""
        x, y = _coordinates(size, 1)
        return np.asarray((x - self.x) ** 2 + (y - self.y) ** 2 <= self.radius**2)


FLAT = (
    Flat("liver", -49.0, 17.0, 9.0, LIVER),
    Flat("water in the stomach", 54.0, -36.0, 9.0, WATER),
    Flat("back muscle", -42.0, 78.0, 9.0, MUSCLE),
    Flat("aorta", 7.0, 32.0, 5.0, 160.0),
    Flat("fat under the skin", -150.6, 8.0, 5.0, FAT),
    Flat("air in front of the patient", 0.0, -145.0, 12.0, AIR),
)


@dataclass(frozen=True)
class Part:
    """An ellipse of one material, painted over what was there before.

    Args:
        x, y: centre in mm.
        rx, ry: half axes in mm.
        hu: value, or mean value if there is texture.
        turn: degrees, x towards y.
        texture: amplitude of a fine texture, in HU (its sd is 0.7 times that).
        grain: the texture's typical period in mm.
        power: 2 is an ellipse, more is boxier.
    """

    x: float
    y: float
    rx: float
    ry: float
    hu: float
    turn: float = 0.0
    texture: float = 0.0
    grain: float = 4.0
    power: float = 2.0


def phantom(size: int = 512) -> FloatArray:
    """The slice: `(size, size)` float32, whole HU, air outside the patient.

    It is sampled three times as finely, averaged over each pixel and blurred by the point
    spread, so edges are as soft as a scanner's and flat parts stay exact.
    """
    from skimage.filters import gaussian

    x, y = _coordinates(size, _SAMPLES)
    field = np.full((size * _SAMPLES, size * _SAMPLES), AIR)
    for part in _parts():
        _paint(field, x, y, part)
    _bars(field, x, y)
    pixels = field.reshape(size, _SAMPLES, size, _SAMPLES).mean(axis=(1, 3))
    pixels = gaussian(pixels, _BLUR_MM * size / FIELD_OF_VIEW, mode="nearest", preserve_range=True)
    return np.asarray(np.rint(pixels), np.float32)


def _coordinates(size: int, samples: int) -> tuple[Any, Any]:
    """Centres of the (sub)pixels in mm: x as `(1, n)`, y as `(n, 1)`."""
    count = size * samples
    values = (np.arange(count) + 0.5) * (FIELD_OF_VIEW / count) - FIELD_OF_VIEW / 2
    return values[None, :], values[:, None]


def _paint(field: Any, x: Any, y: Any, part: Part) -> None:
    reach = math.hypot(part.rx, part.ry) if part.turn else max(part.rx, part.ry)
    columns = slice(*np.searchsorted(x[0], (part.x - reach, part.x + reach)))
    rows = slice(*np.searchsorted(y[:, 0], (part.y - reach, part.y + reach)))
    dx, dy = x[:, columns] - part.x, y[rows] - part.y
    c, s = math.cos(math.radians(part.turn)), math.sin(math.radians(part.turn))
    u, v = np.abs(dx * c + dy * s) / part.rx, np.abs(dy * c - dx * s) / part.ry
    inside = u**part.power + v**part.power <= 1.0
    value: Any = part.hu
    if part.texture:
        value = (part.hu + part.texture * _texture(dx, dy, part.grain))[inside]
    field[rows, columns][inside] = value


def _texture(x: Any, y: Any, grain: float) -> Any:
    """Waves in many directions, periods within a factor 2 of `grain` mm; about unit amplitude."""
    rng = np.random.default_rng(20)
    waves = 16
    total: Any = 0.0
    for angle, period, phase in zip(
        rng.uniform(0, math.pi, waves), grain * 2.0 ** rng.uniform(-0.5, 0.5, waves),
        rng.uniform(0, 2 * math.pi, waves), strict=True,
    ):  # fmt: skip
        k = 2 * math.pi / period
        total = total + np.cos(k * (x * math.cos(angle) + y * math.sin(angle)) + phase)
    return total * math.sqrt(1.0 / waves)


def _bars(field: Any, x: Any, y: Any) -> None:
    """Four groups of upright bars in the stomach, 250 HU in water: 2, 3, 4.5 and 6 line pairs per cm."""
    left = 24.0
    for pairs in (2.0, 3.0, 4.5, 6.0):
        period = 10.0 / pairs
        width = 2.5 * period
        along = (x - left) % period < period / 2
        inside = along & (x >= left) & (x < left + width) & (np.abs(y + 54.0) < 5.0)
        field[np.broadcast_to(inside, field.shape)] = 250.0
        left += width + 3.5


def _parts() -> Iterator[Part]:
    """The patient from the outside in."""
    # The couch: a carbon skin around foam, wholly below the patient.
    yield Part(0, 142, 120, 13, -200, power=4)
    yield Part(0, 142, 118.5, 11.5, -960, power=4)
    # Skin, fat under it, the muscular wall, the fat around the organs.
    yield Part(0, 8, 160, 112, 40, power=2.3)
    yield Part(0, 8, 158.2, 110.2, FAT, power=2.3)
    yield Part(0, 5, 143, 96, MUSCLE, power=2.3)
    yield Part(0, 0, 135, 87, FAT, power=2.3)
    yield from _back()
    yield from _liver()
    yield from _left_side()
    yield from _middle()
    yield from _ribs()


def _back() -> Iterator[Part]:
    for side in (-1, 1):
        yield Part(side * 40, 78, 34, 19, MUSCLE, turn=side * 12)
        yield Part(side * 24, 62, 14, 10, MUSCLE, turn=side * 40)
        # Thin fat septa between the bundles of the back muscle.
        yield Part(side * 26, 84, 9, 0.9, -60, turn=side * 55)
        yield Part(side * 57, 84, 9, 0.8, -60, turn=-side * 50)
    yield Part(0, 62, 24, 18, 650)
    yield Part(0, 62, 21.5, 15.5, 190, texture=70, grain=3.2)
    yield Part(0, 82, 9, 8.5, 600)
    yield Part(0, 80, 7, 6, 35)
    yield Part(0, 97, 3.6, 11, 600)
    yield Part(0, 97, 1.8, 8.5, 250)
    for side in (-1, 1):
        yield Part(side * 17, 86, 13, 3.4, 550, turn=side * 18)
        yield Part(side * 17, 86, 10.5, 1.7, 220, turn=side * 18)


def _ribs() -> Iterator[Part]:
    for angle in (18, 47, 78, 112):
        for side in (-1, 1):
            turn = math.radians(angle - 55)
            x, y = side * 139 * math.cos(turn), 3 + 91 * math.sin(turn)
            along = math.degrees(math.atan2(91 * math.cos(turn), -side * 139 * math.sin(turn)))
            yield Part(x, y, 10, 4, 700, turn=along)
            yield Part(x, y, 8, 2.2, 230, turn=along)


def _liver() -> Iterator[Part]:
    yield Part(-79, -4, 52, 70, LIVER, turn=8, power=2.2)
    yield Part(-30, -44, 44, 26, LIVER, turn=14)
    # Vessels that branch and thin out from the hilum.
    for x, y, length, width, turn in (
        (-52, -8, 17, 4.0, 20), (-74, -16, 13, 2.6, 30), (-92, -26, 12, 1.7, 40), (-104, -36, 9, 1.0, 55),
        (-74, 2, 14, 2.4, -28), (-93, 10, 9, 1.4, -18), (-86, -38, 12, 1.2, 75), (-60, -26, 13, 2.0, 70),
        (-62, -46, 11, 1.3, 100), (-24, -46, 14, 1.5, 12), (-44, -50, 9, 1.0, 70),
    ):  # fmt: skip
        yield Part(x, y, length, width, 165, turn=turn)
    # Low-contrast inserts: columns differ in contrast, rows in size.
    for column, contrast in enumerate((-20.0, -12.0, -6.0)):
        for row, radius in enumerate((6.0, 4.0, 2.5, 1.5)):
            yield Part(-116 + 14 * column, (17, 30, 40, 47)[row], radius, radius, LIVER + contrast)
    yield Part(-46, -66, 11, 7, 8, turn=20)  # gall bladder


def _left_side() -> Iterator[Part]:
    yield Part(95, 30, 22, 40, 118, turn=-16, texture=9, grain=6)
    # The stomach: wall, water, and gas that rises to the front.
    yield Part(52, -50, 50, 32, 75, turn=6)
    yield Part(52, -50, 47, 29, WATER, turn=6)
    yield Part(54, -71, 31, 5.5, AIR, power=3)
    # A loop of bowel with folds, contrast agent and a little gas.
    yield Part(74, -2, 20, 12, 70, turn=-10)
    yield Part(74, -2, 17.5, 9.5, 240, turn=-10)
    for step in range(6):
        yield Part(62 + 5 * step, -3 - 0.9 * step, 0.7, 7, 90, turn=-10)
    yield Part(76, -8, 9, 2.4, AIR, turn=-10)


def _middle() -> Iterator[Part]:
    for side, y in ((-1, 52), (1, 50)):
        turn = side * 25
        yield Part(side * 66, y, 16, 25, 185, turn=turn)
        for ray in range(7):
            bend = math.radians(60 * ray + 20)
            yield Part(side * 66 + 8 * math.cos(bend), y + 14 * math.sin(bend), 3.2, 4.2, 145, turn=turn)
        yield Part(side * 60, y, 5.5, 11, -80, turn=turn)
        yield Part(side * 60, y, 2.2, 6, 12, turn=turn)
    yield Part(9, 33, 10.8, 10.8, 75)  # aorta: wall, blood, a plaque
    yield Part(9, 33, 9.5, 9.5, 160)
    yield Part(16.6, 37, 1.2, 2.8, 900, turn=-30)
    yield Part(-19, 32, 12, 8.5, 135, turn=-15)  # inferior vena cava
    # The pancreas with fat between its lobules, and vessels beside it.
    yield Part(14, 0, 34, 9.5, 70, turn=-16, texture=38, grain=5)
    yield Part(-6, 12, 6, 6, 170)
    yield Part(12, 17, 3.4, 3.4, 170)
    # Strands and small vessels in the fat.
    for x, y, length, width, turn in (
        (48, 26, 14, 0.6, 35), (54, 18, 13, 0.5, 15), (30, 30, 9, 0.5, 80), (116, -22, 14, 0.5, 70),
        (108, -30, 12, 0.6, 50), (40, 46, 9, 0.5, -60),
    ):  # fmt: skip
        yield Part(x, y, length, width, 20, turn=turn)
