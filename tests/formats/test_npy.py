"""NPY: which arrays are pictures, what rounds, what goes back."""

import pickle

import numpy as np
import pytest
from format_files import noise

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Scale
from denoise_studio.formats import SaveOptions, encode_for, open_picture, save_picture


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float16", "float32", ">u2", ">f4"])
@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 3), (3, 9, 7), (9, 7, 1), (1, 9, 7)])
def test_values_and_layout_go_back_as_they_came(tmp_path, dtype, shape):
    array = noise(shape, dtype)
    np.save(tmp_path / "a.npy", array)
    picture = open_picture(tmp_path / "a.npy")
    encoded = encode_for(picture, tmp_path / "b.npy")
    save_picture(picture, tmp_path / "b.npy")
    back = np.load(tmp_path / "b.npy")
    np.testing.assert_array_equal(back, array)
    assert back.shape == array.shape
    np.testing.assert_array_equal(open_picture(tmp_path / "b.npy").pixels, encoded.pixels)
    assert picture.scale is Scale.UNITLESS


def test_integers_stay_integers_until_something_was_filtered(tmp_path):
    np.save(tmp_path / "a.npy", noise((5, 5), np.uint16))
    picture = open_picture(tmp_path / "a.npy")
    save_picture(picture, tmp_path / "same.npy")
    assert np.load(tmp_path / "same.npy").dtype == np.uint16
    filtered = picture.derive(picture.pixels + np.float32(0.25), history=("method",))
    save_picture(filtered, tmp_path / "filtered.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "filtered.npy"), filtered.pixels[0])


@pytest.mark.parametrize(
    ("shape", "layout"), [((3, 5, 3), "HWC"), ((1, 5, 3), "HWC"), ((3, 5, 1), "HWC"), ((3, 3, 5), "CHW")]
)
def test_a_shape_that_reads_both_ways_has_channels_last(tmp_path, shape, layout):
    np.save(tmp_path / "a.npy", noise(shape, np.float32))
    picture = open_picture(tmp_path / "a.npy")
    expected = (
        np.moveaxis(np.load(tmp_path / "a.npy"), -1, 0) if layout == "HWC" else np.load(tmp_path / "a.npy")
    )
    np.testing.assert_array_equal(picture.pixels, expected)
    assert bool(picture.notes) == (layout == "HWC")


@pytest.mark.parametrize("shape", [(5,), (4, 5, 6), (5, 6, 4), (2, 5, 6), (1, 2, 3, 4), ()])
def test_other_shapes_are_refused_with_their_shape(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros(shape, np.float32))
    with pytest.raises(FormatError, match=r"a\.npy holds an array of shape \(") as caught:
        open_picture(tmp_path / "a.npy")
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0), (0, 5, 3)])
def test_no_pixels(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros(shape, np.float32))
    with pytest.raises(FormatError, match="no pixels"):
        open_picture(tmp_path / "a.npy")


def test_float64_counts_what_it_rounds(tmp_path):
    array = np.array([[0.5, 0.1], [1.0, 2.0**-30]])
    np.save(tmp_path / "a.npy", array)
    (note,) = open_picture(tmp_path / "a.npy").notes
    change = abs(float(np.float32(0.1)) - 0.1)
    assert note == (f"1 value of 64 bits rounded to 32-bit floating point (largest change {change:.3g}).")
    np.save(tmp_path / "b.npy", np.array([[0.5, 1.25]]))
    assert open_picture(tmp_path / "b.npy").notes == ()
    np.save(tmp_path / "c.npy", np.array([[0.5, 1e300]]))
    with pytest.raises(FormatError, match="beyond the range"):
        open_picture(tmp_path / "c.npy")


@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "uint64"])
def test_wide_integers_are_exact_or_refused(tmp_path, dtype):
    top = np.iinfo(dtype).max
    good = np.array([[0, 2**24, 2**24 + 2, 2 ** (np.iinfo(dtype).bits - 2)]], dtype)
    np.save(tmp_path / "a.npy", good)
    np.testing.assert_array_equal(open_picture(tmp_path / "a.npy").pixels[0].astype(np.float64), good)
    np.save(tmp_path / "b.npy", np.array([[0, 2**24 + 1, top]], dtype))
    with pytest.raises(FormatError, match=r"b\.npy holds 2 whole numbers"):
        open_picture(tmp_path / "b.npy")


def test_the_most_negative_integer_is_a_power_of_two(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[np.iinfo(np.int64).min, -1]]))
    np.testing.assert_array_equal(open_picture(tmp_path / "a.npy").pixels, [[[-(2.0**63), -1.0]]])


