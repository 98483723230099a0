"""Dark frames: every part of a synthetic sensor is found again; what is no dark frame is refused."""

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dark_builders import BLACK, Sensor, picture, with_sites

from denoise_studio.core.errors import Cancelled, StudioError
from denoise_studio.core.picture import Stored
from denoise_studio.core.progress import Progress
from denoise_studio.noise.sensor.dark_file import load_profile, save_profile
from denoise_studio.noise.sensor.dark_fit import profile_of
from denoise_studio.noise.sensor.dark_frames import look, sort_out
from denoise_studio.noise.sensor.dark_profile import DarkProfile, correct
from denoise_studio.noise.sensor.dark_remainder import Cells, fit_tukey, measured
from denoise_studio.noise.sensor.tukey import Gaussian, Tukey

SENSOR = Sensor()
NAMES = ("R", "G1", "G2", "B")


@pytest.fixture(scope="module")
def profile() -> DarkProfile:
    return profile_of([frame for iso in (800, 1600) for frame in SENSOR.frames(iso, 10)])


@pytest.mark.parametrize("iso", [800, 1600])
def test_parts_are_told_apart(profile: DarkProfile, iso: float):
    setting, noise = profile.at(iso), SENSOR.noise(iso)
    pixel = np.hypot(np.sqrt(noise.read.variance), 12**-0.5)
    assert setting.parts.pixel == pytest.approx(pixel, rel=0.01)
    for found, error, truth in (
        (setting.parts.row, setting.parts.row_error, noise.row),
        (setting.parts.column, setting.parts.column_error, noise.column),
    ):
        assert abs(found - truth) < 4 * error
        assert error < 0.05 * truth
    assert abs(setting.tukey.shape - noise.read.shape) < 0.02
    assert setting.tukey.scale == pytest.approx(noise.read.scale, rel=0.02)
    assert setting.quantiles.variance == pytest.approx(noise.read.variance, rel=0.01)
    assert setting.read_sd == pytest.approx(noise.dark_sd, rel=0.01)


@pytest.mark.parametrize("iso", [800, 1600])
def test_black_level_and_shading(profile: DarkProfile, iso: float):
    setting, truth = profile.at(iso), SENSOR.level(iso)
    cold = np.ones(SENSOR.size, bool)
    cold[tuple(SENSOR.hot_places().T)] = False
    for name, (y, x) in zip(NAMES, ((0, 0), (0, 1), (1, 0), (1, 1)), strict=True):
        level = truth[y::2, x::2][cold[y::2, x::2]].mean()
        assert abs(setting.black[name] - level) < 4 * setting.black_error
    assert setting.black_error < 0.15
    off = profile.level(setting) - truth
    off = off[cold] - off[cold].mean()
    plain = setting.parts.pixel / np.sqrt(10)
    # Better than the mean of the frames, whose pixels carry a tenth of the noise's variance.
    assert off.std() < 0.75 * plain
    assert {tuple(place) for place in setting.hot} == {tuple(place) for place in SENSOR.hot_places()}


def test_correction_makes_the_black_level_true(profile: DarkProfile):
    frame = SENSOR.frame(1600, np.random.default_rng(77))
    done = correct(frame, profile)
    left = done.pixels[0] - BLACK
    for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
        assert abs(left[y::2, x::2].mean()) < 5 * SENSOR.jitter
    assert left.std() < (frame.pixels[0] - BLACK).std()
    assert done.mosaic is frame.mosaic
    assert "dark frames (ISO 1600)" in done.history[-1]
    higher = with_sites(frame, black=520.0)
    # Another black level told by the file changes what is added, not what is true.
    assert np.allclose(correct(higher, profile).pixels - 8, done.pixels, atol=1e-3)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_turned_pictures_are_corrected_alike(profile: DarkProfile, orientation: int):
    upright = SENSOR.frame(800, np.random.default_rng(7))
    turned = SENSOR.frame(800, np.random.default_rng(7), orientation=orientation)
    one, other = correct(upright, profile), correct(turned, profile)
    assert np.array_equal(np.sort(one.pixels, axis=None), np.sort(other.pixels, axis=None))
    mixed = [*SENSOR.frames(800, 3), *SENSOR.frames(800, 3, seed=9, orientation=orientation)]
    assert profile_of(mixed).at(800).parts.row == pytest.approx(0.6, abs=0.1)


def test_between_isos(profile: DarkProfile):
    between = profile.at(1200)
    assert between.black["R"] == pytest.approx((profile.at(800).black["R"] + profile.at(1600).black["R"]) / 2)
    assert profile.at(800).read_sd < between.read_sd < profile.at(1600).read_sd
    assert between.read_sd == pytest.approx(SENSOR.noise(1200).dark_sd, rel=0.02)
    assert profile.at(3200).read_sd == pytest.approx(SENSOR.noise(3200).dark_sd, rel=0.05)
    assert profile.read_sd(1200) == between.read_sd
    assert profile.black_error(1200) == between.black
    with pytest.raises(StudioError, match="too far from ISO 6400"):
        profile.at(6400)


