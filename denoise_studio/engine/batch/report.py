"""What a batch did: one entry a file, kept as `batch-report.json` in the output folder.

It names files relative to their input root and takes nothing out of them that could name a person.
"""

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from denoise_studio import __version__
from denoise_studio.core.errors import FormatError
from denoise_studio.formats.files import write_bytes

REPORT_NAME = "batch-report.json"
FORMAT = "denoise-studio-batch-report"
VERSION = 1

Status = Literal["done", "skipped", "failed", "left"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One file.

    Attributes:
        input: its name below the input root.
        output: its output's name below the output folder, "" if it has none.
        status: "done", "skipped" (done by an earlier run), "failed", or "left" when the batch ended early.
        message: why it failed, or why it was rendered anew.
        method: id of the method.
        noise_sd: estimated noise of the input, in `noise_unit`; None if unknown.
        noise_unit: "" if the values have none.
        seconds: from opening to saving, without waiting.
        clipped: values that the output could not hold.
        dropped: sentences about what of the picture the output does not keep.
        notes: sentences about opening, regions and the device.
    """

    input: str
    output: str = ""
    status: Status = "left"
    message: str = ""
    method: str = ""
    noise_sd: float | None = None
    noise_unit: str = ""
    seconds: float = 0.0
    clipped: int = 0
    dropped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Totals(msgspec.Struct, frozen=True):
    """How many files there are, and of each status."""

    files: int
    done: int
    skipped: int
    failed: int
    left: int


class Report(msgspec.Struct, kw_only=True):
    """A whole batch.

    Attributes:
        id: of this batch; running it again with the same wish goes on with the same one, and DICOM
            slices of one source series join one new series by it.
        asked: checksum of wish and output options; see `engine.batch.done`.
        source: checksum of the series that was saved; "" for a batch of files.
        wish: what was asked for, in plain JSON types.
        files: in the order in which they were named.
        seconds: wall time of this run.
        cancelled: a person ended it early.
        stopped: the sentence that ended it early, "" if none did.
        created: when this run began.
    """

    files: list[Entry]
    asked: str = ""
    source: str = ""
    wish: dict[str, Any] = {}
    id: str = msgspec.field(default_factory=lambda: uuid.uuid4().hex)
    seconds: float = 0.0
    cancelled: bool = False
    stopped: str = ""
    created: str = msgspec.field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def totals(self) -> Totals:
        count = Counter(entry.status for entry in self.files)
        return Totals(len(self.files), count["done"], count["skipped"], count["failed"], count["left"])

    @property
    def failures(self) -> Sequence[Entry]:
        return [entry for entry in self.files if entry.status == "failed"]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, with format and version."""
        body: dict[str, Any] = msgspec.to_builtins(self)
        head = {"format": FORMAT, "version": VERSION, "denoise_studio": __version__}
        return {**head, "totals": msgspec.to_builtins(self.totals), **body}


def write_report(report: Report, folder: Path) -> None:
    """Write `batch-report.json`, whole or not at all.

    Raises:
        FormatError: the folder cannot be written or the disk is full.
    """
    data = msgspec.json.format(msgspec.json.encode(report.to_dict()), indent=2)
    write_bytes(folder / REPORT_NAME, data + b"\n")


def read_report(folder: Path) -> Report | None:
    """The report of an earlier run; None if there is none, or only one of another version.

    Raises:
        FormatError: a file of that name is there and is something else, so that it must not be replaced.
    """
    path = folder / REPORT_NAME
    try:
        data: Any = msgspec.json.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FormatError(f"Cannot read {path}: {(error.strerror or str(error)).lower()}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        data = None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise FormatError(
            f"{path} is no report of a batch and would be replaced; move it or choose another folder."
        )
    try:
        return msgspec.convert(data, Report) if data.get("version") == VERSION else None
    except msgspec.ValidationError:
        return None
