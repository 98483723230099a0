"""The studio's own network: told the noise of every pixel, trained here (`denoise_studio.training`)."""

from collections.abc import Mapping

from denoise_studio.core.denoiser import Apply, Denoiser, Derivative, Linear, Tile
from denoise_studio.core.fitted import Fit, FitTask, Fitted
from denoise_studio.core.parameter import Value
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.network.parameters import PARAMETERS

HALO = 96
"""`model.Shape.halo` of the shipped networks: importing it would load torch."""

SHA256 = {
    1: "7149ac2ba89d41e85ca2064406a0cb8d84658e694e65b02f5c7ae75b5d0da2f7",
    3: "bec212fbf53a263c128752b629fd8027d38b0e58eeb1b36844cd18c113a0c142",
}
"""Of the weights for that many channels."""
_NAMES = {1: "network-grey", 3: "network-colour"}


def _load() -> Apply:
    from denoise_studio.denoisers.network.apply import denoise_tile
    from denoise_studio.denoisers.network.weights import Weights

    def apply(tile: Tile) -> FloatArray:
        channels = len(tile.pixels)
        return denoise_tile(tile, Weights(_NAMES[channels], SHA256[channels]))

    return apply


def _load_fit() -> Fit:
    from denoise_studio.denoisers.network.fit import fit
    from denoise_studio.denoisers.network.weights import Weights

    def fit_picture(task: FitTask) -> Fitted:
        channels = task.picture.channels
        return fit(task, Weights(_NAMES[channels], SHA256[channels]))

    return fit_picture


def _load_derivative() -> Derivative:
    from denoise_studio.denoisers.network.derivative import derivative
    from denoise_studio.denoisers.network.weights import Weights

    def at(tile: Tile) -> Linear:
        channels = len(tile.pixels)
        return derivative(tile, Weights(_NAMES[channels], SHA256[channels]))

    return at


def _measure_precision(device: str, channels: int) -> str:
    from denoise_studio.denoisers.network.precision import fastest
    from denoise_studio.denoisers.network.weights import Weights

    return fastest(Weights(_NAMES[channels], SHA256[channels]), device)


def _everywhere(values: Mapping[str, Value]) -> int:
    return HALO


NETWORK = Denoiser(
    id="network",
    name="Network",
    summary="A small neural network that is told how noisy every pixel is; one slider moves that level.",
    paper="Own training; bias-free: Mohan et al. 2020; noise map: FFDNet 2018; U-Net: DRUNet 2021",
    parameters=PARAMETERS,
    load=_load,
    halo=_everywhere,
    reach=_everywhere,
    wide_values=True,
    size_multiple=8,
    tile=512,
    devices=("cuda", "mps", "cpu"),
    cost=2 * 46_000.0,
    load_fit=_load_fit,
    load_derivative=_load_derivative,
    measure_precision=_measure_precision,
    weights_sha256=SHA256,
)
