"""The pixel module of a derived DICOM image: samples to bytes, and what the header says of them."""

from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from denoise_studio.core.picture import Stored
from denoise_studio.core.types import AnyArray
from denoise_studio.formats.dicom_padding import padding_range
from denoise_studio.formats.dicom_read import DicomMetadata

PIXEL_DATA = 0x7FE00010
_STALE = (
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "EncapsulatedPixelDataValueTotalLength",
    "IconImageSequence",
    "SmallestPixelValueInSeries",
    "LargestPixelValueInSeries",
)
"""What a source says of its own bytes, and a thumbnail of its own pixels: not true of others."""
_EXTREMES = (0x00280106, 0x00280107)


def frame_bytes(samples: AnyArray, stored: Stored, metadata: DicomMetadata) -> bytes:
    """`(H, W)` samples as the bytes of a frame, little endian, without the byte that makes a length even.

    Bits beside BitsStored (old overlays) are the source's.
    """
    word = np.dtype(f"<u{samples.dtype.itemsize}")
    words = samples.astype(samples.dtype.newbyteorder("<")).view(word)
    if metadata.spare is not None:
        words = (words & word.type((1 << stored.bits) - 1)) | metadata.spare
    return words.tobytes()


def describe_pixels(dataset: Dataset, stored: Stored) -> str:
    """Make the pixel module speak of samples of this type; the VR of the pixel data."""
    for keyword in _STALE:
        if keyword in dataset:
            delattr(dataset, keyword)
    size = np.dtype(stored.dtype).itemsize
    dataset.BitsAllocated = size * 8
    dataset.BitsStored = stored.bits
    dataset.HighBit = stored.bits - 1
    return "OW" if size > 1 else "OB"


def put_pixels(dataset: Dataset, samples: AnyArray, stored: Stored, metadata: DicomMetadata) -> None:
    """The pixels of a single picture, and its smallest and largest sample where the source told them."""
    vr = describe_pixels(dataset, stored)
    data = frame_bytes(samples, stored, metadata)
    dataset.add_new(PIXEL_DATA, vr, data + bytes(len(data) % 2))
    put_extremes(dataset, extremes(dataset, samples), samples.dtype)


def extremes(dataset: Dataset, samples: Any) -> tuple[int, int]:
    """Smallest and largest sample without padding (with it, if there is nothing else)."""
    limits = padding_range(dataset)
    valid = samples if limits is None else samples[(samples < limits[0]) | (samples > limits[1])]
    valid = valid if valid.size else samples
    return int(valid.min()), int(valid.max())


def put_extremes(dataset: Dataset, found: tuple[int, int], dtype: Any) -> None:
    """Replace SmallestImagePixelValue and LargestImagePixelValue; 32-bit samples have no place there."""
    dtype = np.dtype(dtype)
    for tag, value in zip(_EXTREMES, found, strict=True):
        if tag in dataset:
            del dataset[tag]
            if dtype.itemsize <= 2:
                dataset.add_new(tag, "SS" if dtype.kind == "i" else "US", value)
