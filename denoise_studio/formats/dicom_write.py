"""DICOM out: a derived image in a new series, everything that stays true kept (PS3.3 C.7.6.1)."""

import copy
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture, Scale, Stored
from denoise_studio.formats import dicom_derive as derive
from denoise_studio.formats.base import Encoded, SaveOptions
from denoise_studio.formats.dicom_anonymise import BURNED_IN, Pseudonyms, anonymise
from denoise_studio.formats.dicom_endian import swap_words, was_big
from denoise_studio.formats.dicom_padding import padding_range
from denoise_studio.formats.dicom_pixels import put_pixels
from denoise_studio.formats.dicom_read import DicomMetadata, hush
from denoise_studio.formats.dicom_recipe import put_recipe
from denoise_studio.formats.samples import rescale


def encode(picture: Picture, options: SaveOptions) -> Encoded:
    """Samples for the source's own pixel module.

    Raises:
        FormatError: the picture is not from a DICOM file, or a depth is asked for that its source
            has not.
    """
    metadata = metadata_of(picture)
    stored = picture.stored
    if options.bits not in (None, 16) or (options.bits == 16 and np.dtype(stored.dtype).itemsize != 2):
        raise FormatError(
            f"DICOM keeps the source's {stored.bits} bits; save as TIFF or NPY for other depths."
        )
    values = picture.pixels[0].astype(np.float64)
    whole = np.rint((values - stored.intercept) / stored.slope)
    low, high = stored.limits
    outside = (whole < low) | (whole > high)
    samples = np.clip(whole, low, high).astype(stored.dtype)
    padding = picture.padding
    dropped: tuple[str, ...] = ()
    if padding is not None:
        outside &= ~padding
        if metadata.padding_samples is not None and metadata.padding_samples.size == padding.sum():
            samples[padding] = metadata.padding_samples
    moved = _keep_off_padding(samples, padding, metadata.dataset, stored)
    if moved:
        dropped = (f"{moved} pixels were moved by one step so as not to become padding.",)
    if options.anonymise and derive.may_be_annotated(metadata.dataset):
        dropped += (BURNED_IN,)
    pixels = rescale(samples[None], stored.slope, stored.intercept)
    return Encoded(samples[None], pixels, stored, int(outside.sum()), dropped)


def metadata_of(picture: Picture) -> DicomMetadata:
    """What was kept of a picture's DICOM source.

    Raises:
        FormatError: there is none, or the picture no longer fits it.
    """
    found = picture.source.metadata if picture.source else None
    if not isinstance(found, DicomMetadata):
        raise FormatError("DICOM is written only from a DICOM source; save this picture as TIFF or NPY.")
    if not found.dataset.get("SOPClassUID"):
        raise FormatError("The DICOM source does not say what it is (SOP class); save as TIFF or NPY.")
    if picture.channels != 1 or found.shape != (picture.height, picture.width):
        raise FormatError("The picture no longer has the size of its DICOM source; save as TIFF or NPY.")
    if "SharedFunctionalGroupsSequence" in found.dataset:
        raise FormatError("Enhanced DICOM images are not written yet; save this picture as TIFF or NPY.")
    return found


def _keep_off_padding(samples: Any, padding: Any, dataset: Dataset, stored: Stored) -> int:
    """Valid pixels that rounding put on a padding value go to the nearest value beside it."""
    limits = padding_range(dataset)
    if limits is None:
        return 0
    hit = (samples >= limits[0]) & (samples <= limits[1])
    if padding is not None:
        hit &= ~padding
    elif hit.all():
        return 0
    if (count := int(hit.sum())) == 0:
        return 0
    low, high = stored.limits
    above, below = limits[1] + 1, limits[0] - 1
    if above <= high:
        samples[hit] = above
    elif below >= low:
        samples[hit] = below
    return count


def write(picture: Picture, encoded: Encoded, path: Path, options: SaveOptions) -> None:
    """Write the derived image in Explicit VR Little Endian, uncompressed."""
    hush()
    metadata = metadata_of(picture)
    source, history = metadata.dataset, picture.history
    dataset = derived_copy(source)
    now = derive.now_for(source)
    derive.identify(dataset, source, history, options)
    derive.image_type(dataset, source, picture)
    derive.date(dataset, now)
    derive.describe(dataset, source, history)
    derive.contribute(dataset, history, now)
    derive.annotations(dataset, source)
    derive.lossy(dataset, source)
    if picture.scale is Scale.HU and not dataset.get("RescaleType"):
        dataset.RescaleType = "HU"
    put_recipe(dataset, options.recipe)
    if options.anonymise:
        metadata = dataclasses.replace(metadata, spare=None)  # old overlays may be text
        anonymise(dataset, Pseudonyms(options.secret))
    put_pixels(dataset, encoded.samples[0], encoded.stored, metadata)
    save(dataset, path)


def derived_copy(source: Dataset) -> Dataset:
    """The source's data set to be changed, in little endian."""
    dataset = copy.deepcopy(source)
    if was_big(source):
        swap_words(dataset)
    return dataset


def save(dataset: Dataset, path: Path) -> None:
    """Write a data set as a file in Explicit VR Little Endian."""
    derive.file_meta(dataset)
    pydicom.dcmwrite(path, dataset, enforce_file_format=True, little_endian=True, implicit_vr=False)
