"""NIfTI volumes: values, planes out of hand-made affines, judgement of what the values are, and limits."""

import gzip
import itertools
import os
import struct
import tracemalloc

import numpy as np
import pytest
from nifti_files import CODES, write_nifti

from denoise_studio.core.errors import Cancelled, FormatError
from denoise_studio.core.picture import Kind, Scale, Window
from denoise_studio.core.progress import Progress
from denoise_studio.formats import all_formats, find_series, open_picture

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])
PERMUTATIONS = [
    (axes, signs)
    for axes in itertools.permutations(range(3))
    for signs in itertools.product((1.0, -1.0), repeat=3)
]


def box(shape=(5, 4, 3), dtype="i2") -> np.ndarray:
    """Every voxel a number of its own."""
    return np.arange(np.prod(shape)).reshape(shape, order="F").astype(dtype)


def affine(axes, signs, size=(0.7, 0.8, 2.5), origin=(-11.0, 7.0, 30.0)) -> np.ndarray:
    """Voxel axis n follows the patient's axis axes[n] (x right, y front, z head)."""
    matrix = np.eye(4)
    matrix[:3, :3] = 0
    for n in range(3):
        matrix[axes[n], n] = signs[n] * size[n]
    matrix[:3, 3] = origin
    return matrix


def check_every_pixel(series, volume, matrix):
    """Each pixel of each slice is the voxel that lies where the picture's plane says."""
    inverse = np.linalg.inv(matrix)
    positions = []
    for index in range(len(series)):
        picture = series.open(index)
        plane = picture.plane
        rows, columns = np.mgrid[0 : picture.height, 0 : picture.width]
        places = (
            np.asarray(plane.origin)[:, None, None]
            + np.asarray(plane.right)[:, None, None] * columns * picture.spacing[1]
            + np.asarray(plane.down)[:, None, None] * rows * picture.spacing[0]
        )
        voxels = inverse[:3, :3] @ (RAS_TO_LPS @ places.reshape(3, -1)) + inverse[:3, 3:]
        i, j, k = np.rint(voxels).astype(int)
        np.testing.assert_allclose(voxels, np.rint(voxels), atol=1e-3)
        np.testing.assert_array_equal(picture.pixels[0].ravel(), volume[i, j, k])
        assert series.slices[index].position == pytest.approx(plane.position)
        positions.append(plane.position)
    assert positions == sorted(positions)
    return picture.plane


@pytest.mark.parametrize(("axes", "signs"), PERMUTATIONS)
def test_every_way_to_store_a_volume_is_seen_the_same_way(tmp_path, axes, signs):
    volume, matrix = box(), affine(axes, signs)
    write_nifti(tmp_path / "v.nii", volume, sform=matrix)
    (series,) = find_series(tmp_path / "v.nii")
    plane = check_every_pixel(series, volume, matrix)
    letters = {0: ("A", "P", "H", "F"), 1: ("R", "L", "H", "F"), 2: ("R", "L", "A", "P")}
    assert plane.letters() == letters[axes[2]]
    assert plane.thickness == pytest.approx(2.5)
    assert series.step == pytest.approx(2.5)
    assert series.tilt == 0


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", sorted(CODES))
def test_every_type_in_both_byte_orders(tmp_path, version, order, dtype):
    volume = (box(dtype="f8") - (20 if dtype[0] != "u" else 0)).astype(dtype)
    write_nifti(
        tmp_path / "v.nii", volume, version=version, order=order, sform=np.eye(4), scaling=(2.0, -7.0)
    )
    (series,) = find_series(tmp_path / "v.nii")
    assert len(series) == 3
    for k in range(3):
        picture = series.open(k)
        # +x is the patient's left, so columns are mirrored, and +y the front, so rows are.
        expected = volume[::-1, ::-1, k].T.astype(float) * 2 - 7
        np.testing.assert_array_equal(picture.pixels[0], expected)
        assert (picture.stored.slope, picture.stored.intercept) == (2.0, -7.0)
        assert np.dtype(picture.stored.dtype) == np.dtype(dtype)


@pytest.mark.parametrize("qfac", [1.0, -1.0])
@pytest.mark.parametrize(
    ("axis", "degrees"), [((0, 0, 1), 0), ((1, 0, 0), 20), ((0, 0, 1), 180), ((1, 2, 2), 75)]
)
def test_the_qform_is_a_rotation_by_its_quaternion(tmp_path, qfac, axis, degrees):
    """Against Rodrigues' formula, which shares nothing with the quaternion's."""
    unit, angle = np.asarray(axis) / np.linalg.norm(axis), np.radians(degrees)
    cross = np.cross(np.eye(3), unit)
    rotation = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * [0.5, 0.6, 2 * qfac]
    matrix[:3, 3] = (4, 5, 6)
    quatern = tuple(float(value) for value in unit * np.sin(angle / 2))
    volume = box()
    write_nifti(
        tmp_path / "v.nii", volume, version=2, quatern=quatern, offset=(4, 5, 6), pixdim=(qfac, 0.5, 0.6, 2)
    )
    (series,) = find_series(tmp_path / "v.nii")
    check_every_pixel(series, volume, matrix)


