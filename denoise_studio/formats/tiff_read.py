"""TIFF in: pixels through tifffile, everything else kept for the way back."""

import mmap
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from denoise_studio.core.errors import Cancelled, FormatError
from denoise_studio.core.picture import Picture, Scale, Source, Stored
from denoise_studio.core.progress import Progress
from denoise_studio.formats import exif
from denoise_studio.formats.declaration import Declaration, parse, read_declared
from denoise_studio.formats.npy import nominal_range
from denoise_studio.formats.orientation import upright
from denoise_studio.formats.photo import PhotoMetadata
from denoise_studio.formats.photo_facts import facts as photo_facts
from denoise_studio.formats.quiet import silence
from denoise_studio.formats.samples import check_size, to_float

silence("tifffile", "imagecodecs")

_REDUCED, _MASK = 1, 4
_PHOTOMETRIC = {0: "white is zero", 1: "grey", 2: "RGB", 3: "palette", 6: "YCbCr"}
_REFUSED = {4: "a transparency mask", 5: "CMYK", 8: "CIE Lab", 9: "ICC Lab", 10: "ITU Lab"}


def read(path: Path, progress: Progress) -> Picture:
    """Read the one picture of a TIFF file.

    Raises:
        FormatError: several pages, a kind of pixel that is not opened, or a broken file.
    """
    progress.report(0.0, "Reading")
    try:
        with tifffile.TiffFile(path) as file:
            page, notes = _single_page(file, path.name)
            _check(page, file, path.name)
            progress.check()
            samples = _planes(page, path.name)
            tags = {tag.code: tag.value for tag in page.tags}
            facts = _facts(page)
    except (FormatError, Cancelled, MemoryError, OSError):
        raise
    except Exception as error:  # Broken tags make tifffile raise nearly anything.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FormatError(f"{path.name} is damaged or cut short ({reason}).") from None
    progress.check()
    return _picture(path, samples, tags, facts, notes)


def _picture(
    path: Path, samples: Any, tags: dict[int, Any], facts: dict[str, Any], notes: tuple[str, ...]
) -> Picture:
    block = _block(path)
    orientation = exif.orientation(block)
    colour, alpha = _split_alpha(samples, facts)
    colour = upright(colour, orientation)
    note = _declaration(block)
    metadata = PhotoMetadata(
        block,
        _bytes(tags.get(700)),
        exif.resolution(block),
        note.history if note else (),
        {"white_is_zero": facts["photometric"] == 0, "alpha": facts["alpha"]},
    )
    fields, more = _meaning(colour, facts, note, path.name)
    if facts["alpha"] == 1:
        more += ("Colours are premultiplied by alpha and stay so.",)
    summary = {"samples": f"{facts['bits']}-bit {colour.dtype.name}", "compression": facts["compression"]}
    return Picture(
        **fields,
        alpha=upright(alpha, orientation) if alpha is not None else None,
        icc=_bytes(tags.get(34675)),
        orientation=orientation,
        notes=notes + more,
        name=path.name,
        source=Source("tiff", path.absolute(), metadata, summary | photo_facts(metadata)),
    )


def _single_page(file: Any, name: str) -> tuple[Any, tuple[str, ...]]:
    """The page that is the picture; small copies and masks beside it are left out."""
    pages = list(file.pages)
    if not pages:
        raise FormatError(f"{name} holds no picture.")
    if any(50706 in page.tags for page in pages[:1]):
        raise FormatError(f"{name} is a DNG camera raw file that is not opened as a TIFF.")
    full = [page for page in pages if not int(page.subfiletype) & (_REDUCED | _MASK)]
    if not full:
        raise FormatError(f"{name} holds only a preview picture.")
    if len(full) > 1:
        raise FormatError(f"{name} has {len(full)} pages; only files with one picture are opened.")
    series = file.series[0]
    if series.size > full[0].size and len(pages) == 1:
        raise FormatError(
            f"{name} holds a stack of {series.size // full[0].size} pictures; only one picture is opened."
        )
    extra = len(pages) - 1
    notes = (f"{extra} reduced cop{'y' if extra == 1 else 'ies'} or masks left out.",) if extra else ()
    return full[0], notes


