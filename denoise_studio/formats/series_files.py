"""Looking at every file of a folder and sorting what is found into series."""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from denoise_studio.core.errors import FormatError
from denoise_studio.core.progress import Progress
from denoise_studio.core.series import Series
from denoise_studio.formats.dicom_heads import Head, NoPicture
from denoise_studio.formats.dicom_scan import read_heads
from denoise_studio.formats.dicom_series import series_of


def find(path: Path, progress: Progress) -> list[Series]:
    """What `formats.find_series` promises, for a path that exists."""
    files = list(_files(path, progress)) if path.is_dir() else [path]
    found = _Found()
    for count, file in enumerate(files):
        progress.report(count / len(files), "Reading headers")
        found.look(file)
    if not found.heads:
        raise FormatError(found.nothing(path))
    by_series: dict[str, list[Head]] = defaultdict(list)
    for head in found.heads:
        by_series[head.series].append(head)
    notes = found.notes()
    groups = sorted(by_series.values(), key=lambda heads: (heads[0].series_number or 0, heads[0].series))
    series = [each for heads in groups for each in series_of(heads, notes)]
    progress.report(1.0, "Reading headers")
    return series


def _files(folder: Path, progress: Progress) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        progress.check()
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent) / name for name in sorted(names) if not name.startswith("."))


@dataclass
class _Found:
    """What looking at files gave."""

    heads: list[Head] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def look(self, path: Path) -> None:
        try:
            self.heads += read_heads(path) or []
        except NoPicture as error:
            self.others.append(str(error))
        except FormatError as error:
            self.broken.append(str(error))

    def notes(self) -> tuple[str, ...]:
        """Sentences about the files that are left out."""
        return tuple(_listed(self.broken))

    def nothing(self, path: Path) -> str:
        reasons: Sequence[str] = self.broken or self.others
        if len(reasons) == 1:
            return reasons[0]
        if not reasons:
            return f"{path.name} holds no series of slices."
        return f"{path.name} holds no series that can be read: {reasons[0]}"


def _listed(reasons: Sequence[str], most: int = 5) -> Iterator[str]:
    yield from reasons[:most]
    if len(reasons) > most:
        yield f"{len(reasons) - most} more files cannot be read."
