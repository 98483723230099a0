"""BM3D (Dabov et al. 2007; Mäkinen, Azzari and Foi 2020) from PyPI, told the noise that was added."""

import time
from typing import Any

import numpy as np

from adaptive.cases import Sample
from adaptive.output import Output

SMOOTHING = 12.0
"""sd in pixels over which the true noise's local variance is smoothed."""
BINS = 2.5
"""sd in frequency bins over which its periodogram is smoothed."""


def _module() -> Any:
    """The package, working with NumPy 2.4, which dropped `trapz`.

    Raises:
        ImportError: the extra `benchmarks` is not installed.
    """
    vars(np).setdefault("trapz", np.trapezoid)
    import bm3d

    return bm3d


def local_sd(sample: Sample) -> Any:
    """`(C, H, W)` sd of the true noise around each pixel of the field, 0..1 units."""
    from scipy.ndimage import gaussian_filter

    inside = sample.field.astype(np.float64)
    share = np.maximum(gaussian_filter(inside, SMOOTHING), 1e-6)
    noise = sample.unit(sample.noise.astype(np.float64), shift=False)
    variance = [gaussian_filter(inside * channel**2, SMOOTHING) / share for channel in noise]
    return np.sqrt(np.maximum(variance, 1e-16))


def _median_sd(sample: Sample) -> Any:
    return np.array([np.median(channel[sample.field]) for channel in local_sd(sample)])


def _spectrum(sample: Sample, sd: Any) -> Any:
    """`(H, W, C)` power spectrum of the true noise: its local strength evened out, its median sd kept."""
    from scipy.ndimage import gaussian_filter

    even = sample.unit(sample.noise.astype(np.float64), shift=False) / local_sd(sample) * sample.field
    power = np.abs(np.fft.fft2(even)) ** 2 / sample.field.mean()
    smooth = np.stack([gaussian_filter(channel, BINS, mode="wrap") for channel in power], axis=-1)
    # White noise of sd s has s² H W in every bin.
    size = even.shape[-2] * even.shape[-1]
    return smooth / smooth.mean(axis=(0, 1)) * size * sd**2


def _run(sample: Sample, told: Any) -> Output:
    bm3d = _module()
    profile = bm3d.BM3DProfile()
    profile.num_threads = 1  # more would make the result differ from run to run
    pixels = sample.unit(sample.noisy.pixels.astype(np.float64)).transpose(1, 2, 0)
    started = time.process_time()  # of one thread: its neighbours do not count
    if pixels.shape[2] == 1:
        flat = told[..., 0] if told.ndim == 3 else float(told[0])
        result = bm3d.bm3d(pixels[..., 0], flat, profile)[..., None]
    else:
        result = bm3d.bm3d_rgb(pixels, told if told.ndim == 3 else list(told), profile)
    seconds = time.process_time() - started
    low, high = sample.limits
    back = result.transpose(2, 0, 1) * (high - low) + low
    return Output(back, {"told_sd": float(np.sqrt((_median_sd(sample) ** 2).mean()) * (high - low))}, seconds)


def told_sd(sample: Sample) -> Output:
    return _run(sample, _median_sd(sample))


def told_spectrum(sample: Sample) -> Output:
    return _run(sample, _spectrum(sample, _median_sd(sample)))
