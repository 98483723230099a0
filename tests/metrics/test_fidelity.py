"""Metrics against closed forms, and what padding and ranges do to them."""

import json
import math

import numpy as np
import pytest
from builders import noisy
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.metrics import Metric, all_metrics, measure, register, unregister


def make(values, **more):
    pixels = np.asarray(values, np.float32)
    return Picture(pixels if pixels.ndim == 3 else pixels[None], **more)


def value(name, *pictures, **more):
    return measure(*pictures, metrics=[name], **more)[name].value


@given(
    offset=st.floats(1e-3, 1e3),
    low=st.floats(-2000, 2000),
    width=st.floats(1, 1e5),
    channels=st.sampled_from([1, 3]),
)
def test_psnr_of_a_constant_offset(offset, low, width, channels):
    reference = make(np.zeros((channels, 5, 7)), nominal_range=(low, low + width))
    test = make(np.full((channels, 5, 7), offset))
    (low, high), offset = reference.nominal_range, float(np.float32(offset))
    assert value("psnr", test, reference) == pytest.approx(20 * math.log10((high - low) / offset))
    assert value("rmse", test, reference) == pytest.approx(offset)
    assert value("mean_difference", test, reference) == pytest.approx(offset)
    assert value("mean_difference", reference, test) == pytest.approx(-offset)
    assert value("max_difference", reference, test) == pytest.approx(offset)


def test_psnr_of_known_noise():
    rng = np.random.default_rng(1)
    reference = make(np.full((512, 512), 1000.0), nominal_range=(0.0, 4095.0))
    test = make(1000 + rng.normal(0, 20, (512, 512)))
    assert value("psnr", test, reference) == pytest.approx(20 * math.log10(4095 / 20), abs=0.05)


def test_equal_pictures():
    picture = make(noisy(40, 30, 3))
    found = measure(picture, picture)
    assert found["psnr"].value == math.inf
    assert found["ssim"].value == pytest.approx(1.0)
    assert found["rmse"].value == found["mean_difference"].value == found["max_difference"].value == 0
    text = json.dumps(found["psnr"].describe(), allow_nan=False)
    assert json.loads(text) | {"value": None, "infinite": True} == json.loads(text)


def test_ct_refers_to_the_12_bit_range_whatever_the_file_could_hold():
    hu = {"scale": Scale.HU, "unit": "HU", "nominal_range": (-33792.0, 31743.0)}
    found = measure(make(np.full((12, 12), 10.0), **hu), make(np.zeros((12, 12)), **hu))
    assert found["psnr"].value == pytest.approx(20 * math.log10(4095 / 10))
    assert found["psnr"].extra == {"range": [-1024.0, 3071.0], "range_from": "usual 12-bit range of CT"}
    assert (found["rmse"].unit, found["psnr"].unit, found["ssim"].unit) == ("HU", "dB", "")


def test_a_given_range_wins():
    test, reference = make(np.ones((4, 4))), make(np.zeros((4, 4)))
    found = measure(test, reference, ["psnr"], (0, 100))["psnr"]
    assert found.value == pytest.approx(40.0)
    assert found.extra["range_from"] == "given"
    for bad in ((1, 1), (2, 1), (0, math.inf), (math.nan, 1)):
        with pytest.raises(MeasureError, match="rise from low to high"):
            measure(test, reference, ["rmse"], bad)


def test_ssim_is_the_field_s():
    a, b = noisy(48, 40, 3, seed=1), noisy(48, 40, 3, seed=2)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    expected = structural_similarity(
        a.astype(float), b.astype(float), channel_axis=0, data_range=1.0, **options
    )
    assert value("ssim", make(a), make(b)) == pytest.approx(expected, rel=1e-12)


def test_ssim_of_constants_is_its_luminance_term():
    a, b, c1 = 100.0, 120.0, (0.01 * 255) ** 2
    pictures = [make(np.full((20, 20), v), nominal_range=(0.0, 255.0)) for v in (a, b)]
    assert value("ssim", *pictures) == pytest.approx((2 * a * b + c1) / (a * a + b * b + c1))


def test_ssim_does_not_depend_on_where_zero_is():
    a, b = noisy(30, 30, seed=1), noisy(30, 30, seed=2)
    shifted = [make(x * 1000 - 1000, nominal_range=(-1000.0, 0.0)) for x in (a, b)]
    assert value("ssim", *shifted) == pytest.approx(value("ssim", make(a), make(b)), rel=1e-4)


