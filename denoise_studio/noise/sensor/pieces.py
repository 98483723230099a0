"""Which pieces of a mosaic the fine estimate looks at: few, but of every brightness."""

from collections.abc import Mapping

import numpy as np

from denoise_studio.core.geometry import Rect
from denoise_studio.noise.sensor.windows import Windows

SIDE = 512
MOST = 6
"""Pieces that are denoised: about a megapixel and a half."""
_CLASSES = 24
_CALM = 6.0
"""Windows with more texture than so many times the median of the calmest tenth do not count."""


def pieces_of(found: Mapping[str, Windows], width: int, height: int) -> list[Rect]:
    """Up to `MOST` squares whose calm windows together cover the brightness best; all of a small picture."""
    columns, rows = -(-width // SIDE), -(-height // SIDE)
    squares = [
        Rect(x * SIDE, y * SIDE, SIDE, SIDE).intersect(Rect(0, 0, width // 2 * 2, height // 2 * 2))
        for y in range(rows)
        for x in range(columns)
    ]
    if len(squares) <= MOST:
        return [square for square in squares if square]
    counts = np.zeros((len(squares), len(found) * _CLASSES))
    for number, windows in enumerate(found.values()):
        if not len(windows):
            continue
        ratio = windows.texture / np.maximum(windows.variance, 1e-9)
        calm = ratio <= _CALM * max(float(np.median(np.sort(ratio)[: max(1, len(ratio) // 10)])), 1e-9)
        level = np.sqrt(np.maximum(windows.mean - windows.mean.min(), 0))
        bins = np.minimum((level / max(float(level.max()), 1e-9) * _CLASSES).astype(int), _CLASSES - 1)
        square = windows.place[:, 0] // SIDE * columns + windows.place[:, 1] // SIDE
        np.add.at(counts, (square[calm], number * _CLASSES + bins[calm]), 1)
    chosen: list[int] = []
    held = np.zeros(counts.shape[1])
    for _ in range(MOST):
        gain = (np.sqrt(held + counts) - np.sqrt(held)).sum(axis=1)
        gain[chosen] = -1
        best = int(gain.argmax())
        if gain[best] <= 0:
            break
        chosen.append(best)
        held += counts[best]
    return [squares[index] for index in chosen] or squares[:1]
