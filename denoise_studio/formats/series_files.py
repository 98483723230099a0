"""Looking at every file of a folder and sorting what is found into series."""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from denoise_studio.core.errors import FormatError
from denoise_studio.core.progress import Progress
from denoise_studio.core.series import Series
from denoise_studio.formats import dicomdir
from denoise_studio.formats.dicom_check import NoPicture
from denoise_studio.formats.dicom_heads import Head
from denoise_studio.formats.dicom_quiet import hush
from denoise_studio.formats.dicom_scan import read_heads
from denoise_studio.formats.dicom_series import series_of
from denoise_studio.formats.nifti_header import HEAD, is_nifti, plain_head
from denoise_studio.formats.nifti_series import series_of_volume

_LISTED = 5


def find(path: Path, progress: Progress) -> list[Series]:
    """What `formats.find_series` promises, for a path that exists."""
    hush()
    found = _Found()
    files = _files(path, progress, found)
    for count, file in enumerate(files):
        progress.report(count / len(files), "Reading headers")
        found.look(file, progress, alone=file == path)
    if not found.heads and not found.volumes:
        raise FormatError(found.nothing(path))
    series = [*_dicom_series(found), *found.volumes]
    progress.report(1.0, "Reading headers")
    return series


def _dicom_series(found: "_Found") -> list[Series]:
    by_series: dict[str, list[Head]] = defaultdict(list)
    for head in found.heads:
        by_series[head.series].append(head)
    notes = found.notes()
    groups = sorted(by_series.values(), key=lambda heads: (heads[0].series_number or 0, heads[0].series))
    return [each for heads in groups for each in series_of(heads, notes)]


def _files(path: Path, progress: Progress, found: "_Found") -> list[Path]:
    if path.is_dir():
        return list(_inside(path, progress))
    if dicomdir.is_directory(path):
        files, missing = dicomdir.files_of(path)
        found.missing = len(missing)
        return files
    return [path]


def _inside(folder: Path, progress: Progress) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        progress.check()
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent) / name for name in sorted(names) if not name.startswith("."))


def _is_volume(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return is_nifti(plain_head(stream.read(4 * HEAD)))
    except OSError:
        return False


@dataclass
class _Found:
    """What looking at files gave."""

    heads: list[Head] = field(default_factory=list)
    volumes: list[Series] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    missing: int = 0
    """Files that a DICOMDIR lists and that are not there."""

    def look(self, path: Path, progress: Progress, alone: bool) -> None:
        """Add what a file holds; a volume that was asked for alone stays inflated."""
        try:
            heads = read_heads(path)
            if heads is None and _is_volume(path):
                self.volumes += series_of_volume(path, progress, keep=alone)
            self.heads += heads or []
        except NoPicture as error:
            self.others.append(str(error))
        except FormatError as error:
            self.broken.append(str(error))

    def notes(self) -> tuple[str, ...]:
        """Sentences about the files that are left out."""
        notes = list(self.broken[:_LISTED])
        if len(self.broken) > _LISTED:
            notes.append(f"{len(self.broken) - _LISTED} more files cannot be read.")
        if self.missing:
            notes.append(f"Of the files that the DICOMDIR lists, {self.missing} cannot be found.")
        return tuple(notes)

    def nothing(self, path: Path) -> str:
        """Why there is no series at all."""
        reasons: Sequence[str] = self.broken or self.others
        if len(reasons) == 1:
            return reasons[0]
        if reasons:
            return f"{path.name} holds no series that can be read: {reasons[0]}"
        if self.missing:
            return f"None of the {self.missing} files that {path.name} lists is there."
        return f"{path.name} holds no series of slices."