def test_linear_map(profile: DarkProfile):
    slope, base = profile.linear_map()
    for setting in profile.settings:
        assert np.allclose(slope * setting.iso + base, profile.level(setting), atol=2e-3)
    assert abs(base.mean()) < 0.5
    with pytest.raises(StudioError, match="two ISOs"):
        replace(profile, settings=profile.settings[:1]).linear_map()


def test_few_frames_say_so():
    one = profile_of(list(SENSOR.frames(800, 1)))
    three = profile_of(list(SENSOR.frames(800, 3)))
    assert "one dark frame" in one.notes[0]
    assert "only 3" in three.notes[0]
    assert one.at(800).black_error == np.inf
    # A single frame: fixed patterns count as noise, more than half of it is right.
    noise = SENSOR.noise(800)
    assert one.at(800).parts.pixel == pytest.approx(np.hypot(noise.dark_sd, SENSOR.pattern_sd), rel=0.05)
    wide = three.at(800).parts.row_error
    assert abs(three.at(800).parts.row - noise.row) < 4 * wide
    assert wide > profile_of(list(SENSOR.frames(800, 10))).at(800).parts.row_error
    assert one.at(800).describe()["black_error_se"] is None


def test_error_bars_hold():
    """Of 60 sensors the truth is within the error that is told in about 68 %: 41, with an sd of 3.6."""
    small = Sensor(size=(64, 64), hot=0)
    z_row, z_black = [], []
    for seed in range(60):
        setting = profile_of(list(small.frames(800, 4, seed=seed))).at(800)
        z_row.append((setting.parts.row - small.row) / setting.parts.row_error)
        level = small.level(800)[::2, ::2].mean()
        z_black.append((setting.black["R"] - level) / setting.black_error)
    for z in (z_row, z_black):
        assert 30 <= np.count_nonzero(np.abs(z) < 1) <= 52


def test_no_row_noise_is_found_where_there_is_none():
    quiet = replace(SENSOR, row=0.0, column=0.0)
    parts = profile_of(list(quiet.frames(800, 6))).at(800).parts
    assert parts.row < 3 * parts.row_error
    assert parts.column < 3 * parts.column_error


def test_what_is_no_dark_frame_is_refused():
    random = np.random.default_rng(1)
    good = list(SENSOR.frames(800, 5))
    with pytest.raises(StudioError, match="no dark frames"):
        profile_of([])
    with pytest.raises(StudioError, match="raw file"):
        look(replace(good[0], mosaic=None), "a.png")
    with pytest.raises(StudioError, match="which ISO"):
        look(replace(good[0], mosaic=replace(good[0].mosaic, iso=None)))
    with pytest.raises(StudioError, match=r"b\.dng is not dark: up to \d+ DN"):
        look(SENSOR.frame(800, random, light=400.0), "b.dng")
    with pytest.raises(StudioError, match="cut off"):
        look(with_sites(picture(np.maximum(random.normal(0, 3, (64, 64)), 0), 800), black=0.0))
    with pytest.raises(StudioError, match="another camera"):
        profile_of([*good, replace(SENSOR, camera="Other").frame(800, random)])
    with pytest.raises(StudioError, match="another size"):
        profile_of([*good, Sensor(size=(64, 64)).frame(800, random)])
    with pytest.raises(StudioError, match="black or white"):
        profile_of([*good, with_sites(good[0], black=500.0)])
    leak = np.zeros(SENSOR.size)
    leak[:64, :80] = 30.0
    with pytest.raises(StudioError, match="light leak"):
        profile_of([*good, SENSOR.frame(800, random, light=leak)])


def test_sorting_out_keeps_the_rest():
    random = np.random.default_rng(2)
    frames = [look(frame, frame.name) for frame in SENSOR.frames(800, 4)]
    stranger = look(replace(SENSOR, camera="Other").frame(800, random), "x.dng")
    kept, refused = sort_out([stranger, *frames])
    assert kept == frames
    assert [(frame, reason) for frame, reason in refused] == [
        (stranger, "x.dng is of another camera (Other, not Synthetic One).")
    ]


def test_pictures_of_another_camera_are_refused(profile: DarkProfile):
    frame = SENSOR.frame(800, np.random.default_rng(3))
    for other, reason in (
        (replace(frame, mosaic=None), "raw file"),
        (replace(frame, mosaic=replace(frame.mosaic, camera="Other")), "is of Other"),
        (Sensor(size=(64, 64)).frame(800, np.random.default_rng(3)), "64 x 64"),
        (replace(frame, mosaic=frame.mosaic.shifted(1, 0)), "another order"),
        (replace(frame, mosaic=replace(frame.mosaic, iso=None)), "which ISO"),
    ):
        with pytest.raises(StudioError, match=reason):
            correct(other, profile)


