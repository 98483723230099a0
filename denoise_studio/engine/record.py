"""The record written beside every output: how it was made, so that it can be made again.

`OUT.recipe.json` holds the recipe with nothing left open, the method, the software, the device,
checksums of the input file and of the pixels. It takes no patient data, only a file's path.
"""

import contextlib
import hashlib
import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from denoise_studio import __version__
from denoise_studio.core import recipe as recipes
from denoise_studio.core.errors import RecipeError, StudioError
from denoise_studio.core.picture import Picture
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.maps import spreads
from denoise_studio.engine.outgoing import way_of
from denoise_studio.engine.render import Rendering
from denoise_studio.formats import Encoded, SaveOptions
from denoise_studio.formats.files import file_sha256

FORMAT = "denoise-studio-record"
VERSION = 1
SUFFIX = ".recipe.json"

_LARGEST_FILE = 256 * 1024 * 1024
"""A recipe with many brush strokes takes some megabytes; no more is ever parsed."""


class Method(msgspec.Struct, frozen=True):
    """The method, with what tells two of its versions apart."""

    id: str
    version: int
    weights_sha256: str | None


class Device(msgspec.Struct, frozen=True, rename={"kind": "class"}):
    """Where the method ran in the end, and why not where it was meant to."""

    kind: str
    name: str
    fallback: str


class Input(msgspec.Struct, frozen=True):
    """The file that was opened: path relative to the output's folder (POSIX), SHA-256.

    `frame` tells, counted from 0, which of a file with several slices it was; `slices`, how many its series
    had, where the result depends on them.
    """

    path: str
    sha256: str
    frame: int | None = None
    slices: int | None = None


class Output(msgspec.Struct, frozen=True):
    """What was written; `bits_asked` and `quality` are the options that encode it again.

    `pixels_sha256` is the SHA-256 of the declared quantisation: `Encoded.pixels`, little-endian
    float32, C order. For JPEG that is the array before coding. `size` (bytes) and `sha256` are the
    file's own. `developed` says how camera raw became colours, with how many stops of `exposure`.
    """

    name: str
    format: str
    dtype: str
    bits: int
    slope: float
    intercept: float
    clipped: int
    dropped: tuple[str, ...]
    pixels_sha256: str
    bits_asked: int | None = None
    quality: int = 95
    size: int | None = None
    sha256: str | None = None
    developed: str | None = None
    exposure: float = 0.0


class Fit(msgspec.Struct, frozen=True):
    """What a method found by itself: its note, and percentiles 5, 50 and 95 of each map as used."""

    note: str
    maps: dict[str, tuple[float, float, float]]


class Record(msgspec.Struct, frozen=True):
    """All that `OUT.recipe.json` says.

    `asked` stands for what a batch asked for, which made the recipe; a batch that asks the same again
    knows the output by it. `series` is that of `SaveOptions`: files with the same one are one DICOM series.
    """

    recipe: Recipe
    method: Method
    software: dict[str, str | None]
    device: Device
    precision: str
    seed: int
    tile: int
    milliseconds: float
    input: Input | None
    output: Output
    created: str
    fit: Fit | None = None
    asked: str | None = None
    series: str | None = None

    def with_file(self, written: Path) -> "Record":
        """The same with size and checksum of the file that now holds the output."""
        output = msgspec.structs.replace(
            self.output, size=written.stat().st_size, sha256=file_sha256(written)
        )
        return msgspec.structs.replace(self, output=output)


def record_path(output: Path) -> Path:
    """`OUT.recipe.json` for `OUT`."""
    return output.with_name(output.name + SUFFIX)


