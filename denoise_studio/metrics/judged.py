"""The estimated error in the list of metrics: of a result whose making is known.

The method itself has to run again, which is the engine's business: it comes as a callable.
"""

from collections.abc import Callable, Mapping
from typing import Any

from denoise_studio.core.errors import MeasureError
from denoise_studio.metrics.base import Metric, Subject
from denoise_studio.metrics.residual import Residual
from denoise_studio.metrics.risk import Risk

Judge = Callable[[], tuple[Risk, Residual]]
"""Runs the method that made the picture again and tells what is estimated."""
JUDGE = "judge"

_COMPARES = "test against the clean picture that nobody has, estimated"


def _judged(subject: Subject) -> tuple[Risk, Residual]:
    judge: Judge | None = subject.options.get(JUDGE)
    if judge is None:
        raise MeasureError("This needs to know how the picture was made: a saved result with its record.")
    return judge()


def _sure(subject: Subject) -> tuple[float, Mapping[str, Any]]:
    risk = _judged(subject)[0]
    found = {name: value for name, value in risk.describe().items() if name != "psnr"}
    return risk.psnr, {"compares": _COMPARES, **found}


def _residual(subject: Subject) -> tuple[float, Mapping[str, Any]]:
    found = _judged(subject)[1].describe()
    return found.pop("sd"), {"compares": "input less test", **found}


METRICS = (
    Metric(
        "sure",
        "Estimated PSNR",
        "PSNR against the clean picture, estimated from the noise (Stein's unbiased risk), with its 95 % "
        "interval, the mean squared error, and the degrees of freedom kept.",
        "dB",
        False,
        _sure,
        options=(JUDGE,),
        most_pixels=0,
    ),
    Metric(
        "residual",
        "Taken away",
        "Standard deviation of what was taken away, beside the noise's, its autocorrelation, and whether it "
        "holds structure.",
        "value",
        False,
        _residual,
        options=(JUDGE,),
        most_pixels=0,
    ),
)
