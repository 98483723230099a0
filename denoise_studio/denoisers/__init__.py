"""The methods, one room each, and their registry. Importing this loads no toolkit."""

from denoise_studio.denoisers.adaptive import ADAPTIVE
from denoise_studio.denoisers.bilateral import BILATERAL
from denoise_studio.denoisers.filter2noise import FILTER2NOISE
from denoise_studio.denoisers.identity import IDENTITY
from denoise_studio.denoisers.network import NETWORK
from denoise_studio.denoisers.nlm import NON_LOCAL_MEANS
from denoise_studio.denoisers.raw_network import RAW_NETWORK
from denoise_studio.denoisers.registry import (
    all_denoisers,
    default_method,
    get_denoiser,
    register,
    unregister,
)

for _denoiser in (ADAPTIVE, NETWORK, RAW_NETWORK, BILATERAL, FILTER2NOISE, NON_LOCAL_MEANS, IDENTITY):
    register(_denoiser)

__all__ = ["all_denoisers", "default_method", "get_denoiser", "register", "unregister"]
