"""Whatever is wrong: one sentence that names the file, nothing half-written, nothing left behind."""

import errno
import os
import struct
import subprocess
import sys
import threading
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from format_files import ct_dataset, noise
from PIL import Image
from test_jpeg import jpeg
from test_png import SIGNATURE, chunk, png

from denoise_studio.core.errors import Cancelled, FormatError
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.formats import base, files, open_picture, registry, save_picture


@pytest.fixture
def whole(tmp_path):
    """One good file of every format and of several kinds, by name."""
    folder = tmp_path / "whole"
    folder.mkdir()
    small = noise((24, 20), np.int16)
    ct_dataset(small).save_as(folder / "a.dcm", enforce_file_format=True)
    rle = ct_dataset(small)
    rle.compress("1.2.840.10008.1.2.5", generate_instance_uid=False)
    rle.save_as(folder / "rle.dcm", enforce_file_format=True)
    (folder / "a.png").write_bytes(png(noise((24, 20, 3), np.uint16)))
    (folder / "a.jpg").write_bytes(jpeg(quality=90))
    (folder / "progressive.jpg").write_bytes(jpeg(quality=90, progressive=True))
    rgb = noise((24, 20, 3), np.uint16)
    tifffile.imwrite(folder / "a.tif", rgb, photometric="rgb", metadata=None)
    tifffile.imwrite(folder / "lzw.tif", rgb, photometric="rgb", compression="lzw", rowsperstrip=7)
    save_picture(open_picture(folder / "a.tif"), folder / "own.tif")
    np.save(folder / "a.npy", rgb)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


NAMES = [
    *("a.dcm", "rle.dcm", "a.png", "a.jpg", "progressive.jpg"),
    *("a.tif", "lzw.tif", "own.tif", "a.npy"),
]


@pytest.mark.parametrize("name", NAMES)
def test_cut_short_anywhere_is_one_sentence(tmp_path, whole, name):
    data = whole[name]
    path = tmp_path / name
    path.write_bytes(data)
    complete = open_picture(path).pixels
    for offset in sorted({*range(1, len(data), max(1, len(data) // 150)), *range(len(data) - 12, len(data))}):
        path.write_bytes(data[:offset])
        if (message := refusal(path, complete)) is not None:
            assert name in message, offset
            assert message.endswith(".")
            assert "\n" not in message
        else:
            assert offset >= len(data) - 12, "only a few closing bytes may be missing"


def refusal(path, complete=None):
    """The sentence that refuses a file, or None if it opened (with the complete pixels, if given)."""
    try:
        picture = open_picture(path)
    except FormatError as error:
        return str(error)
    assert np.isfinite(picture.pixels).all()
    if complete is not None:
        np.testing.assert_array_equal(picture.pixels, complete)
    return None


@pytest.mark.parametrize("name", NAMES)
def test_damaged_bytes_open_or_are_one_sentence(tmp_path, whole, name):
    data = whole[name]
    path = tmp_path / name
    rng = np.random.default_rng(7)
    for _ in range(150):
        broken = bytearray(data)
        for at in rng.integers(0, len(data) if rng.random() < 0.3 else min(len(data), 400), 3):
            broken[at] = rng.integers(256)
        path.write_bytes(broken)
        message = refusal(path)
        assert message is None or (name in message and message.endswith("."))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"a\.png is empty\."),
        (b"\0", "is not a picture"),
        (b"just a text file, nothing more\n" * 9, "is not a picture that Denoise Studio reads"),
        (b"\x89PNG\r\n\x1a\n", "cut short"),
        (b"\xff\xd8\xff", "cut short"),
        (b"II*\0", r"a\.png"),
        (b"\x93NUMPY", "broken NPY header"),
        (bytes(128) + b"DICM", r"a\.png"),
    ],
)
def test_hardly_a_file(tmp_path, content, words):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(FormatError, match=words):
        open_picture(tmp_path / "a.png")


def test_missing_folder_and_no_regular_file(tmp_path):
    with pytest.raises(FormatError, match=r"none\.png does not exist\."):
        open_picture(tmp_path / "none.png")
    with pytest.raises(FormatError, match="is a folder"):
        open_picture(tmp_path)
    with pytest.raises(FormatError, match=r"Cannot read .*: file name too long"):
        open_picture(tmp_path / ("x" * 300 + ".png"))
    with pytest.raises(FormatError, match="does not exist"):
        open_picture("a\0b.png")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(FormatError, match="no regular file"):
            open_picture(tmp_path / "pipe.png")


def test_a_wrong_ending_is_opened_by_content_and_noted(tmp_path, whole):
    for name, other, called in [
        ("a.png", "x.jpg", "PNG"),
        ("a.jpg", "x.dcm", "JPEG"),
        ("a.npy", "x.tif", "NPY"),
    ]:
        (tmp_path / other).write_bytes(whole[name])
        picture = open_picture(tmp_path / other)
        assert picture.notes[0] == f"The file is named .{other[2:]} but is a {called} file."
    (tmp_path / "noending").write_bytes(whole["a.dcm"])
    assert open_picture(tmp_path / "noending").notes == ()


def absurd_png():
    header = struct.pack(">IIBBBBB", 60000, 60000, 16, 2, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def absurd_jpeg():
    data = bytearray(jpeg())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 60000, 60000)
    return bytes(data)


def absurd_tiff():
    entries = [(256, 60000), (257, 60000), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (279, 100)]
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(200)


@pytest.mark.parametrize(
    ("name", "make"), [("a.png", absurd_png), ("a.jpg", absurd_jpeg), ("a.tif", absurd_tiff)]
)
def test_absurd_sizes_are_refused_before_memory_is_taken(tmp_path, name, make):
    (tmp_path / name).write_bytes(make())
    with pytest.raises(
        FormatError, match=f"{name} claims 60000 x 60000 pixels, more than the 512 megapixels"
    ):
        open_picture(tmp_path / name)


def test_unexpected_errors_of_a_decoder_become_a_sentence(tmp_path, whole, monkeypatch):
    (tmp_path / "a.png").write_bytes(whole["a.png"])

    def explode(*_):
        raise LookupError("strange\nthing")

    monkeypatch.setattr(imagecodecs, "png_decode", explode)
    with pytest.raises(FormatError, match=r"^a\.png cannot be read: strange\.$"):
        open_picture(tmp_path / "a.png")

    def starve(*_):
        raise MemoryError

    monkeypatch.setattr(imagecodecs, "png_decode", starve)
    with pytest.raises(FormatError, match="needs more memory"):
        open_picture(tmp_path / "a.png")


def test_cancelling(tmp_path, whole):
    progress = Progress()
    progress.cancel()
    for name in NAMES:
        (tmp_path / name).write_bytes(whole[name])
        with pytest.raises(Cancelled):
            open_picture(tmp_path / name, progress)


TARGETS = ["b.dcm", "b.tif", "b.png", "b.jpg", "b.npy"]


def openable(tmp_path, whole, target):
    name = "a.dcm" if target == "b.dcm" else "a.png"
    (tmp_path / name).write_bytes(whole[name])
    return open_picture(tmp_path / name)


@pytest.mark.parametrize("target", TARGETS)
def test_full_disk_leaves_nothing(tmp_path, whole, monkeypatch, target):
    picture = openable(tmp_path, whole, target)
    out = tmp_path / "out"
    out.mkdir()
    (out / target).write_bytes(b"old")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(FormatError, match=f"Cannot write .*{target}: no space left on device"):
        save_picture(picture, out / target)
    assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [(target, b"old")]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("codec broke")]
)
def test_failure_in_the_middle_of_writing_leaves_nothing(tmp_path, whole, monkeypatch, target, error):
    picture = openable(tmp_path, whole, target)
    out = tmp_path / "out"
    out.mkdir()
    chosen = type(registry.format_for(target))
    real = chosen.write

    def half(self, picture, encoded, path, options):
        real(self, picture, encoded, path, options)
        os.truncate(path, 10)
        raise error

    monkeypatch.setattr(chosen, "write", half)
    with pytest.raises(FormatError, match=target):
        save_picture(picture, out / target)
    assert list(out.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32" or os.name != "posix", reason="needs POSIX folders")
@pytest.mark.parametrize("target", TARGETS)
def test_folder_that_cannot_be_written(tmp_path, whole, monkeypatch, target):
    picture = openable(tmp_path, whole, target)
    with pytest.raises(FormatError, match="nowhere does not exist"):
        save_picture(picture, tmp_path / "nowhere" / target)

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files.tempfile, "mkstemp", refuse)
    with pytest.raises(FormatError, match="permission denied"):
        save_picture(picture, tmp_path / target)


