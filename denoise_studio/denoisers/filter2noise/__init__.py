"""Filter2Noise: two bilateral filters whose sigma maps a small network finds from the one noisy picture.

The published method (arXiv 2504.13519), S1 and S2, made from its description. `fit.py` trains, one
`Predictor` a stage; `apply.py` filters a tile with the maps that it found.

Its window is one square for the whole picture and stage, of radius ceil(max sigma), as found by the
fit. It stays when a sigma is changed by hand: what a larger sigma would reach beyond the window is
cut off (`window_1` and `window_2` can be raised by hand). So one strong region costs no other.
"""

from collections.abc import Mapping

from denoise_studio.core.denoiser import Apply, Denoiser, Explain
from denoise_studio.core.fitted import Fit
from denoise_studio.core.parameter import Value
from denoise_studio.denoisers.filter2noise.parameters import PARAMETERS


def _windows(values: Mapping[str, Value]) -> tuple[int, int]:
    """Radius of stage 1 and stage 2; 0 for one that does not run or is not fitted yet."""
    first, second = (round(float(values.get(f"window_{stage}", 0))) for stage in (1, 2))
    return first, second if values.get("stages", "2") == "2" else 0


def _halo(values: Mapping[str, Value]) -> int:
    return sum(_windows(values))


def _reach(values: Mapping[str, Value]) -> int:
    """A changed sigma of stage 1 changes a pixel, which stage 2 then spreads over its window."""
    return _windows(values)[1]


def _load() -> Apply:
    from denoise_studio.denoisers.bilateral.cpu import compile_now
    from denoise_studio.denoisers.filter2noise.apply import apply

    compile_now()
    return apply


def _load_fit() -> Fit:
    from denoise_studio.denoisers.filter2noise.fit import fit

    return fit


def _load_explain() -> Explain:
    from denoise_studio.denoisers.filter2noise.apply import explain

    return explain


FILTER2NOISE = Denoiser(
    id="filter2noise",
    name="Filter2Noise",
    summary="Trains itself on this one picture to choose the widths of two bilateral filters, then filters.",
    paper="Filter2Noise, arXiv 2504.13519",
    parameters=PARAMETERS,
    load=_load,
    halo=_halo,
    exact_tiles=True,
    parallel_tiles=True,
    devices=("cpu",),
    cost=2 * 25 * 20.0,
    load_fit=_load_fit,
    reach=_reach,
    wide_values=True,
    load_explain=_load_explain,
)
