"""Named sets of training choices; a model card names the one that was used."""

from dataclasses import dataclass, replace

from denoise_studio.denoisers.network.model import Shape
from denoise_studio.metrics.iem.heavy_noise import HeavyShape


@dataclass(frozen=True)
class Config:
    """How a network is trained.

    Args:
        shape: the network; its kind decides what it learns (`courses`).
        crop: side of the training crops in pixels.
        batch: crops in a step.
        muon_rate: learning rate of the inner layers' Muon.
        adam_rate: learning rate of the first and last layers' Adam.
        warm_up: steps over which the rates rise.
        constant: share of the budget before the rates fall linearly to 0.
        average: decay of the running average of the weights, which is what is kept.
        curriculum: noise levels from heavy to light (`levels.Curriculum`) instead of all at once.
        source: what the pictures are: "photographs", for a network "raw" (mosaics with sensor noise
            made of them), for priors "ct".
        camera: share of the crops with the noise of developed photographs (`camera.camera_noise`).
    """

    shape: Shape | HeavyShape
    crop: int = 64
    batch: int = 24
    muon_rate: float = 0.01
    adam_rate: float = 1e-3
    warm_up: int = 100
    constant: float = 0.4
    average: float = 0.999
    curriculum: bool = False
    source: str = "photographs"
    camera: float = 0.0


_GREY = Config(Shape(1))
_COLOUR = Config(Shape(3), camera=1 / 3)
_PRIOR = Config(HeavyShape(1), crop=192, batch=8)

CONFIGS: dict[str, Config] = {
    "network-grey": _GREY,
    "network-colour": _COLOUR,
    "network-grey-curriculum": replace(_GREY, curriculum=True),
    "network-raw": Config(Shape(1), crop=128, batch=64, source="raw"),
    "prior-grey": _PRIOR,
    "prior-colour": replace(_PRIOR, shape=HeavyShape(3)),
    "prior-ct": replace(_PRIOR, shape=HeavyShape(1, "ct", lowest=0.05), source="ct"),
    "tiny": Config(Shape(1, (8, 16), (1, 1)), crop=32, batch=4, warm_up=2),
    "tiny-raw": Config(Shape(1, (8, 16), (1, 1)), crop=32, batch=4, warm_up=2, source="raw"),
    "tiny-prior": Config(HeavyShape(1, widths=(8, 16), blocks=(1, 1)), crop=32, batch=4, warm_up=2),
    "tiny-ct": Config(HeavyShape(1, "ct", widths=(8, 16), blocks=(1, 1)), 32, 4, warm_up=2, source="ct"),
}
