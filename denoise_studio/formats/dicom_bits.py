"""The bits of a stored word that carry a sample."""

from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from denoise_studio.core.picture import Stored
from denoise_studio.core.types import AnyArray
from denoise_studio.formats.dicom_check import stored_bits
from denoise_studio.formats.dicom_facts import integer

_EXACT = 1 << 23
"""Whole numbers of 16 bits shifted by less than this are whole numbers that float32 holds."""


def cut_bits(raw: AnyArray, dataset: Dataset) -> tuple[AnyArray, AnyArray | None]:
    """The sample in BitsStored bits below HighBit, and whatever else the word holds."""
    allocated, bits = raw.dtype.itemsize * 8, stored_bits(dataset)
    shift = max(0, min(integer(dataset, "HighBit", bits - 1) - bits + 1, allocated - bits))
    if bits == allocated:
        return raw, None
    word = raw.view(f"u{raw.dtype.itemsize}")
    up = allocated - bits
    # Up to the top of the word and down again: the right shift extends the sign.
    samples = (word << np.asarray(up - shift, word.dtype)).view(raw.dtype) >> np.asarray(up, raw.dtype)
    again = (samples.view(word.dtype) << np.asarray(shift, word.dtype)) if shift else samples.view(word.dtype)
    if shift or np.array_equal(again, word):
        return samples, None
    spare = word & ~np.asarray((1 << bits) - 1, word.dtype)
    return samples, spare


def inexact(samples: Any, values: Any, stored: Stored) -> list[str]:
    """Tell when float32 values would not lead back to the same samples."""
    plain = stored.slope == 1.0 and stored.intercept.is_integer() and abs(stored.intercept) < _EXACT
    if plain and samples.dtype.itemsize <= 2:
        return []
    back = np.rint((values.astype(np.float64) - stored.intercept) / stored.slope)
    wrong = int((back != samples).sum())
    if not wrong:
        return []
    worst = float(np.abs(values - (samples * np.float64(stored.slope) + stored.intercept)).max())
    return [f"{wrong} values rounded to 32-bit floating point (largest change {worst:.3g})."]
