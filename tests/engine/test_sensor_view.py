"""What is shown of a sensor's noise: which estimate, in which words, and which points of the plot."""

from dataclasses import replace

import numpy as np
import pytest
from raw_builders import BLACK, exposed, mosaic, patches, raw, with_masked

from denoise_studio.core.errors import StudioError
from denoise_studio.core.fitted import Fitted
from denoise_studio.core.mosaic import Mosaic
from denoise_studio.core.picture import Picture
from denoise_studio.engine.sensor import (
    black_words,
    doubts,
    has_sensor,
    is_open,
    sensor_noise,
    sensor_view,
    stage_words,
)
from denoise_studio.noise.sensor.model import BlackLevel, Points, SensorNoise, SiteNoise

GAIN, READ = 4.0, 9.0


@pytest.fixture(scope="module")
def shot() -> Picture:
    layout = with_masked(mosaic(iso=800.0), GAIN, READ, BLACK)
    return raw(exposed(patches(512, 512), GAIN, READ, 1), layout)


def made(points: Points | None = None, **more: object) -> SensorNoise:
    site = SiteNoise("R", 2.0, 5.0, 512.0, 16383.0, 0.9, 0.01, 0.02)
    return SensorNoise((site,), points={"R": points} if points is not None else {}, **more)


def test_the_fits_estimate_is_preferred_and_others_have_none(shot):
    coarse = sensor_noise(shot)
    assert coarse.stage == "coarse"
    assert sensor_noise(shot) is coarse
    fine = replace(coarse, stage="fine")
    assert sensor_noise(shot, Fitted({}, knowledge=fine)) is fine
    assert sensor_noise(shot, Fitted({}, knowledge="something else")) is coarse
    assert sensor_noise(Picture(np.zeros((1, 32, 32), np.float32))) is None
    six = replace(shot.mosaic, pattern=tuple(tuple((y + x) % 4 for x in range(6)) for y in range(6)))
    assert isinstance(six, Mosaic)
    assert not has_sensor(raw(shot.pixels[0], six))
    assert sensor_noise(raw(shot.pixels[0], six)) is None


def test_a_picture_that_is_clipped_throughout_says_so():
    with pytest.raises(StudioError, match="clipped at white"):
        sensor_noise(raw(np.full((128, 128), 16383.0)))


@pytest.mark.parametrize("logarithmic", [False, True])
def test_drawn_windows_are_real_ones_inside_the_axes_and_the_line_runs_through_them(shot, logarithmic):
    noise = sensor_noise(shot)
    view = sensor_view(noise)
    chart = view.logarithmic if logarithmic else view.linear
    assert [curve.name for curve in chart.curves] == ["R", "G1", "G2", "B"]
    for curve in chart.curves:
        points = noise.points[curve.name]
        used, all_ = view.windows[curve.name]
        assert (used, all_) == (points.used.sum(), len(points.mean))
        for dots, chosen in ((curve.used, points.used), (curve.unused, ~points.used)):
            x, y = (10**dots.x, 10**dots.y) if logarithmic else (dots.x, dots.y)
            real = np.stack([points.mean[chosen], points.variance[chosen]], axis=1)
            found = np.stack([x, y], axis=1)
            if len(found):
                nearest = np.abs(found[:, None] / real[None] - 1).max(axis=2).min(axis=1)
                assert nearest.max() < 1e-4
            inside = (dots.x >= chart.x_range[0]) & (dots.x <= chart.x_range[1])
            assert (inside & (dots.y >= chart.y_range[0]) & (dots.y <= chart.y_range[1])).all()
        assert len(curve.used.x) > 12
        line = np.interp(curve.used.x, curve.x, curve.y)
        share = 10 ** (curve.used.y - line) if logarithmic else curve.used.y / line
        assert np.median(share) == pytest.approx(1, abs=0.08)
        assert (curve.low <= curve.y).all()
        assert (curve.y <= curve.high).all()
        assert curve.low[-1] < curve.y[-1] < curve.high[-1]
        assert np.isfinite(np.stack([curve.low, curve.high])).all()


def test_the_band_is_two_standard_errors():
    view = sensor_view(
        made(Points(*(np.array(v, np.float32) for v in ([1.0, 1000.0], [27.0, 2025.0])), np.ones(2, bool)))
    )
    (curve,) = view.linear.curves
    np.testing.assert_allclose(curve.y, 2.0 * curve.x + 25.0, rtol=1e-5)
    error = 2 * np.hypot(0.02 * curve.x, 2 * 25.0 * 0.02)
    np.testing.assert_allclose(curve.high - curve.y, error, rtol=1e-3)
    np.testing.assert_allclose(curve.y - curve.low, error, rtol=1e-3)


