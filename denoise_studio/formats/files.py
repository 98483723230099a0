"""Writing a file so that a failure leaves nothing behind: beside the target, then renamed."""

import hashlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from denoise_studio.core.errors import FormatError

_asking = threading.Lock()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the target's folder; rename it to `path` if all went well.

    Raises:
        FormatError: the folder is missing or cannot be written, or the disk is full. The
            target is then as it was and the temporary file is gone.
    """
    folder = path.parent
    if not folder.is_dir():
        raise FormatError(f"The folder {folder} does not exist.")
    if path.is_dir():
        raise FormatError(f"{path} is a folder.")
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem[:40]}-{os.getpid()}-", suffix=f".part{path.suffix}", dir=folder
        )
    except OSError as error:
        raise FormatError(f"Cannot write into {folder}: {_reason(error)}.") from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _flush(temporary)
        temporary.chmod(path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise FormatError(f"Cannot write {path}: {_reason(error)}.") from None
    finally:
        temporary.unlink(missing_ok=True)


_LEFT = re.compile(r"\..*-(\d+)-[^-]+\.part(\.[^.]*)?")


def remove_leftovers(folder: Path) -> None:
    """Take away what processes that were killed while they wrote have left in a folder.

    Only on systems that can be asked whether a process still runs.
    """
    if os.name != "posix":
        return
    for path in folder.glob(".*.part*"):
        found = _LEFT.fullmatch(path.name)
        if found is not None and not _runs(int(found[1])):
            path.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it runs, as somebody else's
    return True


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file through `replacing`."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """Have the disk take the data before the rename makes it the file."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _umask() -> int:
    with _asking:  # the mask is the whole process's, and can be asked for only by changing it
        mask = os.umask(0o022)
        os.umask(mask)
    return mask


def _reason(error: OSError) -> str:
    text = error.strerror or str(error)
    if error.strerror is None:
        # A library's own OSError around the system's: only its core is for a person.
        found = re.search(r"\[Errno (\d+)\]", text)
        text = os.strerror(int(found[1])) if found else text.partition("\n")[0]
    return text.lower()
