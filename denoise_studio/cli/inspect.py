"""`info` and `methods`: looking without changing anything."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from denoise_studio.cli.printing import echo_json, echo_table, number
from denoise_studio.cli.series import list_series

if TYPE_CHECKING:
    from denoise_studio.core.picture import Picture

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@_JSON
def info(file: Path, as_json: bool) -> None:
    """Tell what a picture file holds: kind, size, values, and what metadata is kept.

    Of a folder or a DICOMDIR: its series, sorted, with what is odd about them.
    """
    from denoise_studio.formats import open_picture

    if file.is_dir() or file.name.upper() == "DICOMDIR":
        list_series(file, as_json)
        return
    picture = open_picture(file)
    found = _info(picture)
    if as_json:
        echo_json(found)
    else:
        echo_table(_info_rows(found, picture))


def _info(picture: "Picture") -> dict[str, Any]:
    from denoise_studio.denoisers import default_method
    from denoise_studio.noise.of_picture import estimate_noise

    stored, source = picture.stored, picture.source
    return {
        "name": picture.name,
        "format": source.format if source else None,
        "kind": picture.kind.value,
        "scale": picture.scale.value,
        "unit": picture.unit,
        "shape": list(picture.pixels.shape),
        "width": picture.width,
        "height": picture.height,
        "channels": picture.channels,
        "dtype": stored.dtype,
        "bits": stored.bits,
        "slope": stored.slope,
        "intercept": stored.intercept,
        "nominal_range": list(picture.nominal_range),
        "value_range": list(picture.value_range),
        "noise_sd": estimate_noise(picture).sigma,
        "spacing_mm": list(picture.spacing) if picture.spacing else None,
        "windows": [{"width": w.width, "level": w.level, "name": w.name} for w in picture.windows],
        "orientation": picture.orientation,
        "icc_bytes": len(picture.icc) if picture.icc else 0,
        "alpha": picture.alpha is not None,
        "padding_pixels": int(picture.padding.sum()) if picture.padding is not None else 0,
        "default_method": default_method(picture),
        "notes": list(picture.notes),
        "history": list(picture.history),
        "metadata": _plain(dict(source.summary)) if source else {},
    }


def _info_rows(found: dict[str, Any], picture: "Picture") -> list[tuple[str, str]]:
    unit = f" {found['unit']}" if found["unit"] else ""
    colour = "grey" if picture.channels == 1 else "colour"
    if picture.mosaic is not None:
        colour = f"mosaic {picture.mosaic.name}"
    rescale = (found["slope"], found["intercept"]) != (1.0, 0.0)
    spacing = found["spacing_mm"]
    return [
        ("file", found["name"]),
        ("kind", f"{found['kind']} ({found['format']}, {found['scale']})"),
        ("size", f"{found['width']} x {found['height']} px, {colour}"),
        ("stored as", f"{found['dtype']}, {found['bits']} bits" + _rescale(found) * rescale),
        ("values", "{:g} to {:g}".format(*found["value_range"]) + unit),
        ("range", "{:g} to {:g}".format(*found["nominal_range"]) + unit),
        ("noise", f"{found['noise_sd']:.3g}{unit} (estimate)"),
        ("spacing", f"{spacing[0]:.4g} x {spacing[1]:.4g} mm (row, column)" if spacing else ""),
        (
            "windows",
            ", ".join(f"W {w['width']:g} L {w['level']:g} {w['name']}".strip() for w in found["windows"]),
        ),
        ("orientation", str(found["orientation"]) if found["orientation"] != 1 else ""),
        ("profile", f"ICC, {found['icc_bytes']} bytes" if found["icc_bytes"] else ""),
        ("alpha", "carried through untouched" if found["alpha"] else ""),
        ("padding", number(found["padding_pixels"], "pixel") if found["padding_pixels"] else ""),
        ("method", f"{found['default_method']} (default)"),
        *(("note", note) for note in found["notes"]),
        *(("history", line) for line in found["history"]),
        *((f"  {name}", _text(value)) for name, value in found["metadata"].items()),
    ]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _rescale(found: dict[str, Any]) -> str:
    sign = "-" if found["intercept"] < 0 else "+"
    return f", value = stored x {found['slope']:g} {sign} {abs(found['intercept']):g}"


def _plain(value: Any) -> Any:
    """JSON types, whatever a format put into its summary."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str | bool | int | None):
        return value
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        return value
    return str(value)


@click.command()
@_JSON
def methods(as_json: bool) -> None:
    """List every method with its parameters."""
    from denoise_studio.denoisers import all_denoisers
    from denoise_studio.denoisers.registry import DEFAULT_METHODS

    found = [denoiser.describe() for denoiser in all_denoisers()]
    if as_json:
        defaults = {kind.value: method for kind, method in DEFAULT_METHODS.items()}
        echo_json({"methods": found, "default_methods": defaults})
        return
    for method in found:
        click.echo(f"{method['id']}: {method['name']}. {method['summary']}")
        for parameter in method["parameters"]:
            click.echo(f"  {_parameter(parameter)}")
    for kind, chosen in DEFAULT_METHODS.items():
        click.echo(f"default for {kind.value}: {chosen}")


def _parameter(parameter: dict[str, Any]) -> str:
    if "minimum" not in parameter:
        choices = ", ".join(parameter.get("choices", ["true", "false"]))
        return f"{parameter['name']} ({choices}; default {parameter['default']}): {parameter['description']}"
    unit = f" {parameter['unit']}" if parameter["unit"] and not parameter["relative_to_span"] else ""
    limits = f"{parameter['minimum']:g} to {parameter['maximum']:g}{unit}"
    if parameter["relative_to_span"]:
        limits += " times the picture's span"
    multiple = parameter["default_noise_multiple"]
    if parameter["fitted"]:
        default = "found for every place"
    elif multiple is not None:
        default = f"{multiple:g} x the noise estimate"
    else:
        default = f"{parameter['default']:g}"
    return f"{parameter['name']} ({limits}; default {default}): {parameter['description']}"