def pixels_sha256(pixels: FloatArray) -> str:
    """SHA-256 of `(C, H, W)` float32 pixels, little-endian, C order, hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(pixels, "<f4").data).hexdigest()


def software() -> dict[str, str | None]:
    """Versions of what computes pixels; looked up without importing any of it."""
    packages = {"torch": "torch", "numpy": "numpy", "opencv": "opencv-python-headless", "numba": "numba"}
    found: dict[str, str | None] = {"denoise_studio": __version__, "python": platform.python_version()}
    for name, package in packages.items():
        try:
            found[name] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def make_record(
    rendering: Rendering,
    output: Path,
    format_id: str,
    encoded: Encoded,
    options: SaveOptions,
    asked: str | None = None,
) -> Record:
    """Describe a rendering that is about to be saved as `output`.

    Raises:
        OSError: the input file can no longer be read.
    """
    recipe = rendering.recipe
    denoiser = get_denoiser(recipe.method)
    weights = (denoiser.weights_sha256 or {}).get(rendering.picture.channels)
    stored = encoded.stored
    return Record(
        recipe=recipe,
        method=Method(denoiser.id, denoiser.version, weights),
        software=software(),
        device=Device(rendering.device.kind, rendering.device.name, rendering.fallback),
        precision=recipe.precision,
        seed=recipe.seed,
        tile=rendering.tile,
        milliseconds=round(rendering.milliseconds, 1),
        input=None if options.anonymise else _input(rendering.picture, output, recipe),
        output=Output(
            name=output.name,
            format=format_id,
            dtype=stored.dtype,
            bits=stored.bits,
            slope=stored.slope,
            intercept=stored.intercept,
            clipped=encoded.clipped,
            dropped=encoded.dropped,
            pixels_sha256=pixels_sha256(encoded.pixels),
            bits_asked=options.bits,
            quality=options.quality,
            developed=way_of(rendering.picture, format_id, options),
            exposure=options.exposure,
        ),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        fit=_fit(rendering),
        asked=asked,
        series=options.series,
    )


def _fit(rendering: Rendering) -> Fit | None:
    if rendering.fitted is None:
        return None
    found = spreads(rendering.picture, rendering.recipe, rendering.fitted)
    return Fit(
        rendering.fitted.note,
        {name: (_rounded(s.low), _rounded(s.median), _rounded(s.high)) for name, s in found.items()},
    )


def _rounded(value: float, digits: int = 4) -> float:
    """With that many significant digits."""
    return float(f"{value:.{digits}g}")


def _input(picture: Picture, output: Path, recipe: Recipe) -> Input | None:
    """The file as it was when it was opened: it may have changed since."""
    source = picture.source
    if source is None or source.path is None:
        return None
    place = picture.place
    return Input(
        relative(source.path, output.parent),
        source.sha256 or file_sha256(source.path),
        frame=place.info.frame if place is not None else None,
        slices=len(place.series) if place is not None and recipe.across != "each" else None,
    )


def relative(path: Path, folder: Path) -> str:
    """`path` as seen from `folder`, with forward slashes; absolute if on another drive."""
    path, folder = path.resolve(), folder.resolve()
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return path.as_posix()


def to_dict(record: Record) -> dict[str, Any]:
    """Plain JSON types, with format and version."""
    body: dict[str, Any] = msgspec.to_builtins(record, enc_hook=dict)
    if record.asked is None:
        del body["asked"]
    if record.series is None:
        del body["series"]
    for name in ("frame", "slices"):
        if record.input is not None and getattr(record.input, name) is None:
            del body["input"][name]
    return {"format": FORMAT, "version": VERSION, **body, "recipe": recipes.to_dict(record.recipe)}


def to_json(record: Record) -> bytes:
    return msgspec.json.format(msgspec.json.encode(to_dict(record)), indent=2) + b"\n"


def read_record(path: Path) -> Record:
    """Read a record.

    Raises:
        RecipeError: it is missing, is none, or has an unknown version; one sentence.
    """
    return _record(_load(path), path.name)


def read_recipe(path: Path) -> Recipe:
    """The recipe in a recipe file, in the record of an output, or inside a derived DICOM file.

    Raises:
        RecipeError: the file is missing, none of these, or of an unknown version.
    """
    inside = _inside(path)
    data = _load(path) if inside is None else msgspec.json.decode(inside)
    if isinstance(data, dict) and data.get("format") == FORMAT:
        return _record(data, path.name).recipe
    return _recipe(data, path.name)


def _inside(path: Path) -> bytes | None:
    """The JSON inside a DICOM file, None for a file of another sort."""
    with contextlib.suppress(OSError), path.open("rb") as stream:
        if stream.read(132)[128:] == b"DICM":
            from denoise_studio.formats.dicom_file import load
            from denoise_studio.formats.dicom_recipe import recipe_inside

            try:
                text = recipe_inside(load(path).dataset)
                msgspec.json.decode(text or "")
            except (StudioError, msgspec.DecodeError):
                text = None
            if text is None:
                raise RecipeError(f"{path.name} has no recipe inside.")
            return text.encode()
    return None


def _load(path: Path) -> Any:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise RecipeError(f"{path.name} is too large for a recipe.")
        text = path.read_bytes()
    except FileNotFoundError:
        raise RecipeError(f"{path} does not exist.") from None
    except IsADirectoryError:
        raise RecipeError(f"{path} is a folder.") from None
    except OSError as error:
        raise RecipeError(f"Cannot read {path}: {(error.strerror or str(error)).lower()}.") from None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RecipeError(f"{path.name} is not a recipe: it holds no valid JSON.") from None


def _record(data: Any, name: str) -> Record:
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise RecipeError(f"{name} is not the record of an output of Denoise Studio.")
    if data.get("version") != VERSION:
        raise RecipeError(
            f"{name} is a record of version {data.get('version')!r}; this program reads version {VERSION}."
        )
    recipe = _recipe(data.get("recipe"), name)
    try:
        # The recipe has its own reader; it goes through `convert` as the object it already is.
        return msgspec.convert({**data, "recipe": recipe}, Record)
    except msgspec.ValidationError as error:
        raise RecipeError(f"{name} is not a valid record: {error}.") from None


def _recipe(data: Any, name: str) -> Recipe:
    try:
        return recipes.from_dict(data)
    except RecipeError as error:
        raise RecipeError(f"{name}: {error}") from None
