"""From a picture to what the network is trained on: numpy only.

The picture becomes [0, 1] by its own smallest and largest valid value, so that the fit is the same
in every unit, and grows by reflection to a multiple of 16 (half-size copies are cut into 8 x 8
patches too). A picture whose sides already are multiples of 16 is trained on as it stands.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.picture import Picture
from denoise_studio.core.types import BoolArray, FloatArray

PATCH = 8
"""Side of the squares that share one sigma."""

TIE = 1e-6
"""Distances (in [0, 1]) that differ by less are ties: the last bit, which depends on the unit that
the picture came in, must not choose."""

PAIRS = ((0, 1), (2, 3), (0, 2), (1, 3), (0, 3), (1, 2))
"""The six pairs of a 2 x 2 block (numbered along its rows), in the order in which ties are resolved."""


@dataclass(frozen=True, eq=False)
class Sample:
    """What a fit sees of a picture.

    Args:
        pixels: `(C, H16, W16)` float32 in [0, 1].
        valid: `(H16, W16)`, or None if all are.
        span: largest minus smallest valid value, in the picture's unit.
    """

    pixels: FloatArray
    valid: BoolArray | None
    span: float


def prepare(picture: Picture) -> Sample:
    """The picture in [0, 1], with what is invalid filled in and its sides multiples of 16."""
    low, high = picture.value_range
    span = high - low
    unit = ((picture.pixels.astype(np.float64) - low) / (span or 1.0)).astype(np.float32)
    valid = None
    if picture.padding is not None and picture.padding.any():
        valid = np.logical_not(picture.padding)
        unit = _filled(unit, picture.padding)
    around = [(0, -side % (2 * PATCH)) for side in (picture.height, picture.width)]
    return Sample(
        np.pad(unit, [(0, 0), *around], mode="reflect"),
        None if valid is None else np.pad(valid, around, mode="reflect"),
        span,
    )


def _filled(pixels: FloatArray, padding: BoolArray) -> FloatArray:
    """Invalid pixels become the nearest valid one, so that a patch on the rim looks like its picture."""
    import cv2

    if padding.all():
        return np.zeros_like(pixels)
    nearest = cv2.distanceTransformWithLabels(
        padding.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )[1]
    table = np.zeros((pixels.shape[0], int(nearest.max()) + 1), np.float32)
    table[:, nearest[~padding]] = pixels[:, ~padding]
    filled: FloatArray = np.ascontiguousarray(table[:, nearest])
    return filled


def halves(x: Any) -> tuple[Any, Any]:
    """The pair downsampler: the means of the two diagonals of every 2 x 2 block.

    Args:
        x: `(..., H, W)` with even sides, numpy or torch.

    Returns:
        D1 (top right and bottom left) and D2 (top left and bottom right), `(..., H/2, W/2)`.
    """
    first = 0.5 * (x[..., 0::2, 1::2] + x[..., 1::2, 0::2])
    second = 0.5 * (x[..., 0::2, 0::2] + x[..., 1::2, 1::2])
    return first, second


def half_valid(valid: BoolArray | None) -> BoolArray | None:
    """Pixels of a half-size picture whose whole 2 x 2 block is valid."""
    if valid is None:
        return None
    return valid[0::2, 0::2] & valid[0::2, 1::2] & valid[1::2, 0::2] & valid[1::2, 1::2]


def shuffled(pixels: FloatArray, valid: BoolArray | None = None) -> FloatArray:
    """Euclidean local shuffle: in every 2 x 2 block the two most similar pixels change places.

    The first of `PAIRS` wins a tie. Invalid pixels stay where they are.

    Args:
        pixels: `(C, H, W)` float32 in [0, 1] with even sides; distances are over the channels.
        valid: `(H, W)`, or None.
    """
    blocks = _blocks(pixels)
    usable = None if valid is None else _blocks(valid)
    best = np.full(blocks.shape[2:], np.inf)
    choice = np.full(best.shape, -1)
    for index, (a, b) in enumerate(PAIRS):
        distance = np.sqrt(np.square(blocks[:, a].astype(np.float64) - blocks[:, b]).sum(0))
        if usable is not None:
            distance[~(usable[a] & usable[b])] = np.inf
        nearer = distance < best - TIE
        best[nearer], choice[nearer] = distance[nearer], index
    result = blocks.copy()
    for index, (a, b) in enumerate(PAIRS):
        swap = choice == index
        result[:, a, swap], result[:, b, swap] = blocks[:, b, swap], blocks[:, a, swap]
    return _whole(result)


def _blocks(x: Any) -> Any:
    """`(..., H, W)` to `(..., 4, H/2, W/2)`: the pixels of each 2 x 2 block, along its rows."""
    return np.stack([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], axis=-3)


def _whole(blocks: FloatArray) -> FloatArray:
    """The way back."""
    channels, _, height, width = blocks.shape
    x = np.empty((channels, 2 * height, 2 * width), np.float32)
    for index in range(4):
        x[:, index // 2 :: 2, index % 2 :: 2] = blocks[:, index]
    return x
