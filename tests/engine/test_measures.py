"""Measures of a finished result: what is cut out, before and after, and what is written of it."""

import csv
import io

import numpy as np
import pytest
from builders import bilateral, padded, region
from scipy.special import ndtr
from test_readings import finished

from denoise_studio.core.errors import Cancelled, MeasureError
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.core.region import Box, Ellipse, Polygon
from denoise_studio.engine.areas import Area
from denoise_studio.engine.measures import (
    Line,
    noise_beside,
    profile_beside,
    region_beside,
    transfer_beside,
)
from denoise_studio.engine.render import render
from denoise_studio.engine.tables import Table, head
from denoise_studio.metrics.physics.edge_fit import EdgeShape

SPACING = (0.8, 0.6)


def scan(height=200, width=220, sd=20.0, seed=0):
    """Soft tissue with noise, lung at the left, padding at the top."""
    rng = np.random.default_rng(seed)
    pixels = (60 + rng.normal(0, sd, (1, height, width))).astype(np.float32)
    pixels[:, :, :60] -= 850
    padding = np.zeros((height, width), bool)
    padding[:12] = True
    pixels[:, padding] = -2000
    return Picture(pixels, scale=Scale.HU, unit="HU", spacing=SPACING, padding=padding)


def around(shown, shape, recipe, feather=0.0):
    recipe = recipe.replace(regions=(region(shape, feather).replace(name="Liver"),))
    result = finished(shown, recipe)
    return result, Area.of(shown, recipe.regions[0], 0)


def test_a_region_before_and_after_is_numpy_s_and_its_feather_is_no_part_of_it():
    shown = scan()
    result, area = around(shown, Ellipse(140, 60, 50, 40), bilateral(sigma_r=60), feather=10)
    found = region_beside(result, area)
    after = render(shown, result.recipe).pixels[0].astype(np.float64)
    y, x = np.mgrid[0:200, 0:220] + 0.5
    held = (((x - 140) / 50) ** 2 + ((y - 60) / 40) ** 2 <= 1) & (y > 12)
    for name, pixels in (("before", shown.pixels[0].astype(np.float64)), ("after", after)):
        statistics = getattr(found, name)
        assert statistics.pixels == held.sum()
        assert statistics.area == pytest.approx(held.sum() * 0.48)
        assert statistics.mean == pytest.approx(pixels[held].mean())
        assert statistics.sd == pytest.approx(pixels[held].std())
        assert statistics.percentiles[2] == pytest.approx(np.median(pixels[held]))
    assert found.moved == pytest.approx(found.after.mean - found.before.mean)
    assert 0 < found.error < 2


def test_noise_is_measured_in_the_region_s_squares_at_both_sides():
    shown = scan()
    result, area = around(shown, Box(64, 12, 216, 196), bilateral(sigma_x=2, sigma_y=2, sigma_r=2000))
    found = noise_beside(result, area)
    assert found.before.sd == pytest.approx(20, rel=0.05)
    assert found.before.pitch.unit == "mm"
    assert found.after.sd < 5
    assert found.shift < -50  # a wide average leaves coarse noise
    assert found.where.startswith("Liver, ")
    for rect in found.rects:
        assert area.rect.contains(rect)
        assert rect.width == found.before.side
    assert found.before.side == found.after.side


def test_without_a_region_noise_is_measured_in_flat_soft_tissue():
    shown = scan()
    result = finished(shown, bilateral(sigma_r=2000))
    found = noise_beside(result, Area.of(shown))
    assert "flat squares" in found.where
    for rect in found.rects:
        assert rect.x >= 58
        assert rect.y >= 12
    assert found.before.sd == pytest.approx(20, rel=0.1)
    bone = shown.derive(shown.pixels + np.float32(3000))
    with pytest.raises(MeasureError, match="No flat soft tissue"):
        noise_beside(finished(bone, bilateral(sigma_r=2000)), Area.of(bone))


