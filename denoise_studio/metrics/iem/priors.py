"""The priors that a distance can be measured under, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from denoise_studio.core.errors import MeasureError
from denoise_studio.denoisers.network.weights import Weights


class Bound(Protocol):
    """A prior for one class of pictures."""

    def posterior_mean(self, y: Any, sigma: Any, draws: Any) -> Any:
        """E[x | y] for `y (N, C, H, W)` in the prior's unit, as `integrate.Denoise`."""


@dataclass(frozen=True)
class Prior:
    """What is believed about pictures before one is seen.

    Args:
        name: key on the command line and in JSON.
        label: what a person reads.
        description: one sentence for a tooltip.
        load: the prior for (class, channels, device).
        exact: whether it has a closed form (`gaussian.GaussianPrior.map`), so that nothing is drawn.
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
    margin: int = 0
    multiple: int = 1
    highest: float = 30.0
    piece: int = 512


_WEIGHTS = {
    ("photographs", 1): Weights("prior-grey", ""),
    ("photographs", 3): Weights("prior-colour", ""),
    ("ct", 1): Weights("prior-ct", ""),
}


def _gaussian(kind: str, channels: int, device: str) -> Any:
    from denoise_studio.metrics.iem.gaussian import load

    return load(kind, channels)


def _patches(kind: str, channels: int, device: str) -> Any:
    from denoise_studio.metrics.iem.patches import load

    return load(kind, channels)


def _network(kind: str, channels: int, device: str) -> Any:
    from denoise_studio.metrics.iem.network import load

    return load(_WEIGHTS[kind, channels], device)


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
            margin=8,
        ),
        Prior(
            "gaussian",
            "Gaussian spectrum",
            "Pictures of one power spectrum: the metric is then a Mahalanobis distance, and exact.",
            _gaussian,
            exact=True,
            piece=2048,
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
