"""Raw files that are broken or of kinds that are not opened: one sentence that names the file."""

import re

import numpy as np
import pytest
import tifffile
from dng_files import RGGB, X_TRANS, dng

from denoise_studio.core.errors import FormatError
from denoise_studio.formats import open_picture

CYGM = ((0, 1), (2, 3))


def values(height=40, width=48):
    return np.random.default_rng(2).integers(500, 16000, (height, width)).astype(np.uint16)


def refused(path):
    """The sentence with which a file is refused."""
    with pytest.raises(FormatError) as caught:
        open_picture(path)
    sentence = str(caught.value)
    assert path.name in sentence
    assert re.fullmatch(r"[^\n]{10,250}\.", sentence), sentence
    return sentence


def opened_or_refused(path):
    try:
        return open_picture(path)
    except FormatError as error:
        sentence = str(error)
    assert path.name in sentence
    assert "\n" not in sentence
    return None


@pytest.mark.parametrize("preview", [False, True])
def test_cut_short_anywhere(tmp_path, preview):
    whole = dng(tmp_path / "whole.dng", values(), RGGB, preview=preview)
    content, complete = whole.read_bytes(), open_picture(whole).pixels
    path = tmp_path / "cut.dng"
    lengths = {*range(1, len(content), len(content) // 60), *range(len(content) - 4, len(content))}
    for length in sorted(lengths):
        path.write_bytes(content[:length])
        found = opened_or_refused(path)
        if found is not None:  # what was cut off was none of the picture
            np.testing.assert_array_equal(found.pixels, complete)


def test_a_mosaic_without_its_last_rows_is_not_opened_as_if_they_were_black(tmp_path):
    whole = dng(tmp_path / "whole.dng", values(400, 480), RGGB)
    with tifffile.TiffFile(whole) as file:
        start, count = file.pages[0].dataoffsets[0], sum(file.pages[0].databytecounts)
    path = tmp_path / "cut.dng"
    path.write_bytes(whole.read_bytes()[: start + count // 2])
    assert "cut short" in refused(path)


def test_full_colours_at_every_pixel(tmp_path):
    colours = np.repeat(values()[..., None], 3, axis=2)
    path = dng(tmp_path / "a.dng", colours, photometric=34892)
    assert "full colours at every pixel" in refused(path)


@pytest.mark.parametrize(
    ("compression", "name"),
    [(52546, "as JPEG XL"), (34892, "as lossy JPEG"), (50000, "LibRaw does not read")],
)
def test_compressions_that_are_not_read(tmp_path, compression, name):
    path = dng(tmp_path / "a.dng", values(), RGGB)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags[259].overwrite(compression)
    assert name in refused(path)


def test_colours_that_nobody_has_told(tmp_path):
    path = dng(tmp_path / "a.dng", values(), CYGM)
    assert "only RGB is opened" in refused(path)


def test_pixels_in_floating_point(tmp_path):
    path = dng(tmp_path / "a.dng", values().astype(np.float32) / 16000, RGGB, black=0, white=1)
    assert "floating point, which is not opened" in refused(path)


def test_claims_that_the_file_cannot_hold(tmp_path):
    path = dng(tmp_path / "a.dng", values(), RGGB)
    with tifffile.TiffFile(path, mode="r+") as file:
        for tag in (256, 257):
            file.pages[0].tags[tag].overwrite(60_000)
    refused(path)


@pytest.mark.parametrize("name", ["a.dng", "a.nef", "a.cr2", "a.crw", "a.raf"])
def test_noise_instead_of_a_file(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(np.random.default_rng(3).bytes(5000))
    refused(path)


@pytest.mark.parametrize("head", [b"II*\0\x10\0\0\0CR\2\0", b"FUJIFILMCCD-RAW 0201", b"II\x1a\0\0\0HEAPCCDR"])
def test_only_a_makers_mark(tmp_path, head):
    path = tmp_path / "a.cr2"
    path.write_bytes(head + bytes(3000))
    refused(path)


def test_bytes_changed_anywhere_never_do_more_than_refuse(tmp_path):
    content = bytearray(dng(tmp_path / "whole.dng", values(), X_TRANS, preview=True).read_bytes())
    random, path = np.random.default_rng(4), tmp_path / "a.dng"
    for _ in range(150):
        broken = bytearray(content)
        for place in random.integers(0, min(len(content), 2000), 4):
            broken[place] = random.integers(0, 256)
        path.write_bytes(broken)
        found = opened_or_refused(path)
        assert found is None or np.isfinite(found.pixels).all()
