"""How a batch is shown while it runs, and told at its end."""

import contextlib
import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click
import msgspec

from denoise_studio.core.progress import Progress

if TYPE_CHECKING:
    from denoise_studio.engine.batch import Entry, Report

_LISTED = 60
"""Files that the summary lists one by one; of more it lists those that failed."""


class Lines:
    """A line a file on standard error, for logs; the summary on standard output."""

    def file(self, entry: "Entry", report: "Report") -> None:
        totals = report.totals
        through = totals.files - totals.left
        click.echo(f"[{through}/{totals.files}] {_told(entry)}", err=True)

    def tick(self, report: "Report", running: dict[str, float]) -> None:
        """Nothing: a log wants no clock."""

    def end(self, report: "Report", folder: Path) -> None:
        for line in summary(report, folder):
            click.echo(line)


class OneLine(Lines):
    """One line on standard error that is written over and over, and failures above it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def file(self, entry: "Entry", report: "Report") -> None:
        if entry.status == "failed":
            self.clear()
            click.echo(_told(entry), err=True)

    def tick(self, report: "Report", running: dict[str, float]) -> None:
        width = shutil.get_terminal_size().columns - 1
        stopping = "stopping; " if self._progress.cancelled else ""
        click.echo(f"\r{stopping}{_state(report, running)}"[: width + 1] + "\x1b[K", err=True, nl=False)

    def clear(self) -> None:
        click.echo("\r\x1b[K", err=True, nl=False)


class JsonLines(Lines):
    """Objects on standard output, one a line, nothing on standard error."""

    def file(self, entry: "Entry", report: "Report") -> None:
        self._echo({"event": "file", **msgspec.to_builtins(entry)})

    def end(self, report: "Report", folder: Path) -> None:
        body = report.to_dict()
        del body["files"]
        self._echo({"event": "end", **body})

    def _echo(self, value: dict[str, Any]) -> None:
        click.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))


@contextlib.contextmanager
def watcher(as_json: bool, progress: Progress) -> Iterator[Lines]:
    """Whoever tells of a batch here: to a program, to a person at a terminal, or into a log."""
    if as_json:
        yield JsonLines()
    elif sys.stderr.isatty():
        line = OneLine(progress)
        try:
            yield line
        finally:
            line.clear()
    else:
        yield Lines()


def summary(report: "Report", folder: Path) -> list[str]:
    """What was done, for a person: files, then sentences with how many files they are about, then totals."""
    totals = report.totals
    few = totals.files <= _LISTED
    listed = [entry for entry in report.files if few or entry.status == "failed"]
    lines = [_told(entry) for entry in listed if entry.status != "left"]
    for sentence, count in _sentences(report).items():
        lines.append(f"{_files(count)}: {sentence}")
    if clipped := [entry for entry in report.files if entry.clipped]:
        values = sum(entry.clipped for entry in clipped)
        lines.append(f"{_files(len(clipped))}: {values} values beyond what the files can hold, clipped.")
    counts = [
        f"{getattr(totals, status)} {status}"
        for status in ("done", "skipped", "failed", "left")
        if status == "done" or getattr(totals, status)
    ]
    lines.append(f"{_files(totals.files)}: {', '.join(counts)}, in {_duration(report.seconds)}")
    lines.append(f"report: {folder / 'batch-report.json'}")
    return lines


def _told(entry: "Entry") -> str:
    renamed = entry.output and entry.output != entry.input
    name = f"{entry.input} -> {entry.output}" if renamed else entry.input
    if entry.status == "failed":
        # Most sentences begin with the file's own name.
        sentence = entry.message.removeprefix(PurePosixPath(entry.input).name)
        return f"failed: {entry.input}{'' if sentence != entry.message else ': '}{sentence}"
    parts = [entry.status, entry.method]
    if entry.noise_sd is not None:
        parts.append(f"noise sd {entry.noise_sd:g}{f' {entry.noise_unit}' if entry.noise_unit else ''}")
    if entry.status == "done":
        parts.append(_duration(entry.seconds))
    if entry.clipped:
        parts.append(f"{entry.clipped} clipped")
    if entry.message:
        parts.append(entry.message)
    return f"{name}: {', '.join(part for part in parts if part)}"


def _sentences(report: "Report") -> Counter[str]:
    return Counter(sentence for entry in report.files for sentence in (*entry.dropped, *entry.notes))


def _state(report: "Report", running: dict[str, float]) -> str:
    """`12 of 40, 1 failed; 31 a minute, about 54 s left; a.dcm 45%`."""
    totals = report.totals
    parts = [f"{totals.files - totals.left} of {totals.files}"]
    if totals.failed:
        parts[0] += f", {totals.failed} failed"
    rendered = totals.done + sum(running.values())
    if totals.done and report.seconds > 0:
        rate = rendered / report.seconds
        left = (totals.left - sum(running.values())) / rate
        parts.append(f"{60 * rate:.3g} a minute, about {_duration(left)} left")
    parts += [f"{name} {share:.0%}" for name, share in running.items()]
    return "; ".join(parts)


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


def _duration(seconds: float) -> str:
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
