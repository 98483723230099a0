"""Camera raw, blind: the sensor's noise is estimated, stabilised, taken away by a network of our own."""

from collections.abc import Mapping

from denoise_studio.core.denoiser import Apply, Denoiser
from denoise_studio.core.fitted import Fit
from denoise_studio.core.parameter import Value
from denoise_studio.denoisers.raw_network.parameters import PARAMETERS

HALO = 104
"""The network's reach of 91 pixels, one for beginning at red, six for repairing pixels; a multiple of 8."""

SHA256 = {1: "f4837e4ae4bb00784e14382a57ed33e6e9ca1270b762c2eeb9d7b016cdcfcad5"}


def _load() -> Apply:
    from denoise_studio.denoisers.raw_network.apply import denoise_tile

    return denoise_tile


def _load_fit() -> Fit:
    from denoise_studio.denoisers.raw_network.fit import fit

    return fit


def _measure_precision(device: str, channels: int) -> str:
    from denoise_studio.denoisers.network.precision import fastest
    from denoise_studio.denoisers.raw_network.mosaic import WEIGHTS

    return fastest(WEIGHTS, device)


def _everywhere(values: Mapping[str, Value]) -> int:
    return HALO


RAW_NETWORK = Denoiser(
    id="raw-network",
    name="Raw network",
    summary="Estimates the sensor's noise from this very file, and takes it away before development.",
    paper="YOND: Feng et al., arXiv 2506.03645; network and training of our own",
    parameters=PARAMETERS,
    load=_load,
    halo=_everywhere,
    reach=_everywhere,
    channels=(1,),
    layouts=("bayer",),
    domain="linear sensor DN",
    wide_values=True,
    size_multiple=8,
    tile=512,
    devices=("cuda", "mps", "cpu"),
    cost=2 * 46_000.0,
    load_fit=_load_fit,
    measure_precision=_measure_precision,
    weights_sha256=SHA256,
)