@pytest.mark.parametrize("name", NAMES)
def test_the_source_is_never_overwritten(tmp_path, whole, name):
    path = tmp_path / name
    path.write_bytes(whole[name])
    os.link(path, tmp_path / f"link-{name}")
    picture = open_picture(path)
    for target in (path, tmp_path / "." / name, tmp_path / f"link-{name}"):
        with pytest.raises(FormatError, match="is the source file, which is never overwritten"):
            save_picture(picture, target)
    assert path.read_bytes() == whole[name]


def test_unknown_ending_and_folder_as_target(tmp_path):
    picture = Picture(np.zeros((1, 2, 2), np.float32))
    with pytest.raises(FormatError, match=r"Cannot tell the format from the name a\.xyz; use one of \.dcm"):
        save_picture(picture, tmp_path / "a.xyz")
    (tmp_path / "a.npy").mkdir()
    with pytest.raises(FormatError, match="is a folder"):
        save_picture(picture, tmp_path / "a.npy")


@pytest.mark.parametrize("target", TARGETS[1:])
def test_odd_depths_are_refused(tmp_path, whole, target):
    picture = openable(tmp_path, whole, target)
    with pytest.raises(FormatError, match="bits"):
        save_picture(picture, tmp_path / target, base.SaveOptions(bits=12))


def test_many_threads_open_and_save_at_once(tmp_path, whole):
    failures = []

    def work(index):
        try:
            for name, data in whole.items():
                path = tmp_path / f"{index}-{name}"
                path.write_bytes(data)
                picture = open_picture(path)
                save_picture(picture, tmp_path / f"{index}-out-{name}")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_opening_loads_neither_torch_nor_qt(tmp_path, whole):
    for name, data in whole.items():
        (tmp_path / name).write_bytes(data)
    code = (
        "import sys\nfrom denoise_studio.formats import open_picture\n"
        "assert not {'pydicom', 'tifffile', 'imagecodecs', 'PIL'} & set(sys.modules)\n"
        f"for name in {NAMES!r}: open_picture({str(tmp_path)!r} + '/' + name)\n"
        "assert not {'torch', 'PySide6', 'cv2'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_one_pixel_of_every_kind(tmp_path):
    Image.new("L", (1, 1), 7).save(tmp_path / "a.png")
    picture = open_picture(tmp_path / "a.png")
    for target in ("b.png", "b.jpg", "b.tif", "b.npy"):
        save_picture(picture, tmp_path / target)
        assert open_picture(tmp_path / target).pixels.shape == (1, 1, 1)
