"""What tells how far two pictures are apart: the metric under each prior that is there, PSNR and SSIM."""

from collections.abc import Callable

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.picture import Picture
from denoise_studio.metrics import iem, measure
from denoise_studio.metrics.iem.priors import PRIORS

CALLS = 16
"""Pictures denoised for one distance: the first number. Its noise is the same for all that are compared."""
Judge = Callable[[Picture, Picture], float]
"""Larger is farther."""


def there(channels: int = 1) -> list[str]:
    """Names of the priors whose files are there."""
    found = []
    for prior in PRIORS.values():
        try:
            prior.load("photographs", channels, "cpu")
        except MeasureError:
            continue
        found.append(prior.name)
    return found


def judges(gammas: tuple[float, ...]) -> dict[str, Judge]:
    """By label; PSNR and SSIM turned round."""
    found: dict[str, Judge] = {}
    for prior in there():
        for gamma in gammas:
            found[f"{prior}, gamma {gamma:g}"] = _under(prior, gamma)
    for name, label in (("psnr", "PSNR"), ("ssim", "SSIM")):
        found[label] = _usual(name)
    return found


def _under(prior: str, gamma: float) -> Judge:
    return lambda test, reference: (
        iem(test, reference, prior=prior, gamma=(0.0, gamma), most_calls=CALLS).value
    )


def _usual(name: str) -> Judge:
    return lambda test, reference: -float(measure(test, reference, [name])[name].value or 0.0)