def _check(page: Any, file: Any, name: str) -> None:
    check_size(name, page.imagewidth, page.imagelength, file.filehandle.size)
    photometric = int(page.photometric)
    if page.imagedepth > 1:
        raise FormatError(f"{name} is a volume of {page.imagedepth} slices; only single slices are opened.")
    if photometric in (32803, 34892):
        raise FormatError(f"{name} holds camera raw data of a kind that is not opened.")
    if photometric not in _PHOTOMETRIC or (photometric == 6 and int(page.compression) not in (6, 7)):
        kind = _REFUSED.get(photometric, f"photometric interpretation {photometric}")
        raise FormatError(f"{name} is a {kind} TIFF; only grey and RGB are opened.")
    colours = 3 if photometric in (2, 6) else 1
    if page.samplesperpixel - colours not in (0, 1):
        raise FormatError(
            f"{name} has {page.samplesperpixel} channels; only grey or RGB with alpha is opened."
        )
    if page.dtype is None or page.dtype.kind not in "biuf":
        raise FormatError(f"{name} has samples of a type that is not opened ({page.bitspersample} bits).")
    size = file.filehandle.size
    places = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    if not places or any(count <= 0 or start <= 0 or start + count > size for start, count in places):
        raise FormatError(f"{name} is cut short: a part of its pixels is missing.")


def _planes(page: Any, name: str) -> Any:
    """`(C, H, W)` samples of one page, palettes expanded."""
    data = page.asarray()
    if int(page.photometric) == 3:
        table = np.asarray(page.colormap)
        if data.ndim != 2 or int(data.max()) >= table.shape[1]:
            raise FormatError(f"{name} has a palette that does not fit its pixels.")
        return table[:, data]
    # Planes, depth, rows, columns, channels: planes or channels are 1, and depth is.
    planes = np.reshape(data, page.shaped)[:, 0]
    return planes[..., 0] if planes.shape[0] > 1 else np.moveaxis(planes[0], -1, 0)


def _facts(page: Any) -> dict[str, Any]:
    extra = [int(value) for value in page.extrasamples]
    return {
        "photometric": int(page.photometric),
        "bits": int(page.bitspersample),
        "compression": getattr(page.compression, "name", str(page.compression)).lower(),
        "alpha": (extra[0] if extra else 2) if page.samplesperpixel in (2, 4) else None,
    }


def _split_alpha(samples: Any, facts: dict[str, Any]) -> tuple[Any, Any]:
    return (samples[:-1], samples[-1]) if facts["alpha"] is not None else (samples, None)


def _meaning(
    samples: Any, facts: dict[str, Any], note: Declaration | None, name: str
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The `Picture` fields that tell what samples mean, and notes."""
    declared = note.values if note else None
    if declared is not None and declared.samples == samples.dtype.name:
        values, fields = read_declared(samples, declared, name)
        return fields, values.notes
    notes: tuple[str, ...] = ()
    bits = facts["bits"]
    if facts["photometric"] == 3:
        notes, bits = ("The colour palette is expanded to 16-bit RGB.",), 16
    if samples.dtype.kind == "b" or (samples.dtype.kind == "u" and bits < 8):
        top = (1 << bits) - 1
        samples, bits = np.round(samples * (255 / top)).astype(np.uint8), 8
        notes += ("The samples of fewer than 8 bits are expanded to 8 bits.",)
    inverted = facts["photometric"] == 0 and samples.dtype.kind == "u" and samples.dtype.itemsize <= 2
    top = (1 << bits) - 1
    slope, intercept = (-1.0, float(top)) if inverted else (1.0, 0.0)
    values = to_float(samples, name, slope, intercept)
    fields = {**values.fields, "stored": Stored(samples.dtype.name, bits, slope, intercept)}
    if samples.dtype.kind == "u" and samples.dtype.itemsize <= 2:
        fields |= {"scale": Scale.DISPLAY, "unit": "DN", "nominal_range": (0.0, float(top))}
    else:
        fields |= {"nominal_range": nominal_range(samples.dtype, values.pixels, values.padding)}
    return fields, notes + values.notes


def _declaration(block: bytes | None) -> Declaration | None:
    for text in exif.text(block, 270).split(b"\0"):
        if (found := parse(text)) is not None:
            return found
    return None


def _block(path: Path) -> bytes | None:
    """The descriptive tags with EXIF and GPS as a block of their own."""
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            view = memoryview(data)
            try:
                return exif.gather(view)
            finally:
                view.release()
    except ValueError:
        return None


def _bytes(value: Any) -> bytes | None:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, tuple) and all(isinstance(v, int) and 0 <= v < 256 for v in value):
        return bytes(value)
    return value if isinstance(value, bytes) and value else None
