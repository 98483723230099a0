"""The priors that a distance can be measured under, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from denoise_studio.core.errors import MeasureError, StudioError
from denoise_studio.core.resources import resource


@dataclass(frozen=True)
class Prior:
    """What is believed about pictures before one is seen.

    Args:
        name: key on the command line and in JSON.
        label: what a person reads.
        description: one sentence for a tooltip.
        load: the prior for (class, channels, device).
        exact: whether it has a closed form (`gaussian.GaussianPrior.map`), so that nothing is drawn.
        draws: whether it draws something for the whole picture itself, anew for every path.
        margin: pixels around a picture, mirrored, that the prior needs.
        multiple: sides must be multiples of this.
        highest: noise level in its own unit below whose gamma the tail is taken as linear.
        piece: larger pictures are measured in pieces of this many pixels a side.
    """

    name: str
    label: str
    description: str
    load: Callable[[str, int, str], Any]
    exact: bool = False
    draws: bool = False
    margin: int = 0
    multiple: int = 1
    highest: float = 30.0
    piece: int = 512


WEIGHTS: dict[tuple[str, int], tuple[str, str | None]] = {
    ("photographs", 1): ("prior-grey", "dccb50272b47ba949ce7a010267de1342ebeb8e21624a22f184622575aa366c5"),
    ("photographs", 3): ("prior-colour", "2d08625914262430d2d475fae3b3bf9c326062ea1f525a25c36e53b0132080d9"),
    ("ct", 1): ("prior-ct", "b7533576e84d81bda4db47260759e46df26aade525e618629e1cdfd259a0ed22"),
}
"""Files in `resources/weights` and their SHA-256."""


def _gaussian(kind: str, channels: int, device: str) -> Any:
    from denoise_studio.metrics.iem.gaussian import load

    return load(kind, channels)


def _patches(kind: str, channels: int, device: str) -> Any:
    from denoise_studio.metrics.iem.patches import load

    return load(kind, channels)


def _network(kind: str, channels: int, device: str) -> Any:
    name, sha256 = WEIGHTS[kind, channels]
    path = resource("weights", f"{name}.safetensors")
    if not path.exists():
        raise MeasureError(
            f"The weights of the prior 'network' for {class_name(kind, channels)} are not there "
            f"(resources/weights/{path.name}); another prior can be chosen: patch-gmm or gaussian."
        )
    from denoise_studio.metrics.iem.network import load

    try:
        return load(path, sha256, device)
    except StudioError as error:
        raise MeasureError(str(error)) from None


def class_name(kind: str, channels: int) -> str:
    """A class of pictures in words."""
    return f"{'CT' if kind == 'ct' else kind}, {'grey' if channels == 1 else 'colour'}"


PRIORS = {
    prior.name: prior
    for prior in (
        Prior(
            "network",
            "Network",
            "Our own network's idea of what photographs or CT slices look like, learned from examples.",
            _network,
            multiple=32,
        ),
        Prior(
            "patch-gmm",
            "Patch mixture",
            "Patches of 8 x 8 pixels, each from one of 24 Gaussians; their posterior mean is exact.",
            _patches,
            draws=True,
            margin=8,
            highest=10.0,
        ),
        Prior(
            "gaussian",
            "Gaussian spectrum",
            "Pictures of one power spectrum: the metric is then a Mahalanobis distance, and exact.",
            _gaussian,
            exact=True,
            piece=6144,
        ),
    )
}
DEFAULT = "network"


def get_prior(name: str) -> Prior:
    """The prior of that name.

    Raises:
        MeasureError: there is none.
    """
    if name not in PRIORS:
        raise MeasureError(f"There is no prior {name!r} (there are: {', '.join(PRIORS)}).")
    return PRIORS[name]
