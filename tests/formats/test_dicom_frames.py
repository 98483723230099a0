"""Files with several frames: each frame's own facts, and only its own bytes read."""

import io
import struct
import sys
import threading
import zlib

import numpy as np
import pydicom
import pytest
from dicom_kinds import anatomy, enhanced
from format_files import ct_dataset, noise
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, RLELossless

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Scale, Window
from denoise_studio.core.progress import Progress
from denoise_studio.formats import find_series, open_picture
from denoise_studio.formats.dicom_file import load
from denoise_studio.formats.dicom_read import read


def test_each_frame_has_its_own_rescale_position_and_window(tmp_path):
    heights = [10.0, 0.0, 5.0]
    stored = enhanced(tmp_path / "e.dcm", heights, slope=lambda frame: 1.0 + frame / 4)
    (series,) = find_series(tmp_path / "e.dcm")
    assert [info.frame for info in series.slices] == [1, 2, 0]
    assert [info.number for info in series.slices] == [2, 3, 1]
    assert series.step == 5
    for index, info in enumerate(series.slices):
        picture = series.open(index)
        slope = 1.0 + info.frame / 4
        np.testing.assert_array_equal(picture.pixels[0], stored[info.frame] * slope - 1024)
        assert (picture.stored.slope, picture.scale) == (slope, Scale.HU)
        assert picture.plane.origin == (-90, -80, heights[info.frame])
        assert picture.plane.letters() == ("R", "L", "A", "P")
        assert (picture.plane.thickness, picture.spacing) == (2.5, (0.7, 0.6))
        assert picture.windows == (Window(400, 40 + info.frame),)
        assert picture.source.metadata.frame == info.frame


def test_the_file_opens_with_its_first_frame_and_its_place(tmp_path):
    stored = enhanced(tmp_path / "e.dcm", [10, 0, 5])
    picture = open_picture(tmp_path / "e.dcm")
    np.testing.assert_array_equal(picture.pixels[0], stored[0] - 1024.0)
    assert picture.notes == ("The file has 3 frames; this is the first.",)
    assert picture.place.index == 2
    assert picture.place.info.frame == 0
    np.testing.assert_array_equal(picture.place.series.open(2).pixels, picture.pixels)


def test_a_single_picture_tells_no_frame(ct_path):
    assert open_picture(ct_path).source.metadata.frame is None


def test_no_such_frame(tmp_path):
    enhanced(tmp_path / "e.dcm", [0, 5])
    with pytest.raises(FormatError, match=r"e\.dcm has 2 frames; there is no frame 3\."):
        read(tmp_path / "e.dcm", Progress(), 2)


@pytest.mark.skipif(sys.platform == "win32", reason="files are not sparse by themselves there")
def test_a_frame_is_read_without_the_others(tmp_path):
    """The file claims 2 GB of frames, of which the disk holds three (it is sparse)."""
    rows = columns = 1024
    frames = 1000
    stored = [anatomy((rows, columns), 0, 4000, seed).astype("<u2") for seed in range(2)]
    data = ct_dataset(stored[0], NumberOfFrames=frames)
    size = rows * columns * 2
    data.PixelData = b""
    path = tmp_path / "big.dcm"
    data.save_as(path, enforce_file_format=True)
    head = path.read_bytes()
    assert head.endswith(b"\xe0\x7f\x10\x00OW\0\0\0\0\0\0")
    with path.open("wb") as stream:
        stream.write(head[:-4] + (frames * size).to_bytes(4, "little"))
        start = stream.tell()
        stream.seek(start + 997 * size)
        stream.write(stored[1].tobytes())
        stream.truncate(start + frames * size)
    (series,) = find_series(path)
    assert len(series) == frames
    np.testing.assert_array_equal(series.open(997).pixels[0], stored[1] - 1024.0)
    assert not (series.open(998).pixels + 1024).any()