def test_padding_counts_in_nothing():
    a, b = noisy(40, 40, seed=1), noisy(40, 40, seed=2)
    mask_a, mask_b = np.zeros((40, 40), bool), np.zeros((40, 40), bool)
    mask_a[:4], mask_b[:, :3] = True, True
    wild_a, wild_b = a.copy(), b.copy()
    wild_a[:, mask_a], wild_b[:, mask_b] = -1e6, 1e6
    inner_a, inner_b = make(a[:, 4:, 3:]), make(b[:, 4:, 3:])
    padded = measure(make(wild_a, padding=mask_a), make(wild_b, padding=mask_b))
    for name, found in measure(inner_a, inner_b).items():
        if name == "iem":
            continue  # a prior sees what lies around, and where the picture ends
        assert padded[name].value == pytest.approx(found.value, rel=1e-9), name
    alone = measure(make(wild_a, padding=mask_a))
    for name, found in measure(make(a[:, 4:])).items():
        # The noise is read in single precision: its matrix products round by the processor and their height.
        near = 4 * float(np.finfo(np.float32).eps) if name == "noise_sd" else 1e-9
        assert alone[name].value == pytest.approx(found.value, rel=near), name


def test_one_picture():
    pixels = np.tile(np.float32([[1, 3], [3, 1]]), (16, 16))
    found = measure(make(pixels + 1e6, unit="DN"))
    assert list(found) == ["mean", "sd", "minimum", "maximum", "noise_sd"]
    assert [found[n].value for n in ("mean", "sd", "minimum", "maximum")] == [1e6 + 2, 1.0, 1e6 + 1, 1e6 + 3]
    assert {m.unit for m in found.values()} == {"DN"}
    assert {m.compares for m in found.values()} == {"test alone"}


def test_the_noise_estimate_finds_known_noise():
    rng = np.random.default_rng(3)
    found = measure(make(np.linspace(0, 100, 256)[None] + rng.normal(0, 5, (256, 256))))
    assert found["noise_sd"].value == pytest.approx(5, rel=0.06)
    assert found["noise_sd"].extra["model"] == "gaussian"


def test_tiny_pictures():
    test, reference = make(np.ones((5, 30))), make(np.zeros((5, 30)))
    with pytest.raises(MeasureError, match="at least 11 x 11 pixels, not 30 x 5"):
        measure(test, reference, ["ssim"])
    found = measure(test, reference)
    assert found["ssim"].value is None
    assert "at least 11 x 11" in found["ssim"].describe()["why"]
    assert found["psnr"].value == pytest.approx(0.0)


def test_no_window_without_padding():
    padding = np.zeros((20, 20), bool)
    padding[::5, ::5] = True
    test, reference = make(np.ones((20, 20)), padding=padding), make(np.zeros((20, 20)))
    with pytest.raises(MeasureError, match="without padding in one place"):
        measure(test, reference, ["ssim"])


@pytest.mark.parametrize(
    ("test", "reference", "text"),
    [
        (make(np.ones((4, 5))), make(np.ones((5, 4))), "5 x 4 grey against 4 x 5 grey"),
        (make(np.ones((3, 4, 4))), make(np.ones((4, 4))), "4 x 4 colour against 4 x 4 grey"),
        (make(np.ones((4, 4)), scale=Scale.HU), make(np.ones((4, 4))), "Hounsfield units against values"),
        (
            make(np.ones((4, 4)), scale=Scale.DISPLAY, nominal_range=(0.0, 255.0)),
            make(np.ones((4, 4)), scale=Scale.DISPLAY, nominal_range=(0.0, 65535.0)),
            "from 0 to 255 and from 0 to 65535",
        ),
    ],
)
def test_pictures_that_cannot_be_compared(test, reference, text):
    with pytest.raises(MeasureError, match=text):
        measure(test, reference)


def test_pictures_without_a_common_pixel():
    left = np.zeros((4, 4), bool)
    left[:, :2] = True
    with pytest.raises(MeasureError, match="no pixel in common"):
        measure(make(np.ones((4, 4)), padding=left), make(np.ones((4, 4)), padding=~left), ["rmse"])


def test_names():
    picture = make(np.ones((12, 12)))
    with pytest.raises(MeasureError, match="There is no metric 'snr'"):
        measure(picture, metrics=["snr"])
    with pytest.raises(MeasureError, match="psnr, ssim needs a reference"):
        measure(picture, metrics=["psnr", "mean", "ssim"])
    assert list(measure(picture, picture, ["sd", "rmse"])) == ["sd", "rmse"]


def test_the_list_takes_more():
    extra = Metric("pixels", "Pixels", "How many there are.", "", False, lambda s: (s.test.rect.area, {}))
    register(extra)
    try:
        assert measure(make(np.ones((3, 4))))["pixels"].value == 12
        with pytest.raises(ValueError, match="taken"):
            register(extra)
    finally:
        unregister("pixels")
    assert "pixels" not in [metric.name for metric in all_metrics()]
