"""Whole NIfTI volumes out: header, type and scaling stay, what changed is rounded and counted."""

import gzip
import struct

import numpy as np
import pytest
from nifti_files import CODES, write_nifti

from denoise_studio.core.errors import Cancelled, FormatError
from denoise_studio.core.progress import Progress
from denoise_studio.formats import SaveOptions, find_series, format_for, open_picture, save_picture
from denoise_studio.formats.frames import save_frames

TURNED = np.array([[0, -0.7, 0, 3], [0, 0, 2.0, 4], [-0.8, 0, 0, 5], [0, 0, 0, 1]])
"""Columns to the feet, rows to the left, slices to the front."""


def box(shape=(6, 5, 4), dtype="i2", seed=0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 100, shape).astype(dtype)


def pictures(series, change=lambda pixels: pixels):
    for index in range(len(series)):
        picture = series.open(index)
        yield picture.derive(np.asarray(change(picture.pixels.copy()), np.float32), history=("test",))


def voxels(path, start: int, dtype: str, shape) -> np.ndarray:
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    return np.frombuffer(data, dtype, int(np.prod(shape)), start).reshape(shape, order="F")


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", sorted(CODES))
def test_identity_gives_the_same_bytes(tmp_path, version, order, dtype):
    source = tmp_path / "a.nii"
    write_nifti(source, box(dtype=dtype), version=version, order=order, sform=TURNED, scaling=(0.37, -5.0))
    for series in find_series(source):
        report = save_frames(pictures(series), tmp_path / "b.nii")
    assert (tmp_path / "b.nii").read_bytes() == source.read_bytes()
    assert (report.clipped, report.dropped) == (0, ())


def test_values_that_no_float_holds_stay_exact(tmp_path):
    """A double next to 1 is 1 as float32; NaN has many bit patterns."""
    volume = box(dtype="f8")
    volume[0, 0, 0] = np.nextafter(1.0, 2.0)
    volume[1, 0, 0] = np.frombuffer(struct.pack("<Q", 0x7FF8000000000123), "<f8")[0]
    write_nifti(tmp_path / "a.nii", volume, sform=np.eye(4))
    save_frames(pictures(find_series(tmp_path / "a.nii")[0]), tmp_path / "b.nii")
    assert (tmp_path / "b.nii").read_bytes() == (tmp_path / "a.nii").read_bytes()


def test_changed_values_are_rounded_to_the_steps_of_the_file(tmp_path):
    volume = box(dtype="i2")
    write_nifti(tmp_path / "a.nii", volume, sform=TURNED, scaling=(0.5, -3.0))
    (series,) = find_series(tmp_path / "a.nii")
    report = save_frames(pictures(series, lambda pixels: pixels + 0.8), tmp_path / "b.nii")
    # 0.8 is 1.6 steps of 0.5, which become 2: 0.2 too much.
    np.testing.assert_array_equal(voxels(tmp_path / "b.nii", 352, "<i2", volume.shape), volume + 2)
    assert report.dropped == (
        f"{volume.size} values were rounded to the volume's own steps, by 0.2 at most.",
    )
    (again,) = find_series(tmp_path / "b.nii")
    for index in range(len(series)):
        difference = again.open(index).pixels - series.open(index).pixels
        np.testing.assert_allclose(difference, 1.0, atol=1e-5)
        assert again.open(index).plane == series.open(index).plane


def test_values_beyond_the_type_are_clipped_and_counted(tmp_path):
    volume = box(dtype="u1")
    write_nifti(tmp_path / "a.nii", volume, sform=np.eye(4))
    report = save_frames(pictures(find_series(tmp_path / "a.nii")[0], lambda p: p * 4), tmp_path / "b.nii")
    expected = np.clip(volume.astype(int) * 4, 0, 255)
    np.testing.assert_array_equal(voxels(tmp_path / "b.nii", 352, "u1", volume.shape), expected)
    assert report.clipped == int((volume.astype(int) * 4 > 255).sum()) > 0


def test_padding_keeps_what_it_was(tmp_path):
    volume = box(dtype="f4")
    volume[2, 2, 1] = np.nan
    volume[:, :, 3] = np.nan
    write_nifti(tmp_path / "a.nii", volume, sform=TURNED)
    save_frames(pictures(find_series(tmp_path / "a.nii")[0], lambda p: p + 1), tmp_path / "b.nii")
    np.testing.assert_array_equal(voxels(tmp_path / "b.nii", 352, "<f4", volume.shape), volume + 1)


def test_slices_that_are_not_given_keep_the_source(tmp_path):
    volume = box((4, 3, 3, 2))
    write_nifti(tmp_path / "a.nii", volume, sform=np.eye(4))
    _, second = find_series(tmp_path / "a.nii")
    picture = second.open(1)
    report = save_frames([picture.derive(picture.pixels + 7)], tmp_path / "b.nii")
    expected = volume.copy()
    expected[:, :, 1, 1] += 7
    np.testing.assert_array_equal(voxels(tmp_path / "b.nii", 352, "<i2", volume.shape), expected)
    assert report.dropped == ("5 slices of the volume kept the source's values.",)


