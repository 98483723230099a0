"""Saving many frames as one file, taken one after the other."""

from collections.abc import Iterable
from pathlib import Path

from denoise_studio.core.errors import Cancelled, FormatError, StudioError
from denoise_studio.core.picture import Picture
from denoise_studio.formats.base import SaveOptions, SaveReport
from denoise_studio.formats.files import replacing
from denoise_studio.formats.registry import refuse_source


def save_frames(pictures: Iterable[Picture], path: Path, options: SaveOptions | None = None) -> SaveReport:
    """Save results of the frames of one multi-frame DICOM file, or NIfTI volume, as one derived file.

    Memory holds one frame; a failure, or stopping between frames, leaves nothing behind.

    Args:
        pictures: each of another frame of the same file, in any order, all or some of them.
        path: an existing file is replaced; never the source.
        options: for all frames.

    Raises:
        FormatError: not frames of one file, more than a file holds, the target is the source,
            or writing failed; one sentence.
        Cancelled: raised by the iterable.
    """
    path = Path(path)
    options = options or SaveOptions()

    def checked() -> Iterable[Picture]:
        for picture in pictures:
            refuse_source(picture, path)
            yield picture

    try:
        with replacing(path) as temporary:
            report = _write(checked(), path, temporary, options)
    except (StudioError, Cancelled):
        raise
    except MemoryError:
        raise FormatError(f"Saving {path.name} needs more memory than there is.") from None
    except Exception as error:
        raise FormatError(f"{path.name} cannot be written: {str(error).splitlines()[0][:200]}.") from None
    return SaveReport(path, report.format, report.stored, report.clipped, report.dropped)


def _write(pictures: Iterable[Picture], path: Path, temporary: Path, options: SaveOptions) -> SaveReport:
    """By the writer of the format that the name asks for; volumes keep their own."""
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        from denoise_studio.formats.nifti_write import write_volume

        return write_volume(pictures, temporary, name.endswith(".gz"), options)
    from denoise_studio.formats.dicom_write import write_frames

    return write_frames(pictures, temporary, options)