def test_sharpness_of_an_edge_in_a_box_and_of_a_disc_in_an_ellipse():
    y, x = np.mgrid[0:120, 0:120] + 0.5
    edge = ndtr(((x - 60) * np.cos(0.2) + (y - 60) * np.sin(0.2)) / 1.2)
    disc = ndtr((25 - np.hypot(x - 61, y - 58)) / 1.2)
    f50 = np.sqrt(np.log(2) / 2) / (np.pi * 1.2)
    for step, shape, what in ((edge, Box(30, 30, 90, 90), "edge"), (disc, Ellipse(60, 60, 40, 40), "disc")):
        shown = Picture((100 * step[None]).astype(np.float32), unit="HU", scale=Scale.HU)
        soft = bilateral(sigma_x=1.5, sigma_y=1.5, sigma_r=2000)
        result, area = around(shown, shape, soft)
        found = transfer_beside(result, area)
        assert found.where == f"{what} in Liver"
        assert found.before.f50 == pytest.approx(f50, rel=0.02)
        # The filter is a normal distribution cut off at its radius: widths add in squares, or a little less.
        wider = np.sqrt(np.log(2) / 2) / (np.pi * np.hypot(1.2, 1.5))
        assert wider * 0.98 < found.after.f50 < wider * 1.1
        assert found.before.place is found.after.place
        if what == "edge":
            assert transfer_beside(result, area, EdgeShape.LINE).before.f50 == found.before.f50
    with pytest.raises(MeasureError, match="Draw a box"):
        transfer_beside(result, Area.of(shown))
    free = around(shown, Polygon(((30, 20), (90, 20), (90, 50), (30, 50))), soft)
    assert transfer_beside(*free, EdgeShape.LINE).where == "edge in Liver"


def test_a_profile_reads_both_pictures_and_a_reference_along_one_line():
    shown = scan()
    recipe = bilateral(sigma_r=60)
    result, whole = finished(shown, recipe), render(shown, recipe)
    line = Line(70.5, 100.5, 170.5, 100.5)
    found = profile_beside(result, line, whole)
    assert found.before.distances[-1] == pytest.approx(100 * 0.6)
    assert found.before.values[::2] == pytest.approx(shown.pixels[0, 100, 70:171])
    assert found.after.values[::2] == pytest.approx(whole.pixels[0, 100, 70:171])
    assert np.array_equal(found.reference.values, found.after.values)
    up = profile_beside(result, Line(100, 2, 100, 40))
    assert np.isnan(up.before.values[0])
    assert np.isfinite(up.before.values[-1])
    wide = profile_beside(result, Line(80, 50, 90, 190, width=30))
    assert np.nanstd(wide.before.values) < 8
    with pytest.raises(MeasureError, match="beside the picture"):
        profile_beside(result, Line(-50, -50, -30, -20))


def test_nothing_is_measured_on_a_result_that_is_another_s_or_in_an_empty_area():
    shown = padded(60, 80)
    result = finished(shown, bilateral())
    blank = Area.of(shown, region(Box(0, 0, 3, 60)))
    with pytest.raises(MeasureError, match="no pixel"):
        region_beside(result, blank)
    result.layer.put(shown.rect, shown.pixels, bilateral(sigma_r=0.4), complete=True)
    with pytest.raises(Cancelled):
        region_beside(result, Area.of(shown))


def test_tables_are_written_with_units_and_never_as_formulas():
    table = Table(
        (head("region", ""), head("mean before", "HU")), (("=cmd()", 1.5), ("a,b", None), ("c", np.nan))
    )
    assert head("area", "mm²") == "area (mm²)"
    rows = list(csv.reader(io.StringIO(table.csv())))
    assert rows == [["region", "mean before (HU)"], ["'=cmd()", "1.5"], ["a,b", ""], ["c", ""]]
    assert table.tsv().splitlines()[1] == "'=cmd()\t1.5"
