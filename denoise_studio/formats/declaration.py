"""What Denoise Studio writes about values into TIFF and PNG, so that it reads them back."""

import math
from typing import Annotated, Any

import msgspec
import numpy as np

from denoise_studio import __version__
from denoise_studio.core.picture import Picture, Scale, Stored, Window
from denoise_studio.core.types import AnyArray
from denoise_studio.formats.samples import Target, Values, to_float

Number = Annotated[float, msgspec.Meta(ge=-1e30, le=1e30)]


class Declared(msgspec.Struct, frozen=True, omit_defaults=True):
    """How samples stand for values: `value = sample * slope + intercept`, in `unit`."""

    samples: str
    scale: Scale = Scale.UNITLESS
    unit: str = ""
    nominal_range: tuple[Number, Number] = (0.0, 1.0)
    slope: Number = 1.0
    intercept: Number = 0.0
    spacing: tuple[Number, Number] | None = None
    padding: tuple[Number, Number] | None = None
    windows: tuple[tuple[Number, Number, str], ...] = ()


class Declaration(msgspec.Struct, frozen=True, omit_defaults=True):
    """The whole note: the version that wrote it, the values, the steps that made them."""

    denoise_studio: str
    values: Declared | None = None
    history: tuple[str, ...] = ()


def declare(picture: Picture, target: Target, history: tuple[str, ...]) -> str | None:
    """The JSON note for a file, ASCII, or None where there is nothing to tell."""
    values = None
    if target.declared:
        values = Declared(
            samples=target.stored.dtype,
            scale=picture.scale,
            unit=picture.unit,
            nominal_range=picture.nominal_range,
            slope=target.stored.slope,
            intercept=target.stored.intercept,
            spacing=picture.spacing,
            padding=_padding_range(picture),
            windows=tuple((w.width, w.level, w.name) for w in picture.windows),
        )
    if values is None and not history:
        return None
    plain = msgspec.json.encode(Declaration(__version__, values, history)).decode()
    return "".join(c if " " <= c <= "~" else "".join(_escape(c)) for c in plain)


def parse(text: str | bytes) -> Declaration | None:
    """The note in a text, None if it holds none that is valid."""
    raw = text.encode() if isinstance(text, str) else text
    if b'"denoise_studio"' not in raw:
        return None
    try:
        found = msgspec.json.decode(raw, type=Declaration)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    values = found.values
    if values is not None and (values.slope == 0 or values.nominal_range[0] > values.nominal_range[1]):
        return None
    if values is not None and values.spacing is not None and min(values.spacing) <= 0:
        return None
    return found


def read_declared(samples: AnyArray, declared: Declared, name: str) -> tuple[Values, dict[str, Any]]:
    """The values and the `Picture` fields that a note gives to these samples."""
    values = to_float(samples, name, declared.slope, declared.intercept)
    fields: dict[str, Any] = {
        "scale": declared.scale,
        "unit": declared.unit,
        "nominal_range": declared.nominal_range,
        "stored": Stored(declared.samples, samples.dtype.itemsize * 8, declared.slope, declared.intercept),
        "spacing": declared.spacing,
        "windows": tuple(Window(*window) for window in declared.windows),
        **values.fields,
    }
    if declared.padding is not None:
        low, high = declared.padding
        mask = np.asarray(((values.pixels >= low) & (values.pixels <= high)).all(axis=0))
        if mask.any() and not mask.all():
            fields["padding"] = mask if values.padding is None else mask | values.padding
    return values, fields


def _padding_range(picture: Picture) -> tuple[float, float] | None:
    """The values that only padding has, for a file that cannot say which pixels are padding."""
    mask = picture.padding
    if mask is None or mask.all():
        return None
    inside = picture.pixels[:, mask]
    if picture.padding_values is not None:
        inside = picture.padding_values[:, mask]
    inside = inside[np.isfinite(inside)]
    if not inside.size:
        return None
    low, high = float(inside.min()), float(inside.max())
    valid = picture.pixels[:, ~mask]
    apart = not bool(((valid >= low) & (valid <= high)).all(axis=0).any())
    return (low, high) if apart and math.isfinite(low) and math.isfinite(high) else None


def _escape(character: str) -> list[str]:
    """JSON escapes, in UTF-16 units, because TIFF text is ASCII."""
    units = character.encode("utf-16-be", "surrogatepass")
    return [f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2)]
