"""What a metric is, what it gets to see, and what it answers."""

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.core.types import BoolArray
from denoise_studio.metrics.statistics import Moments, moments

HU_RANGE = (-1024.0, 3071.0)
"""Data range of CT: what 12 bits hold. A file's 16 bits would add 24 dB that mean nothing."""


@dataclass(frozen=True)
class Measurement:
    """One number and what it means.

    Args:
        value: the number; `math.inf` if it has no bound, None if it cannot be given (`extra`
            then says why under "why").
        unit: "dB", the picture's unit, or "" for a pure number.
        compares: what it compares, for example "test against reference".
        description: one sentence for a tooltip.
        extra: what else belongs to it, in JSON types; "error" is half the width of its 95 % interval,
            "unit" a unit that it has in place of its own.
    """

    value: float | None
    unit: str
    compares: str
    description: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """Plain JSON types. JSON has no infinity: `"value": null, "infinite": true` instead."""
        infinite = self.value is not None and math.isinf(self.value)
        return {
            "value": None if infinite else self.value,
            **({"infinite": True} if infinite else {}),
            "unit": self.unit,
            "compares": self.compares,
            "description": self.description,
            **self.extra,
        }


@dataclass(frozen=True, eq=False)
class Subject:
    """What is measured: a picture, and maybe another one to compare it with.

    Args:
        test: the picture in question.
        reference: what it is compared with.
        value_range: the data range that was asked for.
        options: for the metrics that have some, by name (`Metric.options`).
    """

    test: Picture
    reference: Picture | None = None
    value_range: tuple[float, float] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @functools.cached_property
    def valid(self) -> BoolArray | None:
        """`(H, W)`, False where either picture has padding; None if neither has any."""
        masks = [p.padding for p in (self.test, self.reference) if p is not None and p.padding is not None]
        if not masks:
            return None
        valid: BoolArray = ~np.logical_or.reduce(masks)
        if not valid.any():
            raise MeasureError("The two pictures have no pixel in common that is not padding.")
        return valid

    @functools.cached_property
    def moments(self) -> Moments:
        """Of the test picture alone."""
        return moments(self.test.pixels, valid=self.valid)

    @functools.cached_property
    def difference(self) -> Moments:
        """Of test - reference."""
        assert self.reference is not None
        return moments(self.test.pixels, self.reference.pixels, self.valid)

    @property
    def _range(self) -> tuple[tuple[float, float], str]:
        assert self.reference is not None
        if self.value_range is not None:
            return self.value_range, "given"
        if self.reference.scale is Scale.HU:
            return HU_RANGE, "usual 12-bit range of CT"
        return self.reference.nominal_range, "nominal range of the reference"

    @property
    def data_range(self) -> tuple[float, float]:
        """Low and high end of the values that PSNR and SSIM refer to."""
        (low, high), _ = self._range
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise MeasureError(f"The value range must rise from low to high, not {low:g} to {high:g}.")
        return float(low), float(high)

    @property
    def range_extra(self) -> dict[str, Any]:
        """Which range was used, for the record of a measurement."""
        return {"range": list(self.data_range), "range_from": self._range[1]}


@dataclass(frozen=True)
class Metric:
    """A metric's descriptor and its function.

    Args:
        name: key on the command line and in JSON.
        label: what a person reads.
        description: one sentence on what it tells.
        unit: "dB", "", or "value" for the picture's own unit.
        needs_reference: whether it compares two pictures.
        compute: gives the number and what else belongs to it.
        options: what it takes from `Subject.options`.
        most_pixels: in larger pictures it is measured only where it is named; None for any size.
        compares: for metrics of one picture "test alone".
    """

    name: str
    label: str
    description: str
    unit: str
    needs_reference: bool
    compute: Callable[[Subject], tuple[float | None, Mapping[str, Any]]]
    options: tuple[str, ...] = ()
    most_pixels: int | None = None

    def is_usual(self, test: Picture, compared: bool) -> bool:
        """Whether it is measured when nobody says what."""
        small = self.most_pixels is None or test.rect.area <= self.most_pixels
        return small and self.needs_reference == compared

    @property
    def compares(self) -> str:
        return "test against reference" if self.needs_reference else "test alone"

    def measure(self, subject: Subject) -> Measurement:
        """The measurement.

        Raises:
            MeasureError: it does not apply to these pictures.
        """
        own = {name: value for name, value in subject.options.items() if name in self.options}
        value, extra = self.compute(replace(subject, options=own))
        unit = subject.test.unit if self.unit == "value" else self.unit
        return Measurement(value, unit, self.compares, self.description, extra)


def check_comparable(test: Picture, reference: Picture) -> None:
    """Raise `MeasureError` unless a difference of the two pictures' values means something."""
    if test.pixels.shape != reference.pixels.shape:
        raise MeasureError(
            f"The pictures differ in size: {_size(test)} against {_size(reference)} (reference)."
        )
    if test.scale is not reference.scale or test.unit != reference.unit:
        raise MeasureError(
            f"The pictures differ in what a value means: {_values(test)} against {_values(reference)} "
            "(reference)."
        )
    photo = test.scale in (Scale.DISPLAY, Scale.LINEAR)
    if photo and test.nominal_range != reference.nominal_range:
        a, b = ("{:g} to {:g}".format(*p.nominal_range) for p in (test, reference))
        raise MeasureError(
            f"The pictures' values run from {a} and from {b} (reference); save them alike first."
        )


def _size(picture: Picture) -> str:
    channels = "grey" if picture.channels == 1 else "colour"
    return f"{picture.width} x {picture.height} {channels}"


def _values(picture: Picture) -> str:
    names = {
        Scale.HU: "Hounsfield units",
        Scale.SIGNAL: "a scanner's signal",
        Scale.LINEAR: "linear values",
        Scale.DISPLAY: "display values",
        Scale.UNITLESS: "values without a unit",
    }
    return names[picture.scale]
