"""Saving a rendering: the picture and, beside it, the record of how it was made.

The window and the command line both save through here. Either both files are new or neither:
a picture never stands beside the record of another.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from denoise_studio.core.errors import FormatError, StudioError
from denoise_studio.engine.outgoing import prepared
from denoise_studio.engine.record import Record, make_record, read_record, record_path, to_json
from denoise_studio.engine.render import Rendering
from denoise_studio.formats import SaveOptions, SaveReport, format_for, refuse_source
from denoise_studio.formats.files import replacing


@dataclass(frozen=True)
class ExportReport(SaveReport):
    """What was written; `record` and its path are None where none was wanted."""

    record: Record | None = None
    record_path: Path | None = None


def export(
    rendering: Rendering,
    path: str | os.PathLike[str],
    options: SaveOptions | None = None,
    *,
    write_record: bool = True,
    asked: str | None = None,
) -> ExportReport:
    """Save a rendering as `path` and its record as `path` + ".recipe.json".

    Args:
        rendering: from `engine.render.render_in_full` or `Session.render_now`.
        path: the ending chooses the format; an existing file is replaced.
        options: depth, JPEG quality, DICOM series.
        write_record: without, a record that an earlier save left there is taken away, because
            it would be about other pixels.
        asked: goes into the record as it is (see `engine.record.Record`).

    Raises:
        FormatError: the format cannot hold the picture, the target is the source, or writing
            failed. What was there before is then there as it was, and nothing new is.
    """
    path = Path(path)
    options = options or SaveOptions()
    refuse(rendering, path)
    chosen = format_for(path)
    picture, saving = prepared(rendering.picture, chosen, options, rendering.recipe)
    encoded = chosen.encode(picture, saving)
    record, beside = None, record_path(path)
    if write_record:
        try:
            record = make_record(rendering, path, chosen.id, encoded, options, asked)
        except OSError as error:
            raise FormatError(
                f"The source file can no longer be read ({(error.strerror or str(error)).lower()}), "
                "so the result cannot be recorded."
            ) from None
    with contextlib.ExitStack() as stack:
        if record is not None:
            stack.enter_context(_restoring(path))
            new_record = stack.enter_context(replacing(beside))
        with replacing(path) as temporary:
            chosen.write(picture, encoded, temporary, saving)
            if record is not None:
                # The record is on the disk before the picture is renamed, and renamed right after it.
                record = record.with_file(temporary)
                _write(new_record, to_json(record), beside)
    if record is None:
        _forget(beside)
    return ExportReport(
        path,
        chosen.id,
        encoded.stored,
        encoded.clipped,
        encoded.dropped,
        record,
        beside if record is not None else None,
    )


def refuse(rendering: Rendering, path: Path) -> None:
    """Raise `FormatError` if saving to this path would destroy the source file."""
    refuse_source(rendering.picture, path)
    beside = record_path(path)
    source = rendering.picture.source.path if rendering.picture.source else None
    if source is not None and beside.exists() and source.exists() and beside.samefile(source):
        raise FormatError(f"The record {beside.name} would replace the source file; choose another name.")


def _write(temporary: Path, data: bytes, target: Path) -> None:
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise FormatError(f"Cannot write {target}: {(error.strerror or str(error)).lower()}.") from None


@contextlib.contextmanager
def _restoring(path: Path) -> Iterator[None]:
    """If the body fails, put back the file that was at `path`, or none if there was none."""
    backup = _backup(path)
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            if backup is None:
                path.unlink(missing_ok=True)
            elif not path.exists() or not path.samefile(backup):
                backup.replace(path)
        raise
    finally:
        if backup is not None:
            backup.unlink(missing_ok=True)


def _backup(path: Path) -> Path | None:
    """A second name for the file at `path` (a copy where the disk has no links)."""
    if not path.is_file():
        return None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}-", suffix=".before", dir=path.parent)
        os.close(handle)
        backup = Path(name)
        try:
            backup.unlink()
            os.link(path, backup)
        except OSError:
            shutil.copy2(path, backup)
    except OSError as error:
        raise FormatError(f"Cannot write {path}: {(error.strerror or str(error)).lower()}.") from None
    return backup


def _forget(beside: Path) -> None:
    """Take away a record that is no longer about the picture beside it; leave anything else."""
    with contextlib.suppress(StudioError, OSError):
        read_record(beside)
        beside.unlink()
