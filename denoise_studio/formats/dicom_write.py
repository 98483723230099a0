"""DICOM out: a derived image in a new series, everything that stays true kept (PS3.3 C.7.6.1)."""

import copy
import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture, Scale, Stored
from denoise_studio.formats import dicom_derive as derive
from denoise_studio.formats.base import Encoded, SaveOptions, SaveReport
from denoise_studio.formats.dicom_anonymise import BURNED_IN, Pseudonyms, anonymise
from denoise_studio.formats.dicom_endian import swap_words, was_big
from denoise_studio.formats.dicom_groups import FrameSaved, describe_frames, is_enhanced
from denoise_studio.formats.dicom_guard import plain_errors, require_shallow
from denoise_studio.formats.dicom_padding import padding_range
from denoise_studio.formats.dicom_pixels import PIXEL_DATA, describe_pixels, put_extremes, put_pixels
from denoise_studio.formats.dicom_read import DicomMetadata, hush
from denoise_studio.formats.dicom_recipe import put_recipe
from denoise_studio.formats.dicom_spool import Spool
from denoise_studio.formats.samples import rescale

_DAMAGED = ("The DICOM source", "save as TIFF or NPY")


@plain_errors(*_DAMAGED)
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


@plain_errors(*_DAMAGED)
def write(picture: Picture, encoded: Encoded, path: Path, options: SaveOptions) -> None:
    """Write the derived image in Explicit VR Little Endian, uncompressed.

    A frame of a file with several becomes a file of the same kind with that frame alone.
    """
    hush()
    metadata = metadata_of(picture)
    if metadata.frame is not None or is_enhanced(metadata.dataset):
        _write_frames([(picture, metadata, encoded)], path, options)
        return
    if options.anonymise:
        metadata = dataclasses.replace(metadata, spare=None)  # old overlays may be text
    dataset = _header(metadata.dataset, picture.scale, picture.history, options)
    put_pixels(dataset, encoded.samples[0], encoded.stored, metadata)
    _save(dataset, path, options)


def write_frames(pictures: Iterable[Picture], path: Path, options: SaveOptions) -> SaveReport:
    """Write frames of one multi-frame file as one derived file; only one is held in memory.

    Args:
        pictures: results, each of another frame of the same file, in any order; all of them, or those
            that are wanted. Taken one after the other.
        path: a temporary file beside the target; the caller renames it.
        options: as for a single picture; `recipe` is the one for all frames.

    Raises:
        FormatError: not frames of one file, or more than a file holds.
        OSError: the disk is full, the folder cannot be written, ...
    """
    hush()
    taken = ((picture, metadata_of(picture), encode(picture, options)) for picture in pictures)
    return _write_frames(taken, path, options)


def _write_frames(
    frames: Iterable[tuple[Picture, DicomMetadata, Encoded]], path: Path, options: SaveOptions
) -> SaveReport:
    with Spool(path.parent, overlays=not options.anonymise) as spool:
        for frame in frames:
            spool.add(*frame)
        pixels = spool.in_order()
        assert spool.metadata is not None
        history = spool.frames[0].history
        with plain_errors(*_DAMAGED):
            dataset = _header(spool.metadata.dataset, spool.scale, history, options, spool.frames)
            vr = describe_pixels(dataset, spool.stored)
            put_extremes(dataset, spool.extremes, spool.stored.dtype)
            dataset.add_new(PIXEL_DATA, vr, pixels)
            _save(dataset, path, options)
        return SaveReport(path, "dicom", spool.stored, spool.clipped, spool.dropped)


def _header(
    source: Dataset,
    scale: Scale,
    history: tuple[str, ...],
    options: SaveOptions,
    frames: list[FrameSaved] | None = None,
) -> Dataset:
    """Everything but the pixels, in little endian; `frames` for files with several."""
    require_shallow(source)
    dataset = copy.deepcopy(source)
    if was_big(source):
        swap_words(dataset)
    now = derive.now_for(source)
    derive.identify(dataset, source, history, options)
    derive.date(dataset, now)
    if frames is not None:
        describe_frames(dataset, source, frames)
    if not is_enhanced(source):
        chosen = None if frames is None else [frame.index for frame in frames]
        derive.image_type(dataset, source, scale, history)
        derive.describe(dataset, source, history, chosen)
        if scale is Scale.HU and not dataset.get("RescaleType"):
            dataset.RescaleType = "HU"
    derive.contribute(dataset, history, now)
    derive.annotations(dataset, source)
    derive.lossy(dataset, source)
    put_recipe(dataset, options.recipe)
    return dataset


def _save(dataset: Dataset, path: Path, options: SaveOptions) -> None:
    if options.anonymise:
        anonymise(dataset, Pseudonyms(options.secret))
    derive.file_meta(dataset)
    pydicom.dcmwrite(path, dataset, enforce_file_format=True, little_endian=True, implicit_vr=False)
