"""Series and pictures of NIfTI volumes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from denoise_studio.core.picture import Kind, Picture, Scale, Source, Stored, Window
from denoise_studio.core.plane import Plane
from denoise_studio.core.progress import Progress
from denoise_studio.core.series import Place, Series, SliceInfo
from denoise_studio.core.types import AnyArray
from denoise_studio.formats.dicom_padding import undeclared
from denoise_studio.formats.nifti_volume import Volume, judge
from denoise_studio.formats.samples import Values, rescale, to_float
from denoise_studio.formats.slice_order import Walk, walk


@dataclass(frozen=True, eq=False)
class NiftiMetadata:
    """`Source.metadata` of a slice of a NIfTI volume.

    Args:
        volume: the file.
        index: of the slice among all as they are stored.
    """

    volume: Volume
    index: int


@dataclass(frozen=True, eq=False)
class _Opener:
    """Reads slices; holds the volume, so that an inflated one lasts as long as its series."""

    volume: Volume
    scale: Scale
    span: tuple[float, float]
    note: str

    def __call__(self, series: Series, index: int, progress: Progress) -> Picture:
        from denoise_studio.formats.registry import open_checked

        frame = series.slices[index].frame or 0
        return open_checked(
            self.volume.path,
            lambda: replace(self.read(frame, progress), place=Place(series, index)),
        )

    def read(self, frame: int, progress: Progress) -> Picture:
        """The slice with this index in the file."""
        volume, header = self.volume, self.volume.header
        progress.report(0.0, "Reading")
        samples = np.ascontiguousarray(volume.turn.apply(volume.stored(frame, progress)))
        values = _values(samples, volume)
        stored = Stored(
            header.dtype.newbyteorder("=").name, header.dtype.itemsize * 8, header.slope, header.intercept
        )
        padding, fields, notes = values.padding, values.fields, [self.note, *values.notes]
        if self.scale is Scale.HU and padding is None:
            padding, said = undeclared(values.pixels[0])
            notes += said
            fields["padding"] = padding
        planes = volume.turn.planes
        unit = "HU" if self.scale is Scale.HU else ""
        return Picture(
            **fields,
            scale=self.scale,
            unit=unit,
            nominal_range=self.span,
            stored=stored,
            spacing=volume.turn.spacing,
            windows=_windows(header.window),
            plane=planes[frame % header.shape[2]] if planes else None,
            notes=tuple(notes),
            name=volume.path.name,
            source=Source("nifti", volume.path.absolute(), NiftiMetadata(volume, frame), _summary(volume)),
        )


def _values(samples: AnyArray, volume: Volume) -> Values:
    """Values of a slice; one without any finite value is all padding."""
    header = volume.header
    if samples.dtype.kind == "f" and not np.isfinite(samples).any():
        blank = np.zeros((1, *samples.shape), np.float32)
        kept = rescale(samples[None], header.slope, header.intercept)
        return Values(
            blank, np.ones(samples.shape, bool), kept, ("No voxel of this slice has a finite value.",)
        )
    return to_float(samples[None], volume.path.name, header.slope, header.intercept)


def series_of_volume(path: Path, progress: Progress, keep: bool = True) -> list[Series]:
    """The volumes of a file, each a series of slices along its third axis.

    Args:
        path: the file.
        progress: asked whether to stop.
        keep: whether what was inflated is kept at once, or inflated again when a slice is opened.

    Raises:
        FormatError: damaged or of a kind that is not read; one sentence.
    """
    volume = Volume(path)
    scale, span, note = judge(volume, progress)
    if not keep:
        volume.release()
    opener = _Opener(volume, scale, span, note)
    return [_series(opener, number) for number in range(volume.header.shape[3])]


def open_middle(path: Path, progress: Progress) -> Picture:
    """The middle slice of a file's first volume, with its place in the series.

    The first slices of many volumes are empty, so the middle one is the more useful to begin with.
    """
    series = series_of_volume(path, progress)[0]
    index = len(series) // 2
    opener: Any = series.open_slice
    picture: Picture = opener.read(series.slices[index].frame, progress)
    notes = picture.notes
    if len(series) > 1:
        notes = (f"The volume has {len(series)} slices; this is number {index + 1}.", *notes)
    return replace(picture, place=Place(series, index), notes=notes)


def _series(opener: _Opener, number: int) -> Series:
    header, turn = opener.volume.header, opener.volume.turn
    count = header.shape[2]
    order = range(count - 1, -1, -1) if turn.backwards else range(count)
    planes = [turn.planes[k] for k in order] if turn.planes else []
    walked = walk(planes, 0.0) if planes else Walk(header.size[2], 0.0, ())
    thickness = planes[0].thickness if planes else header.size[2]
    positions = _positions(planes) if planes else [None] * count
    path = opener.volume.path
    infos = tuple(
        SliceInfo(path, number * count + k, position, thickness, k + 1)
        for k, position in zip(order, positions, strict=True)
    )
    notes = [opener.note, *walked.notes]
    if header.affine is None:
        notes.append("The file does not tell how it lies in the patient; slices are shown as stored.")
    elif turn.planes is None:
        notes.append("Rows and columns are not at right angles, so slices have no plane.")
    rows, columns = (header.shape[1], header.shape[0])
    return Series(
        slices=infos,
        shape=(columns, rows) if turn.transpose else (rows, columns),
        kind=Kind.CT if opener.scale is Scale.HU else Kind.MR,
        open_slice=opener,
        label=_label(opener.volume, number),
        step=walked.step,
        notes=tuple(notes),
        tilt=walked.tilt,
        key=f"{path}#{number}" if header.shape[3] > 1 else str(path),
        files=frozenset([path]),
    )


def _positions(planes: Sequence[Plane]) -> list[float | None]:
    return [*(np.array([plane.origin for plane in planes]) @ planes[0].normal).tolist()]


def _label(volume: Volume, number: int) -> str:
    header = volume.header
    several = f", volume {number + 1} of {header.shape[3]}" if header.shape[3] > 1 else ""
    slices = f"{header.shape[2]} slice{'' if header.shape[2] == 1 else 's'}"
    return f"NIfTI, {slices} of {header.size[2]:g} mm{several}"


def _windows(window: tuple[float, float] | None) -> tuple[Window, ...]:
    return () if window is None else (Window(window[1] - window[0], (window[0] + window[1]) / 2, "file"),)


def _summary(volume: Volume) -> dict[str, Any]:
    header = volume.header
    return {
        "format": f"NIfTI-{header.version}",
        "voxels": " x ".join(
            str(size) for size in (header.shape if header.shape[3] > 1 else header.shape[:3])
        ),
        "voxel size (mm)": " x ".join(f"{size:g}" for size in header.size),
        "stored as": header.dtype.name,
        "orientation": header.method or "none stated",
    }
