"""The studio's default leaves Hounsfield units alone: flat soft tissue at simulated doses."""

from pathlib import Path

import numpy as np
import pytest

from denoise_studio.core.picture import Picture
from denoise_studio.engine.bias_guard import bias_guard
from denoise_studio.engine.dose_plan import DoseSlice, DoseWish
from denoise_studio.engine.render import render
from denoise_studio.engine.resolve import default_recipe
from denoise_studio.engine.simulating_ct import simulated
from denoise_studio.formats import open_picture
from denoise_studio.noise.ct.kernels import kernel_named
from denoise_studio.noise.phantom import FLAT

FULL_SD = 8.0
"""HU in soft tissue at full dose: a standard abdomen."""
TISSUE = [disc for disc in FLAT if disc.hu > -200]
LIMIT = 1.0


@pytest.fixture(scope="module")
def ready(samples: Path) -> DoseSlice:
    return DoseSlice(open_picture(samples / "ct-phantom-clean.dcm"))


def means(values: np.ndarray) -> np.ndarray:
    return np.array([values[disc.mask(values.shape[0])].mean() for disc in TISSUE])


@pytest.mark.parametrize("dose", [0.25, 0.1])
def test_no_flat_soft_tissue_moves_by_more_than_1_hu(ready: DoseSlice, dose: float) -> None:
    """What noise itself moves is left out: it comes once as drawn and once with the other sign."""
    truth = ready.picture.pixels[0]
    low = simulated(ready.picture, DoseWish(dose, kernel_named("standard"), sd=FULL_SD, seed=3), ready=ready)
    noise = low.pixels[0] - truth
    moved, off_before, off_after = [], [], []
    for sign in (1, -1):
        noisy: Picture = ready.picture.derive((truth + sign * noise)[None])
        result = render(noisy, default_recipe(noisy))
        off_before.append(means(noisy.pixels[0] - truth))
        off_after.append(means(result.pixels[0] - truth))
        moved.append(off_after[-1] - off_before[-1])
        guard = bias_guard(noisy, result)
        assert len(guard.moved) >= 5
        assert not guard.flagged, guard.sentence()
    names = [disc.name for disc in TISSUE]
    bias = dict(zip(names, np.mean(moved, axis=0), strict=True))
    assert all(abs(value) < LIMIT for value in bias.values()), bias
    # In any one slice a mean moves towards the truth.
    assert np.square(off_after).sum() < np.square(off_before).sum()


def test_the_doses_are_as_noisy_as_they_should_be(ready: DoseSlice) -> None:
    assert ready.is_clean
    plan = ready.plan(DoseWish(0.1, kernel_named("standard"), sd=FULL_SD, electronic=0.0))
    assert plan.full_sd == pytest.approx(FULL_SD, rel=1e-3)
    assert plan.sd == pytest.approx(FULL_SD * 10**0.5, rel=1e-3)
