"""The list of metrics, and measuring by name."""

from collections.abc import Mapping, Sequence
from typing import Any

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.picture import Picture
from denoise_studio.metrics.base import Measurement, Metric, Subject, check_comparable
from denoise_studio.metrics.fidelity import METRICS as FIDELITY
from denoise_studio.metrics.iem.metrics import METRICS as IEM
from denoise_studio.metrics.judged import METRICS as JUDGED
from denoise_studio.metrics.physics.metrics import METRICS as PHYSICS

_REGISTRY: dict[str, Metric] = {}


def register(metric: Metric) -> None:
    """Add a metric to the list.

    Raises:
        ValueError: its name is taken.
    """
    if metric.name in _REGISTRY:
        raise ValueError(f"the metric {metric.name!r} is taken")
    _REGISTRY[metric.name] = metric


def unregister(name: str) -> None:
    """Take a metric off the list again."""
    _REGISTRY.pop(name, None)


def all_metrics() -> tuple[Metric, ...]:
    """Every metric, in the order of the list."""
    return tuple(_REGISTRY.values())


def get_metric(name: str) -> Metric:
    """The metric of that name.

    Raises:
        MeasureError: there is none.
    """
    if name not in _REGISTRY:
        raise MeasureError(f"There is no metric {name!r} (there are: {', '.join(_REGISTRY)}).")
    return _REGISTRY[name]


def measure(
    test: Picture,
    reference: Picture | None = None,
    metrics: Sequence[str] | None = None,
    value_range: tuple[float, float] | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Measurement]:
    """Measure a picture, or its distance from another.

    Args:
        test: the picture in question.
        reference: what to compare it with.
        metrics: names; None takes all that compare two pictures if there is a reference, and
            all of one picture if there is none, but what takes long for a picture of this size.
        value_range: low and high end of the values for PSNR and SSIM; None takes the
            reference's nominal range, for HU -1024 to 3071.
        options: of the metrics that have some (`Metric.options`): `{"prior": "gaussian"}`.

    Returns:
        A measurement for every name, in that order. Where `metrics` is None, one that does not
        fit these pictures has no value and says why; one that was named raises.

    Raises:
        MeasureError: an unknown name, no reference where one is needed, an option that no metric
            takes, or two pictures that cannot be compared.
    """
    if metrics is None:
        chosen = [metric for metric in all_metrics() if metric.is_usual(test, reference is not None)]
    else:
        chosen = [get_metric(name) for name in metrics]
    lone = [metric.name for metric in chosen if metric.needs_reference and reference is None]
    if lone:
        raise MeasureError(f"{', '.join(lone)} needs a reference picture to compare with.")
    options = options or {}
    _check_taken(options, chosen)
    if reference is not None:
        check_comparable(test, reference)
    alone = Subject(test, options=options)
    both = Subject(test, reference, value_range, options)
    if reference is not None and value_range is not None:
        _ = both.data_range  # a range that makes no sense fails at once, whatever was asked for
    result = {}
    for metric in chosen:
        subject = both if metric.needs_reference else alone
        try:
            result[metric.name] = metric.measure(subject)
        except MeasureError as error:
            if metrics is not None:
                raise
            result[metric.name] = _without(metric, subject, error)
    return result


def _check_taken(options: Mapping[str, Any], chosen: Sequence[Metric]) -> None:
    for name in options:
        if not any(name in metric.options for metric in chosen):
            able = [metric.name for metric in all_metrics() if name in metric.options]
            known = f"is for {', '.join(able)}: name one" if able else "is known to no metric"
            raise MeasureError(f"None of the metrics measured takes {name!r}, which {known}.")


def _without(metric: Metric, subject: Subject, error: MeasureError) -> Measurement:
    unit = subject.test.unit if metric.unit == "value" else metric.unit
    return Measurement(None, unit, metric.compares, metric.description, {"why": str(error)})


for _metric in (*FIDELITY, *IEM, *JUDGED, *PHYSICS):
    register(_metric)