def test_only_the_asked_frame_is_decoded(tmp_path):
    import imagecodecs

    stored = np.stack([anatomy((20, 24), 0, 4000, seed) for seed in range(3)]).astype(np.uint16)
    coded = [imagecodecs.jpeg2k_encode(f, codecformat="j2k", reversible=True, level=0) for f in stored]
    coded[1] = b"\xff\x4f\xff\x51" + bytes(len(coded[1]) - 4)
    data = ct_dataset(stored[0], NumberOfFrames=3)
    data.PixelData = encapsulate(coded)
    data["PixelData"].is_undefined_length = True
    data.file_meta.TransferSyntaxUID = JPEG2000Lossless
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    (series,) = find_series(tmp_path / "a.dcm")
    for index in (0, 2):
        np.testing.assert_array_equal(series.open(index).pixels[0], stored[index] - 1024.0)
    with pytest.raises(FormatError, match=r"a\.dcm: its JPEG 2000 .* pixels are damaged"):
        series.open(1)


def test_frames_beyond_the_end_of_a_cut_file(tmp_path):
    enhanced(tmp_path / "e.dcm", [0, 5, 10])
    whole = (tmp_path / "e.dcm").read_bytes()
    (tmp_path / "e.dcm").write_bytes(whole[:-30])
    with pytest.raises(FormatError, match=r"e\.dcm is cut short: 30 bytes of pixels are missing\."):
        find_series(tmp_path / "e.dcm")
    with pytest.raises(FormatError, match="cut short"):
        read(tmp_path / "e.dcm", Progress(), 2)


def test_a_codestream_of_another_size_than_the_header_is_not_decoded(tmp_path):
    """A decoder would take memory for what the codestream claims."""
    import imagecodecs

    stored = anatomy((20, 24), 0, 4000).astype(np.uint16)
    data = ct_dataset(stored)
    coded = bytearray(imagecodecs.jpeg2k_encode(stored, codecformat="j2k", reversible=True, level=0))
    coded[8:12] = (60_000).to_bytes(4, "big")  # SIZ: width of the reference grid
    data.PixelData = encapsulate([bytes(coded)])
    data["PixelData"].is_undefined_length = True
    data.file_meta.TransferSyntaxUID = JPEG2000Lossless
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    with pytest.raises(FormatError, match=r"a\.dcm is damaged: its pixels do not match its header\."):
        open_picture(tmp_path / "a.dcm")


def test_eight_bit_frames_of_odd_size_in_big_endian_words(tmp_path):
    """Bytes of OW are swapped in pairs, and a pair may hold the end of one frame and the next one's begin."""
    stored = noise((3, 3, 5), np.uint8)
    data = ct_dataset(stored[0], NumberOfFrames=3)
    flat = stored.tobytes() + b"\0"
    data.add_new(0x7FE00010, "OW", np.frombuffer(flat, "<u2").astype(">u2").tobytes())
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRBigEndian
    data.save_as(tmp_path / "a.dcm", implicit_vr=False, little_endian=False, enforce_file_format=True)
    (series,) = find_series(tmp_path / "a.dcm")
    for frame in range(3):
        np.testing.assert_array_equal(series.open(frame).pixels[0], stored[frame] - 1024.0)


def test_elements_behind_and_beside_the_pixels_are_kept(tmp_path):
    """Private groups above 7FE0, and elements longer than the parser holds."""
    data = ct_dataset(noise((4, 4), np.int16))
    behind = data.private_block(0x7FE1, "TEST MAKER", create=True)
    behind.add_new(0x10, "OB", b"behind the pixels!")
    data.private_block(0x0099, "TEST MAKER").add_new(0x02, "OB", bytes(range(256)) * 1000)
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    kept = load(tmp_path / "a.dcm").dataset
    assert kept[0x7FE11010].value == b"behind the pixels!"
    assert kept[0x00991002].value == bytes(range(256)) * 1000
    assert "PixelData" not in kept