def test_the_sform_goes_before_the_qform_unless_it_is_no_transform(tmp_path):
    volume, matrix = box(), affine((0, 1, 2), (1, 1, 1))
    write_nifti(tmp_path / "v.nii", volume, sform=matrix, quatern=(0, 0, 1))
    check_every_pixel(find_series(tmp_path / "v.nii")[0], volume, matrix)
    write_nifti(tmp_path / "v.nii", volume, sform=np.zeros((4, 4)), quatern=(0, 0, 0), offset=(1, 2, 3))
    moved = np.eye(4)
    moved[:3, 3] = (1, 2, 3)
    check_every_pixel(find_series(tmp_path / "v.nii")[0], volume, moved)


def test_micrometres_and_metres(tmp_path):
    for units, scale in ((3, 1e-3), (1, 1e3)):
        write_nifti(tmp_path / "v.nii", box(), sform=np.diag([1, 1, 2, 1.0]) / scale, units=units, version=2)
        picture = open_picture(tmp_path / "v.nii")
        assert picture.spacing == pytest.approx((1, 1))
        assert picture.plane.thickness == pytest.approx(2)


def test_a_volume_without_orientation_is_shown_as_stored(tmp_path):
    volume = box()
    write_nifti(tmp_path / "v.nii", volume, pixdim=(1, 0.5, 0.25, 3))
    (series,) = find_series(tmp_path / "v.nii")
    picture = series.open(1)
    np.testing.assert_array_equal(picture.pixels[0], volume[:, :, 1].T)
    assert (picture.plane, picture.spacing, series.step) == (None, (0.25, 0.5), 3)
    assert "does not tell how it lies" in series.notes[-1]


def test_a_leaning_volume_has_a_tilt(tmp_path):
    matrix = np.eye(4)
    matrix[1, 2] = np.tan(np.radians(10))
    volume = box()
    write_nifti(tmp_path / "v.nii", volume, sform=matrix, version=2)
    (series,) = find_series(tmp_path / "v.nii")
    check_every_pixel(series, volume, matrix)
    assert series.tilt == pytest.approx(10, abs=1e-6)
    assert any("tilted by 10 degrees" in note for note in series.notes)


def test_several_volumes_are_several_series(tmp_path):
    volume = box((4, 3, 2, 3))
    write_nifti(tmp_path / "v.nii", volume, sform=affine((0, 1, 2), (-1, -1, -1)))
    found = find_series(tmp_path / "v.nii")
    assert len({series.key for series in found}) == 3
    for t, series in enumerate(found):
        assert f"volume {t + 1} of 3" in series.label
        for index in range(2):  # k is reversed: it begins at the head
            np.testing.assert_array_equal(series.open(index).pixels[0], volume[:, :, 1 - index, t].T)


def test_it_opens_at_the_middle_slice_with_its_place(tmp_path):
    write_nifti(tmp_path / "v.nii", box(), sform=np.eye(4))
    picture = open_picture(tmp_path / "v.nii")
    assert picture.place.index == 1
    assert picture.notes[0] == "The volume has 3 slices; this is number 2."
    np.testing.assert_array_equal(picture.place.series.open(1).pixels, picture.pixels)
    assert picture.source.summary["orientation"] == "sform"


def scan(low: int, high: int, padding: int | None = None, phase: bool = False) -> np.ndarray:
    rng = np.random.default_rng(5)
    volume = rng.normal(40, 15, (40, 40, 6))
    volume[:, :8] = rng.normal(low, 10, (40, 8, 6))
    volume[20, 20] = high
    if phase:
        volume = rng.uniform(low, high, volume.shape)
    if padding is not None:
        volume[:6] = padding
    return np.rint(volume).astype(np.int16)


