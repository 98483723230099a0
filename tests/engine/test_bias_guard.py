"""The guard of means: what it flags, and what it lets pass."""

import numpy as np
import pytest
from builders import region
from raw_builders import mosaic
from test_measures import scan

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.core.region import Box
from denoise_studio.engine.bias_guard import bias_guard, default_limit
from denoise_studio.engine.measures import flat_rects


def boxes():
    left, right = region(Box(70, 20, 130, 90)), region(Box(140, 100, 200, 180))
    return left.replace(name="Liver"), right.replace(name="Spleen")


def test_a_region_whose_mean_moved_is_flagged_and_the_others_are_not():
    before = scan()
    pixels = before.pixels.copy()
    pixels[:, 100:180, 140:200] += 1.8
    guard = bias_guard(before, before.derive(pixels), boxes())
    assert guard.drawn
    assert guard.limit == 1.0
    assert [moved.area.name for moved in guard.flagged] == ["Spleen"]
    assert guard.worst.amount == pytest.approx(1.8, abs=1e-4)
    assert guard.sentence() == "The mean of Spleen moved by +1.80 HU (limit 1 HU)."
    assert not bias_guard(before, before.derive(pixels), boxes(), limit=2.0).flagged


def test_what_noise_explains_is_no_bias():
    """Much correlated noise taken from a small region moves its mean by chance."""
    before = scan(sd=40, seed=3)
    rng = np.random.default_rng(0)
    taken = np.kron(rng.normal(0, 12, (50, 55)), np.ones((4, 4)))[None].astype(np.float32)
    small = [region(Box(70 + 20 * k, 100, 86 + 20 * k, 116)).replace(name=f"R{k}") for k in range(7)]
    guard = bias_guard(before, before.pixels - taken, small)
    assert max(abs(moved.amount) for moved in guard.moved) > 1.0
    assert len(guard.flagged) <= 1
    for moved in guard.moved:
        assert moved.error == pytest.approx(3.0, rel=0.7)  # 16 blocks of sd 12


def test_without_regions_flat_soft_tissue_is_found():
    before = scan()
    assert all(rect.x >= 58 and rect.y >= 12 for rect in flat_rects(before))
    assert flat_rects(before) is flat_rects(before)  # found once
    fine = bias_guard(before, before)
    assert not fine.drawn
    assert len(fine.moved) >= 6
    assert fine.sentence().startswith("No mean moved by more than 1 HU")
    off = bias_guard(before, before.pixels + np.float32(3.0), [boxes()[0].replace(enabled=False)])
    assert not off.drawn
    assert len(off.flagged) == len(off.moved)
    assert "a flat square moved by +3.00 HU" in off.sentence()
    # A shift of the lung alone is none of the soft tissue's.
    lung = before.pixels.copy()
    lung[:, :, :50] += 50
    assert not bias_guard(before, lung).flagged


def test_limits_go_with_the_scale_and_what_cannot_be_compared_is_said():
    photo = Picture(
        np.zeros((1, 40, 40), np.float32), scale=Scale.DISPLAY, nominal_range=(0.0, 255.0), unit="DN"
    )
    assert default_limit(scan()) == 1.0
    assert default_limit(photo) == pytest.approx(0.255)
    with pytest.raises(MeasureError, match="differ"):
        bias_guard(scan(), photo)
    waves = np.random.default_rng(0).choice([-900.0, 900.0], (1, 64, 64)).astype(np.float32)
    with pytest.raises(MeasureError, match="No flat soft tissue"):
        bias_guard(Picture(waves + 5000, scale=Scale.HU), waves)
    raw = Picture(np.zeros((1, 40, 40), np.float32), mosaic=mosaic())
    with pytest.raises(MeasureError, match="Camera raw"):
        bias_guard(raw, raw)