def test_a_replaced_file_is_read_anew(tmp_path):
    stored = enhanced(tmp_path / "e.dcm", [0, 5])
    (series,) = find_series(tmp_path / "e.dcm")
    np.testing.assert_array_equal(series.open(0).pixels[0], stored[0] - 1024.0)
    other = enhanced(tmp_path / "e.dcm", [0, 5], slope=lambda frame: 3.0)
    np.testing.assert_array_equal(series.open(0).pixels[0], other[0] * 3.0 - 1024.0)


def test_frames_opened_by_several_threads_at_once(tmp_path):
    stored = enhanced(tmp_path / "e.dcm", [float(k) for k in range(24)])
    (series,) = find_series(tmp_path / "e.dcm")
    wrong: list[int] = []

    def work(start: int) -> None:
        mine = range(start, 24, 3)
        wrong.extend(k for k in mine if not np.array_equal(series.open(k).pixels[0], stored[k] - 1024.0))

    threads = [threading.Thread(target=work, args=(start,)) for start in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("compressed", [True, False])
def test_more_frames_than_a_file_can_hold(tmp_path, compressed):
    stored = anatomy((20, 24), 0, 4000).astype(np.uint16)
    data = ct_dataset(stored)
    if compressed:
        data.compress(RLELossless, generate_instance_uid=False)
    data.NumberOfFrames = 2_000_000_000
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    words = "claims 2000000000 frames" if compressed else "cut short"
    for opened in (open_picture, find_series):
        with pytest.raises(FormatError, match=words):
            opened(tmp_path / "a.dcm")


def deflated(path, rows: int, pixels: int, after: int = 0) -> None:
    """A deflated square image that claims `rows`, holds `pixels` bytes of zeros, and then `after` more."""
    data = ct_dataset(np.zeros((2, 2), np.uint16))
    data.Rows = data.Columns = rows
    data.PixelData = b""
    plain = io.BytesIO()
    data.save_as(plain, enforce_file_format=True)
    whole = plain.getvalue()
    start = 144 + struct.unpack_from("<I", whole, 140)[0]  # after what the group's length counts
    uid = b"\x02\x00\x10\x00UI\x16\x00" + b"1.2.840.10008.1.2.1.99"
    meta = bytes(128) + b"DICM\x02\x00\x00\x00UL\x04\x00" + struct.pack("<I", len(uid)) + uid
    engine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = [engine.compress(whole[start:-4] + struct.pack("<I", pixels))]
    sizes = [min(1 << 20, size - at) for size in (pixels, after) for at in range(0, size, 1 << 20)]
    body += [engine.compress(bytes(size)) for size in sizes]
    path.write_bytes(meta + b"".join([*body, engine.flush()]))


def test_a_sound_deflated_file_made_by_hand_opens(tmp_path):
    deflated(tmp_path / "a.dcm", 64, 64 * 64 * 2)
    assert open_picture(tmp_path / "a.dcm").pixels.shape == (1, 64, 64)


def test_a_deflated_bomb_is_inflated_no_further_than_its_header_promises(tmp_path):
    deflated(tmp_path / "a.dcm", 64, 64 * 64 * 2, after=60 << 20)
    scratch = load(tmp_path / "a.dcm").data
    assert scratch.size < 2 << 20
    assert open_picture(tmp_path / "a.dcm").pixels.shape == (1, 64, 64)


def test_a_deflated_bomb_whose_header_promises_it_all_is_refused(tmp_path):
    deflated(tmp_path / "a.dcm", 16384, 1 << 20)
    with pytest.raises(
        FormatError, match=r"a\.dcm claims 512 MB of pixels, which its \d+ bytes cannot hold\."
    ):
        open_picture(tmp_path / "a.dcm")


def test_a_deflated_file_that_ends_early(tmp_path):
    deflated(tmp_path / "a.dcm", 64, 64 * 64)
    with pytest.raises(FormatError, match=r"a\.dcm is cut short: 4096 bytes of pixels are missing\."):
        open_picture(tmp_path / "a.dcm")
