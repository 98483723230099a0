"""The measures of medical physics in the list of metrics, for the command line and Python."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.core.region import Ellipse, Region
from denoise_studio.core.types import BoolArray
from denoise_studio.metrics.base import Metric, Subject
from denoise_studio.metrics.physics.contrast import NoiseOf, contrast_to_noise
from denoise_studio.metrics.physics.edge_fit import EdgeShape
from denoise_studio.metrics.physics.flat import flat_parts
from denoise_studio.metrics.physics.noise_power import NoisePower, noise_power, texture_shift
from denoise_studio.metrics.physics.pitch import Doubles, Pitch, grey, power_unit
from denoise_studio.metrics.physics.region_statistics import (
    PERCENTILES,
    RegionStatistics,
    is_biased,
    mean_change,
    region_statistics,
)
from denoise_studio.metrics.physics.squares import Squares, place_squares
from denoise_studio.metrics.physics.transfer import transfer

REGIONS, NOISE_OF, LIMIT = "regions", "noise_of", "limit"
CURVE = "curve"
"""Under this name `Measurement.extra` holds a curve: {"heads": [...], "columns": [[...], ...]}."""

Answer = tuple[float | None, Mapping[str, Any]]


def hard_mask(picture: Picture, region: Region | None) -> tuple[Rect, BoolArray]:
    """The rectangle around a region, and where its shape (not its feather) is and no padding."""
    whole = picture.rect
    rect = whole if region is None else region.replace(feather=0.0).bounds().intersect(whole)
    if not rect:
        raise MeasureError("The region lies beside the picture.")
    if region is None:
        counted: BoolArray = np.ones((rect.height, rect.width), np.bool_)
    else:
        counted = region.replace(feather=0.0).mask(rect) > 0.5
    if picture.padding is not None:
        counted &= np.logical_not(picture.padding[rect.slices])
    if not counted.any():
        raise MeasureError("The region holds no pixel of the picture.")
    return rect, counted


def default_limit(picture: Picture) -> float:
    """How far a mean may move: 1 HU in CT, elsewhere a thousandth of the scale."""
    return picture.span / 1000.0


def _regions(subject: Subject) -> tuple[Region, ...]:
    return tuple(subject.options.get(REGIONS, ()))


def _only(subject: Subject) -> Region | None:
    found = _regions(subject)
    if len(found) > 1:
        raise MeasureError(f"One region is needed here, not {len(found)}.")
    return found[0] if found else None


def _statistics(picture: Picture, region: Region | None) -> RegionStatistics:
    rect, counted = hard_mask(picture, region)
    return region_statistics(picture.pixels[(slice(None), *rect.slices)], counted, Pitch.of(picture))


def _region(subject: Subject) -> Answer:
    found = _statistics(subject.test, _only(subject))
    unit = f" {subject.test.unit}" if subject.test.unit else ""
    pitch = Pitch.of(subject.test)
    return found.mean, {
        "sd": found.sd,
        "minimum": found.minimum,
        "maximum": found.maximum,
        "percentiles": {str(rank): value for rank, value in zip(PERCENTILES, found.percentiles, strict=True)},
        "pixels": found.pixels,
        "area": found.area,
        "area_unit": f"{pitch.unit}^2",
        "also": f"mean; sd {found.sd:.6g}{unit}, {found.minimum:g} to {found.maximum:g}{unit}, "
        f"{found.pixels} px, {found.area:.6g} {pitch.unit}²",
    }


def _contrast(subject: Subject) -> Answer:
    regions = _regions(subject)
    if len(regions) != 2:
        raise MeasureError(
            f"Contrast to noise needs two regions, the second one the background; {len(regions)} are given."
        )
    noise_of = NoiseOf(subject.options.get(NOISE_OF, NoiseOf.POOLED))
    first, second = (_statistics(subject.test, region) for region in regions)
    found = contrast_to_noise(first, second, noise_of)
    unit = f" {subject.test.unit}" if subject.test.unit else ""
    return found.ratio, {
        "contrast": found.contrast,
        "noise": found.noise,
        "noise_of": str(noise_of),
        "also": f"contrast {found.contrast:.6g}{unit} over {noise_of} sd {found.noise:.6g}{unit}",
    }


def _squares(picture: Picture, region: Region | None) -> tuple[Rect, Squares]:
    """In a region; where there is none in what is flat."""
    rect, counted = hard_mask(picture, region)
    if region is not None:
        return rect, place_squares(counted)
    return rect, flat_parts(grey(picture.pixels), counted, picture.scale is Scale.HU)


def _values(picture: Picture, rect: Rect) -> Doubles:
    if picture.mosaic is not None:
        raise MeasureError("Camera raw holds one colour a pixel: develop it to measure it.")
    return grey(picture.pixels[(slice(None), *rect.slices)])


def _power(picture: Picture, rect: Rect, squares: Squares) -> NoisePower:
    return noise_power(_values(picture, rect), squares, Pitch.of(picture))


def _noise_power(subject: Subject) -> Answer:
    picture = subject.test
    found = _power(picture, *_squares(picture, _only(subject)))
    per, power = found.pitch.frequency_unit, power_unit(picture.unit, found.pitch)
    unit = f" {picture.unit}" if picture.unit else ""
    squares = f"{found.squares} squares of {found.side} px"
    return found.mean_frequency, {
        "unit": per,
        "peak_frequency": found.peak_frequency,
        "sd": found.sd,
        "side": found.side,
        "squares": found.squares,
        **({"warning": found.note} if found.note else {}),
        "also": f"mean {per}; peak {found.peak_frequency:.4g}, sd {found.sd:.5g}{unit}, {squares}",
        CURVE: {
            "heads": [f"frequency ({per})", f"noise power ({power})"],
            "columns": [found.frequencies.tolist(), found.radial.tolist()],
        },
    }


def _texture(subject: Subject) -> Answer:
    before = subject.reference
    assert before is not None
    where = _squares(before, _only(subject))
    powers = [_power(picture, *where) for picture in (before, subject.test)]
    shift = texture_shift(*powers)
    per = powers[0].pitch.frequency_unit
    means = [power.mean_frequency for power in powers]
    if shift is None:
        return None, {"why": "There is no noise in one of the two pictures."}
    return shift, {
        "compares": "test against reference, the picture before",
        "mean_before": means[0],
        "mean_after": means[1],
        "sd_before": powers[0].sd,
        "sd_after": powers[1].sd,
        "frequency_unit": per,
        "also": f"mean frequency {means[0]:.4g} before, {means[1]:.4g} after, {per}",
    }


def _transfer(subject: Subject) -> Answer:
    picture, region = subject.test, _only(subject)
    rect, counted = hard_mask(picture, region)
    disc = region is not None and isinstance(region.shape, Ellipse)
    shape = EdgeShape.DISC if disc else EdgeShape.LINE
    found = transfer(_values(picture, rect), counted, Pitch.of(picture), shape)
    per = found.pitch.frequency_unit
    tenth = "none" if found.f10 is None else f"{found.f10:.4g}"
    unit = f" {picture.unit}" if picture.unit else ""
    return found.f50, {
        "unit": per,
        "shape": str(shape),
        "f10": found.f10,
        "contrast": abs(found.contrast),
        "noise": found.noise,
        **({"warning": " ".join(found.notes)} if found.notes else {}),
        **({"why": "Half the contrast is left at every frequency."} if found.f50 is None else {}),
        "also": f"f50 {per}; f10 {tenth}, contrast {abs(found.contrast):.5g}{unit}",
        CURVE: {
            "heads": [f"frequency ({per})", "transfer"],
            "columns": [found.frequencies.tolist(), found.transfer.tolist()],
        },
    }


def _mean_shift(subject: Subject) -> Answer:
    before = subject.reference
    assert before is not None
    limit = float(subject.options.get(LIMIT, default_limit(before)))
    regions = _regions(subject)
    moved = []
    if regions:
        for region in regions:
            rect, counted = hard_mask(before, region)
            moved.append(_change(before, subject.test, rect, counted, 8))
    else:
        rect, squares = _squares(before, None)
        for y, x in squares.corners:
            square = Rect(rect.x + int(x), rect.y + int(y), squares.side, squares.side)
            moved.append(
                _change(before, subject.test, square, np.ones((squares.side, squares.side), bool), 4)
            )
    worst = max(moved, key=lambda pair: abs(pair[0]))
    flagged = [pair for pair in moved if is_biased(*pair, limit)]
    unit = f" {before.unit}" if before.unit else ""
    found = {
        "compares": "test against reference, the picture before",
        "standard_error": worst[1] if np.isfinite(worst[1]) else None,
        "limit": limit,
        "areas": len(moved),
        "flagged": len(flagged),
        "also": f"largest of {len(moved)}, {len(flagged)} beyond {limit:g}{unit}",
    }
    if flagged:
        found["warning"] = (
            f"The mean of {len(flagged)} of {len(moved)} areas moved by more than {limit:g}{unit}."
        )
    return worst[0], found


def _change(
    before: Picture, after: Picture, rect: Rect, counted: BoolArray, block: int
) -> tuple[float, float]:
    where = (slice(None), *rect.slices)
    return mean_change(before.pixels[where], after.pixels[where], counted, block)


METRICS = (
    Metric(
        "region",
        "Region",
        "Mean of a region, with sd, ends, percentiles and area.",
        "value",
        False,
        _region,
        (REGIONS,),
        0,
    ),
    Metric(
        "cnr",
        "Contrast to noise",
        "How far two regions stand apart, in sds of the noise.",
        "",
        False,
        _contrast,
        (REGIONS, NOISE_OF),
        0,
    ),
    Metric(
        "nps",
        "Noise power",
        "Mean frequency of the noise power spectrum, with its peak, its integral's root and its curve.",
        "",
        False,
        _noise_power,
        (REGIONS,),
        0,
    ),
    Metric(
        "ttf",
        "Sharpness",
        "Frequency at which half the contrast of the edge in a region is left (task transfer function).",
        "",
        False,
        _transfer,
        (REGIONS,),
        0,
    ),
    Metric(
        "texture",
        "Texture shift",
        "By how many percent the noise's mean frequency moved against the picture before; below 0: coarser.",
        "%",
        True,
        _texture,
        (REGIONS,),
        0,
    ),
    Metric(
        "mean_shift",
        "Mean shift",
        "By how much the mean of a region, or of flat soft tissue, moved most against the picture before.",
        "value",
        True,
        _mean_shift,
        (REGIONS, LIMIT),
        0,
    ),
)
