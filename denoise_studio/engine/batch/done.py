"""Whether an output is what would be rendered again: then a batch skips it."""

import hashlib
from pathlib import Path
from typing import Any

from denoise_studio.core.errors import RecipeError
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.record import Record, read_record, record_path
from denoise_studio.engine.wishes import Wishes, canonical
from denoise_studio.formats import SaveOptions
from denoise_studio.formats.files import file_sha256

_SAVING = ("bits", "quality", "develop", "exposure")
"""Options that decide what a file holds; a series is a name, not a pixel."""


def wish(wishes: Wishes, options: SaveOptions) -> dict[str, Any]:
    """What is asked of every picture, in plain JSON types; the format shows in each output's name."""
    saving = {name: getattr(options, name) for name in _SAVING}
    if options.anonymise:  # else what was saved with names would do for what is asked without
        saving["anonymise"] = True
    return {**wishes.describe(), "saving": saving}


def asked(described: dict[str, Any]) -> str:
    """Checksum of a `wish`, for records."""
    return hashlib.sha256(canonical(described)).hexdigest()


def why_anew(source: Path, target: Path, wanted: str, series: str | None = None) -> tuple[Record | None, str]:
    """Whether `target` has to be rendered.

    The input is compared by its checksum. The output is, too, only if it was touched after its record
    was written; else its size is enough.

    Args:
        source: the input.
        target: its output, which may not exist.
        wanted: from `asked`.
        series: that DICOM outputs must belong to; what is left of another run would tear a series apart.

    Returns:
        The record and "" if the output is what was asked for. Else None and why not: "" again if
        there is no output yet.

    Raises:
        OSError: the input cannot be read.
    """
    beside = record_path(target)
    if not target.is_file() or not beside.is_file():
        return None, ""
    try:
        record = read_record(beside)
    except RecipeError:
        return None, "its record cannot be read"
    if record.asked != wanted or record.output.name != target.name:
        return None, "other recipe or options"
    if series is not None and record.output.format == "dicom" and record.series != series:
        return None, "part of another run's series"
    if not _same_method(record):
        return None, "the method has changed"
    if record.input is None:
        return None, "it was anonymised, so what it was made of cannot be told"
    if record.input.sha256 != file_sha256(source):
        return None, "the input has changed"
    if not _intact(record, target, beside):
        return None, "the output was changed"
    return record, ""


def _same_method(record: Record) -> bool:
    try:
        denoiser = get_denoiser(record.method.id)
    except RecipeError:
        return False
    if record.method.version != denoiser.version:
        return False
    weights = record.method.weights_sha256
    # Which of them serves this picture is known only once it is open; no two are alike.
    return weights in (denoiser.weights_sha256 or {}).values() if weights else not denoiser.weights_sha256


def _intact(record: Record, target: Path, beside: Path) -> bool:
    found = target.stat()
    if found.st_size != record.output.size:
        return False
    return found.st_mtime_ns <= beside.stat().st_mtime_ns or file_sha256(target) == record.output.sha256
