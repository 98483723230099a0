"""Dark frames as a person measures them: from files to a profile, which a method may take."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from denoise_studio.core.denoiser import Denoiser
from denoise_studio.core.errors import StudioError
from denoise_studio.core.parameter import Parameter
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe

if TYPE_CHECKING:
    from denoise_studio.noise.sensor.dark_profile import DarkProfile

DARK_ROLE = "dark-profile"
SUFFIX = ".npz"
"""Of profiles: NumPy's zip of arrays."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What came of some files.

    Args:
        profile: the camera's dark frames by ISO.
        left_out: sentences about files that are no dark frames of it.
    """

    profile: "DarkProfile"
    left_out: tuple[str, ...] = ()


def files_in(folder: Path) -> list[Path]:
    """The files of a folder that may be dark frames, hidden ones and profiles left out.

    Raises:
        StudioError: it cannot be listed.
    """
    try:
        found = [path for path in folder.iterdir() if path.is_file()]
    except OSError as error:
        raise StudioError(f"Cannot read {folder}: {(error.strerror or str(error)).lower()}.") from None
    return sorted(path for path in found if not path.name.startswith(".") and path.suffix.lower() != SUFFIX)


def measure(paths: list[Path], progress: Progress) -> Measured:
    """A profile of dark frames; files that are none are named and left out.

    Args:
        paths: files, and folders whose files are meant.
        progress: told of and asked after every file.

    Raises:
        StudioError: there is no dark frame among them.
        Cancelled: through `progress`.
    """
    from denoise_studio.noise.sensor.dark_fit import profile_of
    from denoise_studio.noise.sensor.dark_frames import DarkFrame, look, sort_out

    files = [one for path in paths for one in (files_in(path) if path.is_dir() else [path])]
    seen: list[DarkFrame] = []
    bad: list[str] = []
    for number, path in enumerate(files):
        progress.report(0.3 * number / len(files), f"looking at {path.name}")
        try:
            load = functools.partial(_opened, path)
            seen.append(look(load(), path.name, load))
        except StudioError as error:
            bad.append(str(error))
    kept, refused = sort_out(seen)
    bad += [reason for _, reason in refused]
    if not kept:
        raise StudioError(" ".join(["There are no dark frames among these files.", *bad[:3]]))
    return Measured(profile_of(kept, progress.part(0.3, 1.0)), tuple(bad))


def _opened(path: Path) -> Picture:
    from denoise_studio.formats import open_picture

    return open_picture(path)


def save(profile: "DarkProfile", path: Path) -> Path:
    """Write a profile; a name without the ending gets it.

    Raises:
        StudioError: it cannot be written.
    """
    from denoise_studio.noise.sensor.dark_file import save_profile

    path = path if path.suffix.lower() == SUFFIX else path.with_name(path.name + SUFFIX)
    save_profile(profile, path)
    return path


def dark_parameter(denoiser: Denoiser) -> Parameter | None:
    """The parameter that takes a profile of dark frames, if the method has one."""
    return next((p for p in denoiser.parameters if p.role == DARK_ROLE), None)


def with_profile(recipe: Recipe, denoiser: Denoiser, path: Path) -> Recipe | None:
    """A recipe whose method takes this profile; None if the method takes none."""
    parameter = dark_parameter(denoiser)
    return None if parameter is None else recipe.with_parameter(parameter.name, str(path))


def problem(profile: "DarkProfile", picture: Picture) -> str:
    """Why a profile cannot be used for a picture, one sentence; "" if it can."""
    try:
        profile.check(picture)
        mosaic = picture.mosaic
        if mosaic is None or not mosaic.iso:
            return f"{picture.name or 'The picture'} does not say at which ISO it was taken."
        profile.at(mosaic.iso)
    except StudioError as error:
        return str(error)
    return ""
