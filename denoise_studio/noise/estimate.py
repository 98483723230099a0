"""How noisy a picture is: one number for defaults and ticks.

The median of absolute diagonal second differences, scaled for Gaussian noise (the Haar
diagonal band of Donoho and Johnstone, Biometrika 1994). It assumes white noise: on correlated
noise (reconstructed CT, JPEG) it reads low.
"""

import numpy as np

from denoise_studio.core.picture import Picture
from denoise_studio.core.types import FloatArray

_MAD_TO_SD = 1.4826022185056018
_LARGEST = 4_000_000
"""More pixels than this do not make the median better; whole rows are skipped instead."""


def noise_sd(picture: Picture) -> float:
    """Standard deviation of the noise in the picture's unit, over all channels; 0 if it has none.

    Padding is left out, and so are 2x2 blocks whose four values are equal (clipped or
    synthetic areas) as long as others remain.
    """
    pixels = picture.pixels
    step = max(1, round(picture.width * picture.height / _LARGEST))
    rows = np.arange(0, max(picture.height - 1, 0), step)
    if rows.size == 0 or picture.width < 2:
        return 0.0
    top, bottom = pixels[:, rows], pixels[:, rows + 1]
    diagonal = (top[..., :-1] - top[..., 1:] - bottom[..., :-1] + bottom[..., 1:]) / 2
    flat = (np.abs(top[..., :-1] - top[..., 1:]) + np.abs(bottom[..., :-1] - bottom[..., 1:])) == 0
    keep = ~flat
    if picture.padding is not None:
        bad = picture.padding[rows] | picture.padding[rows + 1]
        keep &= ~(bad[:, :-1] | bad[:, 1:])[None]
    values: FloatArray = np.abs(diagonal[keep])
    return float(np.median(values) * _MAD_TO_SD) if values.size else 0.0