@pytest.mark.parametrize(
    ("volume", "scale"),
    [
        (scan(-1000, 1200), Scale.HU),
        (scan(-1000, 1200, padding=-3024), Scale.HU),
        (scan(0, 1200), Scale.SIGNAL),
        (scan(-4096, 4094, phase=True), Scale.SIGNAL),
        (scan(24, 2224), Scale.SIGNAL),
    ],
    ids=["CT", "CT with padding", "MR", "MR phase", "CT stored with an offset of 1024"],
)
@pytest.mark.parametrize("name", ["v.nii", "v.nii.gz"])
def test_what_the_values_are_is_judged_and_said(tmp_path, volume, scale, name):
    write_nifti(tmp_path / name, volume, sform=np.eye(4))
    (series,) = find_series(tmp_path / name)
    picture = series.open(2)
    assert picture.scale is scale
    assert picture.unit == ("HU" if scale is Scale.HU else "")
    assert series.kind is picture.kind is (Kind.CT if scale is Scale.HU else Kind.MR)
    words = (
        "taken as Hounsfield units, as they hold air" if scale is Scale.HU else "taken as a scanner's signal"
    )
    assert words in series.notes[0]
    assert series.notes[0] in picture.notes
    if (volume == -3024).any():
        np.testing.assert_array_equal(picture.padding, picture.pixels[0] == -3024)
    else:
        assert picture.padding is None


def test_the_scaling_counts_before_the_values_are_judged(tmp_path):
    write_nifti(tmp_path / "v.nii", scan(24, 2224), sform=np.eye(4), scaling=(1.0, -1024.0))
    assert find_series(tmp_path / "v.nii")[0].kind is Kind.CT


def test_values_without_a_number_are_padding(tmp_path):
    volume = box((6, 5, 3), "f4")
    volume[:, :, 0] = np.nan
    volume[0, 0, 1] = np.inf
    write_nifti(tmp_path / "v.nii", volume, sform=affine((0, 1, 2), (-1, -1, 1)))
    (series,) = find_series(tmp_path / "v.nii")
    empty, picture = series.open(0), series.open(1)
    assert empty.padding.all()
    assert np.isnan(empty.padding_values).all()
    assert picture.padding.sum() == 1
    assert np.isinf(picture.padding_values[0, 0, 0])


def test_the_window_of_the_file(tmp_path):
    write_nifti(tmp_path / "v.nii", box(), sform=np.eye(4), shown=(-100, 300))
    assert open_picture(tmp_path / "v.nii").windows == (Window(400, 100, "file"),)


def test_the_name_does_not_matter_and_the_format_saves_no_slice(tmp_path):
    write_nifti(tmp_path / "v.nii", box(), sform=np.eye(4))
    os.rename(tmp_path / "v.nii", tmp_path / "scan")
    assert open_picture(tmp_path / "scan").source.format == "nifti"
    assert not next(each for each in all_formats() if each.id == "nifti").can_write


def test_volumes_in_a_folder(tmp_path):
    write_nifti(tmp_path / "a.nii", box(), sform=np.eye(4))
    write_nifti(tmp_path / "b.nii.gz", box(), sform=np.eye(4))
    found = find_series(tmp_path)
    assert [series.slices[0].path.name for series in found] == ["a.nii", "b.nii.gz"]
    np.testing.assert_array_equal(found[0].open(2).pixels, found[1].open(2).pixels)


def test_a_slice_of_a_large_volume_is_read_alone(tmp_path):
    """The file is 4 GB, of which the disk holds one slice (it is sparse)."""
    small = box((512, 512, 1))
    write_nifti(tmp_path / "v.nii", small, sform=np.eye(4))
    head = bytearray((tmp_path / "v.nii").read_bytes()[:352])
    struct.pack_into("<8h", head, 40, 3, 512, 512, 8000, 1, 1, 1, 1)
    with (tmp_path / "v.nii").open("wb") as stream:
        stream.write(head)
        stream.seek(352 + 7001 * small.nbytes)
        stream.write(small.tobytes(order="F"))
        stream.truncate(352 + 8000 * small.nbytes)
    tracemalloc.start()
    (series,) = find_series(tmp_path / "v.nii")
    picture = series.open(7001)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(picture.pixels[0], small[::-1, ::-1, 0].T)
    assert peak < 64 << 20


def test_a_compressed_volume_is_inflated_once_and_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_nifti(tmp_path / "v.nii.gz", box(), sform=np.eye(4))
    (series,) = find_series(tmp_path / "v.nii.gz")
    (tmp_path / "away").mkdir()
    first = series.open(0).pixels
    data = series.open_slice.volume.data(Progress())
    assert data is series.open_slice.volume.data(Progress())
    np.testing.assert_array_equal(series.open(0).pixels, first)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_inflating_can_be_stopped(tmp_path):
    write_nifti(tmp_path / "v.nii.gz", box(), sform=np.eye(4))
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        find_series(tmp_path / "v.nii.gz", progress)


