"""The information-estimation metric in the list of metrics; what is heavy is imported when it is measured."""

from collections.abc import Mapping
from typing import Any

from denoise_studio.metrics.base import Metric, Subject

_OPTIONS = ("prior", "gamma", "tolerance", "most_calls", "seed", "device")
_MOST_PIXELS = 640 * 640
"""What is measured in one piece, within seconds."""


def _measured(subject: Subject, square: bool) -> tuple[float, Mapping[str, Any]]:
    from denoise_studio.metrics.iem.measure import Options, iem

    assert subject.reference is not None
    found = iem(subject.test, subject.reference, Options(square=square, **subject.options))
    extra = found.describe()
    return extra.pop("value"), extra


METRICS = (
    Metric(
        "iem",
        "IEM",
        "Information-estimation metric under a named prior: how much test and reference differ, never which "
        "is better. A pure number; the unit is that of gamma.",
        "",
        True,
        lambda subject: _measured(subject, square=False),
        options=_OPTIONS,
        most_pixels=_MOST_PIXELS,
    ),
    Metric(
        "iem_square",
        "IEM, f = square",
        "The generalised information-estimation metric with f(z) = z^2, which weighs the noise levels by how "
        "much likelier one picture is; no metric in the strict sense.",
        "",
        True,
        lambda subject: _measured(subject, square=True),
        options=_OPTIONS,
        most_pixels=0,
    ),
)
