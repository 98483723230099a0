"""DICOM in: stored samples to values, padding, windows and spacing; the data set kept whole."""

from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from denoise_studio.core.errors import Cancelled, FormatError
from denoise_studio.core.picture import Picture, Source, Stored
from denoise_studio.core.progress import Progress
from denoise_studio.core.types import AnyArray
from denoise_studio.formats.dicom_bits import cut_bits, inexact
from denoise_studio.formats.dicom_check import check_image, damaged, require_length, stored_bits
from denoise_studio.formats.dicom_facts import spacing, summary, windows
from denoise_studio.formats.dicom_file import load_kept
from denoise_studio.formats.dicom_frames import frame_samples, require_frame
from denoise_studio.formats.dicom_padding import find_padding
from denoise_studio.formats.dicom_plane import frame_plane
from denoise_studio.formats.dicom_quiet import hush
from denoise_studio.formats.dicom_values import rescale_of, scale_of
from denoise_studio.formats.samples import to_float

__all__ = ["DicomMetadata", "hush", "read"]


@dataclass(frozen=True)
class DicomMetadata:
    """`Source.metadata` of a DICOM picture.

    Args:
        dataset: everything but the pixels; `file_meta` is its attribute. Frames of one file share it.
        shape: rows and columns.
        padding_samples: stored samples where the picture has padding, in row order.
        spare: bits of each sample outside BitsStored (old overlays), or None.
        frame: 0-based, which frame of a file with several this is; None for a single picture.
    """

    dataset: Dataset
    shape: tuple[int, int]
    padding_samples: AnyArray | None
    spare: AnyArray | None
    frame: int | None = None


def read(path: Path, progress: Progress, frame: int = 0) -> Picture:
    """Read one grey picture.

    Args:
        path: the file.
        progress: told, and asked whether to stop.
        frame: 0-based, of a file with several frames.

    Raises:
        FormatError: no image, no such frame, colour, an unknown compression, or damaged.
    """
    progress.report(0.0, "Reading")
    try:
        return _read(path, progress, frame)
    except (FormatError, Cancelled, MemoryError, OSError):
        raise
    except Exception as error:  # Values are parsed when they are asked for.
        raise damaged(path.name, error) from None


def _read(path: Path, progress: Progress, frame: int) -> Picture:
    file = load_kept(path, progress)
    dataset, name = file.dataset, path.name
    check_image(dataset, name, file.pixels.keyword if file.pixels else None)
    require_length(dataset, name, file.data.size - (file.pixels.offset if file.pixels else 0))
    require_frame(file, frame)
    progress.check()
    raw = frame_samples(file, frame)
    progress.check()
    samples, spare = cut_bits(raw, dataset)
    slope, intercept, notes = rescale_of(dataset, name, frame)
    values = to_float(samples[None], name, slope, intercept)
    stored = Stored(samples.dtype.name, stored_bits(dataset), slope, intercept)
    scale, unit, scale_note = scale_of(dataset, frame)
    padding, padding_note = find_padding(dataset, samples, values.pixels[0], scale)
    mm, spacing_note = spacing(dataset, frame)
    notes += [*scale_note, *padding_note, *inexact(samples, values.pixels[0], stored), *spacing_note]
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        notes.append("MONOCHROME1: the values are kept, high ones are meant to be shown dark.")
    low, high = (float(value) * slope + intercept for value in stored.limits)
    metadata = DicomMetadata(
        dataset,
        samples.shape,
        samples[padding] if padding is not None else None,
        spare,
        frame if file.frames > 1 else None,
    )
    return Picture(
        values.pixels,
        scale=scale,
        unit=unit,
        nominal_range=(min(low, high), max(low, high)),
        stored=stored,
        spacing=mm,
        padding=padding,
        windows=windows(dataset, frame),
        plane=frame_plane(dataset, frame),
        notes=tuple(notes),
        name=name,
        source=Source("dicom", path.absolute(), metadata, summary(dataset)),
    )