def changed(path, at: int, layout: str, *values) -> None:
    data = bytearray(path.read_bytes())
    struct.pack_into(layout, data, at, *values)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("at", "layout", "values", "words"),
    [
        (344, "4s", [b"ni1\0"], "half of a NIfTI pair"),
        (40, "<8h", [1, 5, 1, 1, 1, 1, 1, 1], "1 dimensions"),
        (40, "<8h", [3, 5, 0, 3, 1, 1, 1, 1], "no voxels"),
        (40, "<8h", [3, 5, 4, 30, 1, 1, 1, 1], "cut short: 1080 bytes are missing"),
        (40, "<8h", [7, 30000, 30000, 3, 30000, 30000, 30000, 30000], "megapixels"),
        (70, "<h", [128], "holds colours"),
        (70, "<h", [32], "holds complex numbers"),
        (70, "<h", [77], "unknown type (77)"),
        (108, "<f", [12.0], "voxels begin at byte 12"),
    ],
)
def test_impossible_headers(tmp_path, at, layout, values, words):
    path = tmp_path / "v.nii"
    write_nifti(path, box(), sform=np.eye(4))
    changed(path, at, layout, *values)
    for read in (open_picture, find_series):
        with pytest.raises(FormatError) as caught:
            read(path)
        assert words in str(caught.value)
        assert str(caught.value).startswith("v.nii ")
        assert "\n" not in str(caught.value)


def test_a_compressed_file_claims_no_more_than_it_can_hold(tmp_path):
    path = tmp_path / "v.nii"
    write_nifti(path, box(), sform=np.eye(4))
    changed(path, 40, "<8h", 3, 20000, 20000, 20000, 1, 1, 1, 1)
    bomb = tmp_path / "v.nii.gz"
    bomb.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(
        FormatError, match=r"v\.nii\.gz claims \d+ MB of voxels, which its \d+ bytes cannot hold\."
    ):
        open_picture(bomb)


def test_what_follows_the_voxels_is_not_inflated(tmp_path):
    path = tmp_path / "v.nii.gz"
    write_nifti(path, box(), sform=np.eye(4))
    plain = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(plain + bytes(50 << 20)))
    (series,) = find_series(path)
    assert series.open_slice.volume.data(Progress()).size == len(plain)


@pytest.mark.parametrize("cut", [40, 10])
def test_a_compressed_file_that_is_cut_short(tmp_path, cut):
    path = tmp_path / "v.nii.gz"
    rng = np.random.default_rng(0)
    write_nifti(path, rng.integers(-500, 500, (20, 20, 5)).astype("i2"), sform=np.eye(4))
    path.write_bytes(path.read_bytes()[: -cut * 20])
    with pytest.raises(FormatError, match=r"v\.nii\.gz is cut short: \d+ bytes of voxels are missing\."):
        open_picture(path)


def test_a_compressed_file_that_is_damaged(tmp_path):
    path = tmp_path / "v.nii.gz"
    rng = np.random.default_rng(0)
    write_nifti(path, rng.integers(-500, 500, (20, 20, 5)).astype("i2"), sform=np.eye(4))
    data = bytearray(path.read_bytes())
    data[1000:1100] = bytes(100)
    path.write_bytes(data)
    with pytest.raises(FormatError, match=r"^v\.nii\.gz is (damaged|cut short)"):
        open_picture(path)


def test_random_headers_give_a_volume_or_one_sentence(tmp_path):
    rng = np.random.default_rng(11)
    path = tmp_path / "v.nii"
    write_nifti(path, box(), sform=np.eye(4))
    good = path.read_bytes()
    for _ in range(300):
        data = bytearray(good)
        for at in rng.integers(4, 344, rng.integers(1, 6)):
            data[at] = rng.integers(256)
        path.write_bytes(data)
        said = ""
        try:
            series = find_series(path)
            series[0].open(0)
        except FormatError as error:
            said = str(error)
        assert "\n" not in said
        assert not said or said.startswith("v.nii")


@pytest.mark.shared
def test_real_head_scans(shared_data):
    shapes = {"niivue_CT_AVM.nii.gz": (154, 242, 256), "niivue_CT_pitch.nii.gz": (58, 248, 175)}
    for name, (slices, rows, columns) in shapes.items():
        (series,) = find_series(shared_data / "ct" / name)
        assert (len(series), series.shape) == (slices, (rows, columns))
        # They hold 8-bit grey values, not Hounsfield units.
        assert series.kind is Kind.MR
        raw = gzip.decompress((shared_data / "ct" / name).read_bytes())
        start = int(struct.unpack_from("<f", raw, 108)[0])
        slope, intercept = struct.unpack_from("<ff", raw, 112)
        voxels = np.frombuffer(raw, np.uint8, slices * rows * columns, start).reshape(slices, rows, columns)
        scaled = voxels * np.float64(slope) + intercept if slope and np.isfinite(slope) else voxels
        for index in (0, slices // 2, slices - 1):
            picture = series.open(index)
            expected = scaled[index, ::-1, ::-1]  # both are stored to the right, the front and the head
            np.testing.assert_array_equal(picture.pixels[0], expected.astype(np.float32))
            assert picture.plane.letters()[:2] == ("R", "L")