@pytest.mark.parametrize("names", [("a.nii.gz", "b.nii.gz"), ("a.nii", "b.nii.gz"), ("a.nii.gz", "b.nii")])
def test_compressed_in_and_out(tmp_path, names):
    volume = box()
    write_nifti(tmp_path / names[0], volume, sform=np.eye(4))
    (series,) = find_series(tmp_path / names[0])
    for _ in range(2):
        save_frames(pictures(series, lambda p: p + 1), tmp_path / names[1])
        first = (tmp_path / names[1]).read_bytes()
    save_frames(pictures(series, lambda p: p + 1), tmp_path / names[1])
    assert (tmp_path / names[1]).read_bytes() == first
    np.testing.assert_array_equal(voxels(tmp_path / names[1], 352, "<i2", volume.shape), volume + 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_recipe_is_a_comment_inside_and_the_source_s_own_extensions_stay(tmp_path, version, order):
    own = struct.pack(order + "ii", 32, 4) + b"AFNI".ljust(24, b"\0")
    write_nifti(tmp_path / "a.nii", box(), version=version, order=order, sform=TURNED, extension=own)
    (series,) = find_series(tmp_path / "a.nii")
    recipe = b'{"method": "bilateral"}'
    save_frames(pictures(series), tmp_path / "b.nii", SaveOptions(recipe=recipe))
    data = (tmp_path / "b.nii").read_bytes()
    size = 348 if version == 1 else 540
    assert data[size : size + 4] == b"\1\0\0\0"
    assert data[size + 4 : size + 36] == own
    length, code = struct.unpack_from(order + "ii", data, size + 36)
    assert (length % 16, code) == (0, 6)
    assert data[size + 44 : size + 36 + length].rstrip(b"\0") == recipe
    (again,) = find_series(tmp_path / "b.nii")
    start = again.open_slice.volume.header.offset
    assert start % 16 == 0
    assert start >= size + 36 + length
    for index in range(len(series)):
        np.testing.assert_array_equal(again.open(index).pixels, series.open(index).pixels)


def test_anonymised_the_texts_of_the_header_and_the_extensions_are_gone(tmp_path):
    own = struct.pack("<ii", 32, 2) + b"Secret^Name".ljust(24, b"\0")  # 2: a DICOM data set
    write_nifti(tmp_path / "a.nii", box(), sform=np.eye(4), extension=own)
    data = bytearray((tmp_path / "a.nii").read_bytes())
    data[148:155] = b"Secret1"
    data[228:235] = b"Secret2"
    (tmp_path / "a.nii").write_bytes(data)
    (series,) = find_series(tmp_path / "a.nii")
    save_frames(pictures(series), tmp_path / "b.nii", SaveOptions(recipe=b"{}", anonymise=True))
    assert b"Secret" not in (tmp_path / "b.nii").read_bytes()
    np.testing.assert_array_equal(find_series(tmp_path / "b.nii")[0].open(0).pixels, series.open(0).pixels)


def test_what_is_no_volume_is_refused(tmp_path, ct_path):
    write_nifti(tmp_path / "a.nii", box(), sform=np.eye(4))
    write_nifti(tmp_path / "other.nii", box(seed=1), sform=np.eye(4))
    (series,), (other,) = find_series(tmp_path / "a.nii"), find_series(tmp_path / "other.nii")
    slices, dicom = list(pictures(series)), open_picture(ct_path)
    for wrong, words in (
        ([dicom], "only from a NIfTI volume"),
        ([slices[0], other.open(1)], "several volumes"),
        ([slices[0], slices[0]], "Slice 1 was to be saved twice."),
        ([], "There is no slice to save."),
    ):
        with pytest.raises(FormatError, match=words):
            save_frames(wrong, tmp_path / "b.nii")
    with pytest.raises(FormatError, match="is the source file, which is never overwritten"):
        save_frames(slices, tmp_path / "a.nii")
    with pytest.raises(FormatError, match="DICOM is written only from a DICOM source"):
        save_frames(slices, tmp_path / "b.dcm")
    assert format_for("x.nii.gz").id == format_for("X.NII").id == "nifti"
    with pytest.raises(
        FormatError, match=r"A NIfTI volume is saved as a whole; save this slice as TIFF or NPY\."
    ):
        save_picture(slices[0], tmp_path / "b.nii")
    assert not (tmp_path / "b.nii").exists()


def test_stopping_leaves_nothing(tmp_path):
    write_nifti(tmp_path / "a.nii", box(), sform=np.eye(4))
    (series,) = find_series(tmp_path / "a.nii")
    progress = Progress()

    def some():
        yield series.open(0)
        progress.cancel()
        progress.check()

    for name in ("b.nii", "b.nii.gz"):
        with pytest.raises(Cancelled):
            save_frames(some(), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["a.nii"]
