"""A dose as a person asks for it: which photons it comes to, and what the new picture is."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from denoise_studio.core.errors import Cancelled, StudioError
from denoise_studio.core.picture import Kind, Picture, Scale, Source, Stored
from denoise_studio.core.plane import Plane
from denoise_studio.core.progress import Progress
from denoise_studio.core.series import Place, Series, SliceInfo
from denoise_studio.engine.batch.names import Task
from denoise_studio.engine.batch.work import earlier
from denoise_studio.engine.dose_plan import (
    ASSUMED_SD,
    DoseSlice,
    DoseWish,
    Origin,
    percent,
    settled,
    why_not,
)
from denoise_studio.engine.simulating_ct import simulated, simulated_series
from denoise_studio.noise.ct.bow_tie import BowTie
from denoise_studio.noise.ct.kernels import kernel_named

SIZE, SPACING = 192, 1.9
LINE = (np.arange(SIZE) - (SIZE - 1) / 2) * SPACING
PADDING = LINE[None, :] ** 2 + LINE[:, None] ** 2 > 170**2
FLAT = (LINE[None, :] / 110) ** 2 + (LINE[:, None] / 70) ** 2 < 1
SD = 12.0


def hu() -> np.ndarray:
    body = (LINE[None, :] / 140) ** 2 + (LINE[:, None] / 100) ** 2 <= 1
    return np.where(PADDING, -2000.0, np.where(body, 40.0, -1000.0)).astype(np.float32)


def slice_of(pixels: np.ndarray, **more: object) -> Picture:
    summary = {"exposure (mAs)": 100, "tube voltage (kVp)": 120.0, "slice thickness (mm)": 5.0}
    facts: dict[str, object] = {
        "scale": Scale.HU,
        "unit": "HU",
        "nominal_range": (-1024.0, 3071.0),
        "stored": Stored("int16", 16, 1.0, -1024.0),
        "spacing": (SPACING, SPACING),
        "padding": PADDING,
        "name": "slice.dcm",
        "source": Source("dicom", Path("folder") / "slice.dcm", "kept", summary, "1234"),
        "history": ("an earlier step",),
    }
    return Picture(np.asarray(pixels, np.float32)[None].copy(), **{**facts, **more})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def noisy() -> Picture:
    """Of 12 HU in soft tissue, by a standard kernel."""
    clean = slice_of(hu())
    wish = DoseWish(1.0, kernel_named("standard"), sd=SD, clean=True, seed=9)
    return slice_of(simulated(clean, wish).pixels[0])


@pytest.fixture(scope="module")
def ready(noisy: Picture) -> DoseSlice:
    return DoseSlice(noisy)


def sd_in(picture: Picture) -> float:
    return float(picture.pixels[0][FLAT].std())


def test_photons_are_matched_to_the_noise_of_the_slice(ready: DoseSlice) -> None:
    plan = ready.plan(DoseWish(0.25, electronic=0.0))
    assert plan.origin is Origin.MEASURED
    assert not plan.dose.clean
    assert plan.full_sd == pytest.approx(SD, rel=0.08)
    assert plan.sd == pytest.approx(2 * plan.full_sd, rel=1e-3)
    assert "as measured" in plan.words
    assert f"{plan.full_sd:.3g} HU" in plan.words


@pytest.mark.parametrize("fraction", [0.5, 0.1])
def test_the_new_slice_has_the_noise_of_its_dose(noisy: Picture, ready: DoseSlice, fraction: float) -> None:
    result = simulated(noisy, DoseWish(fraction, electronic=0.0, seed=1), ready=ready)
    assert sd_in(result) / sd_in(noisy) == pytest.approx(fraction**-0.5, rel=0.08)
    assert result.pixels[0][FLAT].mean() == pytest.approx(noisy.pixels[0][FLAT].mean(), abs=0.5)
    found = DoseSlice(result).plan(DoseWish(1.0))
    assert found.full_sd == pytest.approx(ready.plan(DoseWish(fraction, electronic=0.0)).sd, rel=0.08)


def test_the_kernel_is_that_of_the_slice(ready: DoseSlice) -> None:
    assert ready.plan(DoseWish()).scanner.kernel == ready.matched
    # Its pixels' limit lies far below the standard kernel's end: what counts is how it falls.
    frequency = np.linspace(0, 0.5 / SPACING, 50)
    ours, theirs = (k.window(frequency, SPACING) for k in (ready.matched, kernel_named("standard")))
    assert np.abs(ours - theirs).max() < 0.15
    assert ready.plan(DoseWish(kernel=kernel_named("soft"))).scanner.kernel.name == "soft"


def test_a_person_may_tell_noise_or_photons(ready: DoseSlice) -> None:
    told = ready.plan(DoseWish(sd=30.0))
    assert told.origin is Origin.TOLD
    assert told.full_sd == pytest.approx(30.0, rel=1e-3)
    by_photons = ready.plan(DoseWish(photons=told.scanner.photons, sd=1.0))
    assert by_photons.full_sd == pytest.approx(30.0, rel=1e-3)
    assert by_photons.origin is Origin.TOLD


def test_a_clean_slice_is_seen_to_be_one_and_gets_the_noise_of_its_exposure() -> None:
    clean = slice_of(hu())
    ready = DoseSlice(clean)
    assert ready.is_clean
    plan = ready.plan(DoseWish(0.5, electronic=0.0))
    assert plan.origin is Origin.EXPOSURE
    assert plan.dose.clean
    assert plan.sd == pytest.approx(plan.full_sd * 2**0.5, rel=1e-3)
    assert "free of noise" in plan.words
    result = simulated(clean, DoseWish(0.5, electronic=0.0, seed=2), ready=ready)
    assert sd_in(result) == pytest.approx(plan.sd, rel=0.2)  # the middle is noisier than most


def test_without_noise_and_exposure_a_usual_noise_is_assumed() -> None:
    clean = slice_of(hu(), source=None)
    plan = DoseSlice(clean).plan(DoseWish(1.0))
    assert plan.origin is Origin.ASSUMED
    assert plan.full_sd == pytest.approx(ASSUMED_SD, rel=1e-3)
    with pytest.raises(StudioError, match="no exposure"):
        DoseSlice(clean).plan(DoseWish(exposure=True))


@pytest.mark.parametrize("mas", [14639, 0, -5, "none", "", None])
def test_an_exposure_that_cannot_be_is_none(mas: object) -> None:
    source = Source("dicom", None, None, {"exposure (mAs)": mas, "slice thickness (mm)": 5.0})
    assert DoseSlice(slice_of(hu(), source=source)).exposed() is None


def test_exposure_takes_thickness_from_the_plane_and_wins_on_request(
    noisy: Picture, ready: DoseSlice
) -> None:
    thin = replace(noisy, plane=Plane((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), 1.0))
    assert DoseSlice(thin).exposed() == pytest.approx((ready.exposed() or 0) / 5)
    plan = ready.plan(DoseWish(exposure=True))
    assert plan.origin is Origin.EXPOSURE
    assert plan.scanner.photons == ready.exposed()


def test_what_the_new_picture_is(noisy: Picture, ready: DoseSlice) -> None:
    wish = DoseWish(0.25, kernel_named("sharp"), bow_tie=BowTie(), seed=4)
    result = simulated(noisy, wish, ready=ready)
    assert result.kind is Kind.CT
    assert result.name == "slice.dcm @ 25 % dose (simulated)"
    assert result.history[:-1] == ("an earlier step",)
    line = result.history[-1]
    assert line.startswith("simulated dose of 25 %")
    for part in ("kernel sharp (hann to 1.3/mm)", "photons", "bow-tie", "seed 4", "(measured)"):
        assert part in line
    assert "denois" not in line.lower()
    assert result.source is not None
    assert (result.source.path, result.source.sha256, result.source.metadata) == (None, "", "kept")
    assert noisy.source is not None
    assert noisy.source.path is not None
    np.testing.assert_array_equal(result.pixels[0][PADDING], -2000.0)
    assert result.padding is noisy.padding
    # What is shown is what is saved: whole steps of the file.
    np.testing.assert_array_equal(result.pixels, np.rint(result.pixels))


def test_values_end_where_the_files_end() -> None:
    # 12 bits from -1024 on: the noise of air goes beyond.
    twelve = slice_of(np.maximum(hu(), -1024), stored=Stored("uint16", 12, 1.0, -1024.0), padding=None)
    result = simulated(twelve, DoseWish(0.05, sd=40.0, clean=True))
    assert result.pixels.min() == -1024
    count = int((result.pixels == -1024).sum() - (PADDING & (result.pixels[0] == -1024)).sum())
    assert any("clipped to what the file holds, -1024 to 3071 HU" in note for note in result.notes)
    assert count > 0
    free = simulated(slice_of(hu(), stored=Stored("float32", 32)), DoseWish(0.05, sd=40.0, clean=True))
    assert free.notes == ()
    assert (free.pixels != np.rint(free.pixels)).any()


def test_full_dose_of_a_noisy_slice_is_the_slice(noisy: Picture, ready: DoseSlice) -> None:
    np.testing.assert_array_equal(simulated(noisy, DoseWish(1.0), ready=ready).pixels, noisy.pixels)


def test_seeds(noisy: Picture, ready: DoseSlice) -> None:
    first, again, other = (simulated(noisy, DoseWish(0.5, seed=s), ready=ready).pixels for s in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other)[0][FLAT].mean() > 0.8


def series_of(pictures: list[Picture]) -> Series:
    infos = tuple(SliceInfo(Path(f"{number}.dcm")) for number in range(len(pictures)))

    def open_slice(series: Series, index: int, progress: Progress) -> Picture:
        return replace(pictures[index], place=Place(series, index))

    return Series(infos, (SIZE, SIZE), Kind.CT, open_slice, label="Thorax", key="1.2.3")


def test_every_slice_of_a_series_has_a_seed_of_its_own(noisy: Picture, ready: DoseSlice) -> None:
    series = series_of([noisy, noisy, noisy])
    wish = settled(DoseWish(0.5, seed=3), ready)
    low = simulated_series(series, wish)
    assert len(low) == 3
    assert low.label == "Thorax @ 50 % dose (simulated)"
    assert low.key != series.key
    noises = [low.open(index).pixels[0] - noisy.pixels[0] for index in range(3)]
    inside = [noise[FLAT] for noise in noises]
    assert abs(np.corrcoef(inside)[np.triu_indices(3, 1)]).max() < 0.1
    np.testing.assert_array_equal(low.open(1).pixels, low.open(1).pixels)
    # Alone or with the others: the same.
    alone = simulated(series.open(1), DoseWish(0.5, seed=3), ready=ready)
    np.testing.assert_array_equal(low.open(1).pixels, alone.pixels)
    place = low.open(2).place
    assert place is not None
    assert (place.series, place.index) == (low, 2)


def test_photons_follow_the_tube_current_unless_they_are_told(ready: DoseSlice) -> None:
    assert settled(DoseWish(), ready).photons is None
    assert settled(DoseWish(), ready).kernel == ready.matched
    told = settled(DoseWish(sd=20.0), ready)
    assert told.photons == pytest.approx(ready.plan(DoseWish(sd=20.0)).scanner.photons)


def test_only_ct_can_be_simulated() -> None:
    photo = Picture(np.zeros((3, 16, 16), np.float32), scale=Scale.DISPLAY, name="photo.png")
    assert "photo.png is not a CT slice" in why_not(photo)
    with pytest.raises(StudioError, match="not a CT slice"):
        simulated(photo, DoseWish())


def test_a_slice_without_pixel_size_takes_a_usual_one_and_says_so() -> None:
    result = simulated(slice_of(hu(), spacing=None), DoseWish(0.5))
    assert any("pixel size is not known" in note for note in result.notes)


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        (DoseWish(0.0), "fraction"),
        (DoseWish(sd=0.0), "above 0 HU"),
        (DoseWish(photons=-1.0), "photons"),
        (DoseWish(electronic=1e4), "electronic"),
    ],
)
def test_wishes_that_are_none(ready: DoseSlice, wish: DoseWish, text: str) -> None:
    with pytest.raises(StudioError, match=text):
        ready.plan(wish)


def test_it_can_be_stopped(noisy: Picture) -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        simulated(noisy, DoseWish(), progress)


def test_percent() -> None:
    assert [percent(f) for f in (1.0, 0.25, 0.05, 0.125)] == ["100 %", "25 %", "5 %", "12.5 %"]


def test_a_run_never_takes_a_slice_of_the_source_for_the_simulated_one(
    noisy: Picture, ready: DoseSlice, tmp_path: Path
) -> None:
    series = replace(series_of([noisy]), files=frozenset([Path("0.dcm")]))
    low = simulated_series(series, settled(DoseWish(0.5), ready))
    # A batch skips what the record beside an output says is done; it goes by the source's file.
    assert series.files
    assert not low.files
    plan = SimpleNamespace(force=False, folder=tmp_path, asked="")
    task = Task(Path("0.dcm"), "0.dcm", "IM0001.dcm", place=Place(low, 0))
    assert earlier(task, plan) == ""  # type: ignore[arg-type]