def test_windows_on_one_spot_are_drawn_once_and_lone_ones_stay():
    random = np.random.default_rng(1)
    mean = np.concatenate([random.uniform(100, 100.5, 20_000), [900.0]]).astype(np.float32)
    variance = np.concatenate([random.uniform(225, 225.5, 20_000), [1825.0]]).astype(np.float32)
    view = sensor_view(made(Points(mean, variance, np.ones(len(mean), bool))))
    for chart, far in ((view.linear, 900.0), (view.logarithmic, np.log10(900.0))):
        (curve,) = chart.curves
        assert len(curve.used.x) < 20
        assert curve.used.x.max() == pytest.approx(far, rel=1e-4)


def test_texture_does_not_set_the_height():
    mean = np.linspace(10, 1000, 200).astype(np.float32)
    variance = 2 * mean + 25
    flat = np.ones(200, bool)
    flat[::4] = False
    variance[~flat] *= 500
    view = sensor_view(made(Points(mean, variance.astype(np.float32), flat)))
    assert view.linear.y_range[1] < 3 * 2025
    assert len(view.linear.curves[0].unused.x) == 0 or view.linear.curves[0].unused.y.max() < 3 * 2025


@pytest.mark.parametrize("count", [0, 1])
def test_hardly_any_window_is_no_error(count):
    empty = Points(np.full(count, 5.0, np.float32), np.full(count, 35.0, np.float32), np.ones(count, bool))
    for noise in (made(), made(empty), made(replace(empty, used=np.zeros(count, bool)))):
        view = sensor_view(noise)
        for chart in (view.linear, view.logarithmic):
            assert chart.x_range[0] < chart.x_range[1]
            assert chart.y_range[0] < chart.y_range[1]
            assert np.isfinite(chart.curves[0].y).all()


def test_ticks_are_round_numbers(shot):
    view = sensor_view(sensor_noise(shot))
    assert view.linear.ticks is None
    for ticks, (low, high) in zip(
        view.logarithmic.ticks, (view.logarithmic.x_range, view.logarithmic.y_range), strict=True
    ):
        assert 2 <= len(ticks) <= 12
        for at, text in ticks:
            assert low <= at <= high
            assert 10**at == pytest.approx(float(text))


# In words


def test_stages_in_words():
    assert "flat places" in stage_words(made())
    assert "through the denoiser" in stage_words(made(stage="fine"))
    assert "your own" in stage_words(made(stage="told"))


def test_a_known_black_level_in_words():
    text = black_words(BlackLevel("masked pixels", -7.83, 0.5, (-8.93, -6.74)))
    assert "masked pixels put it 7.83 DN below the file's" in text
    assert "8.93 DN below to 6.74 DN below" in text


def test_a_black_level_that_the_scene_bounds_in_words():
    black = BlackLevel("scene", interval=(-3.25, 120.4))
    assert is_open(black)
    text = black_words(black)
    assert "3.25 DN below to 120 DN above the file's" in text
    assert "only bounds it" in text
    assert "nothing in the picture tells" in black_words(BlackLevel("scene"))
    assert "nothing in the picture tells" in black_words(BlackLevel("scene", interval=(-np.inf, 3.0)))


def test_a_black_level_that_cannot_be_settled_in_words():
    far = BlackLevel("read noise of the Sony A7S2", 0.0, 3.0, (2.0, 14.0))
    assert "cannot settle it (2.00 DN above to 14.0 DN above the file's)" in black_words(far)
    near = BlackLevel("dark frames", 0.0, 0.1, (-0.2, 0.2))
    assert "agrees with dark frames" in black_words(near)


def test_doubts_are_warnings_notes_and_little_confidence():
    assert doubts(made()) == ()
    warned = made(black=BlackLevel("scene", warning="Wrong."), notes=("Odd.", ""))
    assert doubts(warned) == ("Wrong.", "Odd.")
    unsure = replace(made(), sites=(replace(made().sites[0], confidence=0.1),))
    assert "hardly sure" in doubts(unsure)[0]
    assert doubts(replace(unsure, stage="told")) == ()