def test_bool_is_zero_and_one(tmp_path):
    np.save(tmp_path / "a.npy", np.eye(3, dtype=bool))
    picture = open_picture(tmp_path / "a.npy")
    np.testing.assert_array_equal(picture.pixels[0], np.eye(3))
    assert "1 and 0" in picture.notes[0]


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("an object array was unpickled",))


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 2), complex),
        np.array([["a", "b"]]),
        np.zeros((2, 2), "M8[s]"),
        np.zeros((2, 2), [("x", "f4")]),
        np.array([[{}, None]], dtype=object),
    ],
)
def test_other_types_are_refused(tmp_path, array):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(FormatError, match="only arrays of real numbers"):
        open_picture(tmp_path / "a.npy")


def test_objects_are_never_unpickled(tmp_path):
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1, 1), }"
    head = b"\x93NUMPY\x01\x00" + (len(header) + 1).to_bytes(2, "little") + header + b"\n"
    (tmp_path / "a.npy").write_bytes(head + pickle.dumps(Bomb()))
    with pytest.raises(FormatError, match="Python objects"):
        open_picture(tmp_path / "a.npy")


def test_fortran_order(tmp_path):
    array = np.asfortranarray(noise((6, 4, 3), np.float32))
    np.save(tmp_path / "a.npy", array)
    picture = open_picture(tmp_path / "a.npy")
    np.testing.assert_array_equal(picture.pixels, np.moveaxis(array, -1, 0))
    assert picture.pixels.flags.c_contiguous


def test_non_finite_values_are_padding_and_go_back_bit_for_bit(tmp_path):
    array = noise((6, 4, 3), np.float32)
    array[1, 2] = [np.nan, 1.0, 2.0]
    array[3, 3, 1] = -np.inf
    array.view(np.uint32)[1, 2, 0] = 0x7FC0BEEF  # A NaN with a payload.
    np.save(tmp_path / "a.npy", array)
    picture = open_picture(tmp_path / "a.npy")
    assert picture.padding is not None
    np.testing.assert_array_equal(np.argwhere(picture.padding), [[1, 2], [3, 3]])
    assert np.isfinite(picture.pixels).all()
    assert picture.notes == ("2 pixels without a finite value (NaN or infinite) left as they are.",)
    save_picture(picture, tmp_path / "b.npy")
    back = np.load(tmp_path / "b.npy")
    np.testing.assert_array_equal(back.view(np.uint32), array.view(np.uint32))
    encoded = encode_for(picture, tmp_path / "b.npy")
    np.testing.assert_array_equal(encoded.pixels, open_picture(tmp_path / "b.npy").pixels)


def test_nothing_finite(tmp_path):
    np.save(tmp_path / "a.npy", np.full((3, 3), np.nan))
    with pytest.raises(FormatError, match=r"a\.npy holds no finite pixel"):
        open_picture(tmp_path / "a.npy")


def test_absurd_size_is_refused_before_reading(tmp_path):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (60000, 60000), }\n"
    head = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    (tmp_path / "a.npy").write_bytes(head)
    with pytest.raises(FormatError, match="60000 x 60000 pixels, more than the 512 megapixels"):
        open_picture(tmp_path / "a.npy")


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_depth_by_choice(tmp_path, bits):
    np.save(tmp_path / "a.npy", np.array([[0, 100, 255]], np.uint8))
    picture = open_picture(tmp_path / "a.npy")
    encoded = encode_for(picture, tmp_path / "b.npy", SaveOptions(bits=bits))
    save_picture(picture, tmp_path / "b.npy", SaveOptions(bits=bits))
    back = np.load(tmp_path / "b.npy")
    assert back.dtype == {8: np.uint8, 16: np.uint16, 32: np.float32}[bits]
    np.testing.assert_array_equal(back, np.array([[0, 100, 255]]) * (257 if bits == 16 else 1))
    np.testing.assert_array_equal(open_picture(tmp_path / "b.npy").pixels, encoded.pixels)


def test_nominal_range(tmp_path):
    for name, array, expected in [
        ("a", np.array([[3, 9]], np.uint8), (0, 255)),
        ("b", np.array([[3, 9]], np.uint16), (0, 65535)),
        ("c", np.array([[0.2, 0.9]], np.float32), (0, 1)),
        ("d", np.array([[-0.5, 0.9]], np.float32), (-0.5, 0.9)),
        ("e", np.array([[-3, 9]], np.int16), (-3, 9)),
    ]:
        np.save(tmp_path / f"{name}.npy", array)
        assert open_picture(tmp_path / f"{name}.npy").nominal_range == pytest.approx(expected)
