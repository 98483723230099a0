import threading

import numpy as np
import pytest
from builders import padded, picture
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from denoise_studio.core.errors import Cancelled, StudioError
from denoise_studio.core.picture import Kind, Picture, Scale, Stored, mark_non_finite
from denoise_studio.core.progress import Progress


def test_arrays_are_read_only():
    shown = padded(8, 8)
    for array in (shown.pixels, shown.padding, shown.padding_values):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(AttributeError):
        shown.unit = "HU"


@pytest.mark.parametrize("shape", [(4, 4), (2, 4, 4), (4, 4, 4), (1, 0, 4), (3, 4, 0), (1, 1, 4, 4)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(StudioError):
        Picture(np.zeros(shape, np.float32))


def test_other_types_are_refused():
    with pytest.raises(StudioError, match="float32"):
        Picture(np.zeros((1, 2, 2), np.float64))


@pytest.mark.parametrize(
    "padding", [np.zeros((3, 2), bool), np.zeros((1, 2, 2), bool), np.zeros((2, 2), np.uint8)]
)
def test_a_padding_that_does_not_fit_is_refused(padding):
    with pytest.raises(StudioError, match="padding"):
        Picture(np.zeros((1, 2, 2), np.float32), padding=padding)


def test_value_range_leaves_padding_out():
    pixels = np.array([[[1, 2, 900], [-5, 3, 4]], [[1, 2, -900], [0, 7, 4]], [[0] * 3] * 2], np.float32)
    padding = np.array([[False, False, True], [True, False, False]])
    assert Picture(pixels, padding=padding).value_range == (0.0, 7.0)
    assert Picture(pixels.copy()).value_range == (-900.0, 900.0)


def test_value_range_of_nothing_but_padding():
    assert Picture(np.ones((1, 2, 2), np.float32), padding=np.ones((2, 2), bool)).value_range == (0.0, 0.0)


def test_span():
    def span(low, high, scale=Scale.UNITLESS):
        return Picture(np.zeros((1, 1, 1), np.float32), scale=scale, nominal_range=(low, high)).span

    assert span(-1024, 3071, Scale.HU) == 1000.0
    assert span(0, 65535, Scale.DISPLAY) == 65535.0
    assert span(3, 3) == 1.0


@pytest.mark.parametrize(
    ("scale", "kind"),
    [
        (Scale.HU, Kind.CT),
        (Scale.SIGNAL, Kind.MR),
        (Scale.DISPLAY, Kind.PHOTO),
        (Scale.LINEAR, Kind.PHOTO),
        (Scale.UNITLESS, Kind.DATA),
    ],
)
def test_kind(scale, kind):
    assert Picture(np.zeros((1, 1, 1), np.float32), scale=scale).kind is kind


def test_derive_keeps_the_meaning_and_gets_a_new_serial():
    before = padded(6, 5)
    after = before.derive(np.zeros((1, 6, 5), np.float32), history=("blank",))
    assert after.serial != before.serial
    assert after.history == ("blank",)
    assert after.padding is before.padding
    assert after.padding_values is before.padding_values
    assert (after.scale, after.unit, after.stored) == (before.scale, before.unit, before.stored)
    with pytest.raises(StudioError, match="shape"):
        before.derive(np.zeros((1, 5, 6), np.float32))


def test_rect_and_sizes():
    shown = picture(4, 7, channels=3)
    assert (shown.channels, shown.height, shown.width) == (3, 4, 7)
    assert shown.rect == (0, 0, 7, 4)


@pytest.mark.parametrize(
    ("stored", "limits"),
    [
        (Stored("uint16", 12), (0, 4095)),
        (Stored("int16", 16), (-32768, 32767)),
        (Stored("int16", 12), (-2048, 2047)),
        (Stored("uint8", 8), (0, 255)),
    ],
)
def test_stored_limits(stored, limits):
    assert stored.limits == limits
    assert stored.is_integer
    assert not Stored("float32", 32).is_integer


special = st.sampled_from([np.nan, np.inf, -np.inf])
floats = special | st.floats(-(2.0**96), 2.0**96, width=32)  # larger ones: the test below


@given(
    hnp.arrays(
        np.float32, st.tuples(st.sampled_from([1, 3]), st.integers(1, 4), st.integers(1, 4)), elements=floats
    )
)
def test_non_finite_pixels_are_split_off(pixels):
    original = pixels.copy()
    bad = ~np.isfinite(pixels).all(axis=0)
    if bad.all():
        with pytest.raises(StudioError, match="no finite pixel"):
            mark_non_finite(pixels)
        return
    clean, mask = mark_non_finite(pixels)
    assert np.isfinite(clean).all()
    assert np.array_equal(pixels, original, equal_nan=True)
    assert np.array_equal(clean[:, ~bad], pixels[:, ~bad])
    assert not clean[:, bad].any()
    assert (mask is None) == (not bad.any())
    if mask is not None:
        assert np.array_equal(mask, bad)


def test_progress_reports_until_it_is_cancelled():
    heard = []
    progress = Progress(lambda fraction, text: heard.append((fraction, text)))
    progress.report(-1.0)
    progress.report(0.5, "half")
    progress.report(7.0)
    assert heard == [(0.0, ""), (0.5, "half"), (1.0, "")]
    thread = threading.Thread(target=progress.cancel)
    thread.start()
    thread.join()
    assert progress.cancelled
    with pytest.raises(Cancelled):
        progress.check()
    with pytest.raises(Cancelled):
        progress.report(0.7)
    assert len(heard) == 3


def test_no_data_sentinels_of_float_files_count_as_padding():
    pixels = np.ones((1, 2, 3), np.float32)
    pixels[0, 0, 0], pixels[0, 1, 2] = -3.4028235e38, 1e31
    clean, mask = mark_non_finite(pixels)
    assert mask.tolist() == [[True, False, False], [False, False, True]]
    assert clean[0].tolist() == [[0, 1, 1], [1, 1, 0]]
