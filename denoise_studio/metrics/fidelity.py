"""Full-reference fidelity, and the plain numbers of one picture.

PSNR = 20 log10(L / rmse) with L the width of the data range. SSIM as in Wang, Bovik, Sheikh and
Simoncelli, IEEE Trans. Image Processing 13(4), 2004: Gaussian window of sd 1.5 over 11 x 11
pixels, K1 = 0.01, K2 = 0.03, population covariances; the mean over channels.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.types import BoolArray
from denoise_studio.metrics.base import Metric, Subject
from denoise_studio.noise.blind import estimate_noise

WINDOW = 11
"""Side of SSIM's window in pixels."""

Answer = tuple[float | None, Mapping[str, Any]]


def psnr(subject: Subject) -> Answer:
    """Peak signal-to-noise ratio in dB; infinite if the pictures are equal."""
    low, high = subject.data_range
    rms = subject.difference.rms
    value = math.inf if rms == 0 else 20 * math.log10((high - low) / rms)
    return value, subject.range_extra


def ssim(subject: Subject) -> Answer:
    """Mean structural similarity, 1 for equal pictures.

    Values are counted from the low end of the data range, because SSIM's luminance term wants
    none below zero (HU has them). Only windows that lie wholly inside the picture and hold no
    padding count, in both pictures.

    Raises:
        MeasureError: no such window fits.
    """
    from skimage.metrics import structural_similarity

    assert subject.reference is not None
    low, high = subject.data_range
    inside = _whole_windows(subject)
    total = 0.0
    for test, reference in zip(subject.test.pixels, subject.reference.pixels, strict=True):
        a, b = test.astype(np.float64) - low, reference.astype(np.float64) - low
        if subject.valid is not None:
            # Padding may hold anything; it is in no window that counts.
            a[~subject.valid] = b[~subject.valid] = 0.0
        _, similarity = structural_similarity(
            a,
            b,
            data_range=high - low,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )
        total += float(similarity[inside].mean())
    extra = {"window": f"Gaussian, sd 1.5, {WINDOW} x {WINDOW} px", "windows": int(inside.sum())}
    return total / subject.test.channels, {**subject.range_extra, **extra}


def noise(subject: Subject) -> Answer:
    """The noise of the test picture alone, over all channels."""
    found = estimate_noise(subject.test)
    return found.sigma, {"model": found.model, "confidence": round(found.confidence, 3)}


def _whole_windows(subject: Subject) -> BoolArray:
    """`(H, W)` True at the centres of windows that hold valid pixels only."""
    import cv2

    height, width = subject.test.height, subject.test.width
    if min(height, width) < WINDOW:
        raise MeasureError(
            f"SSIM needs pictures of at least {WINDOW} x {WINDOW} pixels, not {width} x {height}."
        )
    reach = WINDOW // 2
    valid = np.ones((height, width), np.uint8) if subject.valid is None else subject.valid.astype(np.uint8)
    whole = cv2.erode(valid, np.ones((WINDOW, WINDOW), np.uint8))
    inside = np.zeros((height, width), bool)
    core = (slice(reach, height - reach), slice(reach, width - reach))
    inside[core] = whole[core] > 0
    if not inside.any():
        raise MeasureError(f"SSIM needs {WINDOW} x {WINDOW} pixels without padding in one place.")
    return inside


METRICS = (
    Metric(
        "psnr",
        "PSNR",
        "Peak signal-to-noise ratio: how small the difference is against the data range.",
        "dB",
        True,
        psnr,
    ),
    Metric(
        "ssim",
        "SSIM",
        "Structural similarity: 1 where local means, contrasts and patterns agree.",
        "",
        True,
        ssim,
    ),
    Metric(
        "mean_difference",
        "Mean difference",
        "Mean of test minus reference: how far the picture was brightened or darkened as a whole.",
        "value",
        True,
        lambda subject: (subject.difference.mean, {}),
    ),
    Metric(
        "rmse",
        "RMSE",
        "Root of the mean squared difference between test and reference.",
        "value",
        True,
        lambda subject: (subject.difference.rms, {}),
    ),
    Metric(
        "max_difference",
        "Largest difference",
        "The largest absolute difference between test and reference at any pixel.",
        "value",
        True,
        lambda subject: (subject.difference.largest, {}),
    ),
    Metric(
        "mean",
        "Mean",
        "Mean of all pixels that are no padding.",
        "value",
        False,
        lambda subject: (subject.moments.mean, {}),
    ),
    Metric(
        "sd",
        "Standard deviation",
        "Standard deviation of all pixels that are no padding: signal and noise together.",
        "value",
        False,
        lambda subject: (subject.moments.sd, {}),
    ),
    Metric(
        "minimum",
        "Minimum",
        "Smallest value that is no padding.",
        "value",
        False,
        lambda subject: (subject.moments.minimum, {}),
    ),
    Metric(
        "maximum",
        "Maximum",
        "Largest value that is no padding.",
        "value",
        False,
        lambda subject: (subject.moments.maximum, {}),
    ),
    Metric(
        "noise_sd",
        "Noise estimate",
        "Standard deviation of the noise at a typical place, white or correlated.",
        "value",
        False,
        noise,
    ),
)