def test_frames_are_loaded_one_at_a_time():
    """Peak memory does not grow with the number of frames."""
    sensor = Sensor(size=(512, 512))

    def peak(count: int) -> int:
        loads = [lambda n=n: sensor.frame(800, np.random.default_rng(n)) for n in range(count)]
        tracemalloc.start()
        try:
            profile_of(loads)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(12) < 1.1 * peak(4)


def test_progress_and_cancel():
    told = []
    progress = Progress(lambda fraction, text: told.append(fraction))
    profile_of(list(SENSOR.frames(800, 2)), progress)
    assert told == sorted(told)
    progress.cancel()
    with pytest.raises(Cancelled):
        profile_of(list(SENSOR.frames(800, 2)), progress)


def test_profile_in_a_file(profile: DarkProfile, tmp_path: Path):
    path = tmp_path / "one.npz"
    save_profile(profile, path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["one.npz"]
    back = load_profile(path)
    assert [setting.describe() for setting in back.settings] == [s.describe() for s in profile.settings]
    assert np.array_equal(back.settings[0].shading, profile.settings[0].shading)
    assert np.array_equal(back.settings[1].quantiles.values, profile.settings[1].quantiles.values)
    assert (back.camera, back.pattern, back.names, back.step) == (
        *(profile.camera, profile.pattern, profile.names, profile.step),
    )
    one = profile_of(list(SENSOR.frames(800, 1)))
    save_profile(one, path)
    assert load_profile(path).at(800).black_error == np.inf


def test_damaged_profiles_are_refused(profile: DarkProfile, tmp_path: Path):
    path = tmp_path / "one.npz"
    save_profile(profile, path)
    data = path.read_bytes()
    for bad in (data[: len(data) // 2], b"", b"PK\x03\x04 nothing"):
        path.write_bytes(bad)
        with pytest.raises(StudioError, match=r"one\.npz"):
            load_profile(path)
    with pytest.raises(StudioError, match="no such file"):
        load_profile(tmp_path / "none.npz")
    with pytest.raises(StudioError, match="Cannot write"):
        save_profile(profile, tmp_path / "none" / "one.npz")
    np.savez(path, header=np.frombuffer(b'{"mark": "other"}', np.uint8))
    with pytest.raises(StudioError, match="no dark profile"):
        load_profile(path)
    np.savez(path, header=np.array([object()], dtype=object))
    with pytest.raises(StudioError, match="no dark profile"):
        load_profile(path)
    np.savez_compressed(path, header=np.zeros(100_000, np.uint8))
    with pytest.raises(StudioError, match="compressed"):
        load_profile(path)
    path.write_bytes(data)
    with np.load(path) as file:
        arrays = dict(file)
    header = bytes(arrays["header"])
    for change in (
        {"header": np.frombuffer(header.replace(b'"version": 1', b'"version": 2'), np.uint8)},
        {"shading_0": arrays["shading_0"][:-1]},
        {"shading_1": np.full_like(arrays["shading_1"], np.nan)},
        {"quantiles_0": arrays["quantiles_0"][::-1]},
        {"hot_0": np.array([[0, 10_000]], np.int32)},
        {"header": np.frombuffer(header.replace(b'"iso": 1600.0', b'"iso": 0.0'), np.uint8)},
    ):
        np.savez(path, **(arrays | change))
        with pytest.raises(StudioError, match=r"version 2|damaged"):
            load_profile(path)


@pytest.mark.parametrize("noise", [Tukey(0.115, -0.186), Tukey(1.1, 0.1), Tukey(10.0, -0.26)])
def test_lambda_despite_rounding(noise: Tukey):
    """Also of noise narrower than a step (the D850's second calibration at its lowest gain)."""
    random = np.random.default_rng(8)
    u, offset = random.random((700, 700)), random.normal(0, 0.5, (700, 1))
    values = noise.scale * (u**noise.shape - (1 - u) ** noise.shape) / noise.shape
    cells = Cells(1.0, max(float(np.sqrt(noise.variance)), 0.3))
    cells.add((np.rint(values + offset) - offset).astype(np.float32))
    fit = fit_tukey(cells)
    assert abs(fit.noise.shape - noise.shape) < min(0.02, 4 * fit.shape_error)
    assert fit.noise.scale == pytest.approx(noise.scale, rel=0.02)
    assert measured(cells).variance == pytest.approx(noise.variance, rel=0.05)


def test_values_without_steps():
    random = np.random.default_rng(4)
    cells = Cells(0.0, 2.0)
    cells.add(random.normal(0, 2.0, 400_000).astype(np.float32))
    assert measured(cells).variance == pytest.approx(Gaussian(2.0).variance, rel=0.01)
    assert fit_tukey(cells).noise.shape == pytest.approx(0.135, abs=0.02)
    floating = [replace(frame, stored=Stored("float32", 32)) for frame in SENSOR.frames(800, 3)]
    assert profile_of(floating).step == 0
