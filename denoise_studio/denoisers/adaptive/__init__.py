"""The adaptive bilateral filter: parameter maps found from the noisy picture, editable by hand.

Filter2Noise (arXiv 2504.13519) promised bilateral parameters that vary from place to place; its
predictor gives nearly constant ones. Here every place takes, out of a bank of bilateral filters,
the one with the least estimated risk for the picture's own correlated noise (Stein's unbiased
risk estimate), and a second, joint stage may follow. f(a x + b) = a f(x) + b.
"""

from denoise_studio.core.denoiser import Apply, Denoiser, Explain
from denoise_studio.core.fitted import Fit
from denoise_studio.denoisers.adaptive.parameters import PARAMETERS
from denoise_studio.denoisers.adaptive.window import halo, reach


def _load() -> Apply:
    from denoise_studio.denoisers.adaptive.stages import apply
    from denoise_studio.denoisers.bilateral.cpu import compile_now

    compile_now()
    return apply


def _load_fit() -> Fit:
    from denoise_studio.denoisers.adaptive.fit import fit

    return fit


def _load_explain() -> Explain:
    from denoise_studio.denoisers.adaptive.stages import explain

    return explain


ADAPTIVE = Denoiser(
    id="adaptive-bilateral",
    name="Adaptive bilateral filter",
    summary="Finds the best filter for every place from the picture's noise; every map can be edited.",
    paper="After Filter2Noise, arXiv 2504.13519; risk: Stein 1981, Ramani, Blu and Unser 2008",
    parameters=PARAMETERS,
    load=_load,
    halo=halo,
    exact_tiles=True,
    parallel_tiles=True,
    devices=("cpu",),
    cost=300 * 20.0,
    load_fit=_load_fit,
    reach=reach,
    wide_values=True,
    load_explain=_load_explain,
    version=2,
)
