"""From the risk of many constant filters to maps of the best one at every place.

The risk of a filter f at a pixel, without the clean picture, for noise of covariance
S_ij = s_i s_j rho(i - j) that changes slowly (Stein, Ann. Statist. 9 (1981) 1135; for correlated
noise e.g. Eldar, IEEE Trans. Signal Process. 57 (2009) 471):

    E (f_i - x_i)² = E[ (y_i - f_i)² - s_i² + 2 s_i² sum_j rho(i - j) df_i/dy_j ]

A single pixel's estimate says nothing; the mean over its surroundings does.
"""

from typing import Any

import numpy as np

from denoise_studio.core.types import FloatArray

TEMPERATURE = 0.01
"""Filters whose risk exceeds the best one's by this share of the noise variance count 1/e as much."""


def pooled(risk: Any, weight: Any, block: int) -> tuple[Any, Any]:
    """Sums of risk and of weight over blocks: `(H / block, W / block)`; sizes must divide."""
    import cv2

    size = risk.shape[1] // block, risk.shape[0] // block
    area = block * block
    sums, weights = (
        cv2.resize(np.asarray(a, np.float32), size, interpolation=cv2.INTER_AREA) * area
        for a in (risk * weight, weight)
    )
    return sums, weights


def smoothed(sums: Any, weights: Any, sigma: float) -> Any:
    """Weighted mean of the risk in a Gaussian of `sigma` blocks around each block."""
    import cv2

    def blur(a: Any) -> Any:
        return cv2.GaussianBlur(a.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REFLECT)

    return blur(sums) / np.maximum(blur(weights), 1e-6)


def soft_choice(risks: Any, candidates: Any, variance: Any) -> Any:
    """Geometric mean of the candidates' sigmas, each weighted by how low its risk is.

    Args:
        risks: `(n, h, w)`, smoothed.
        candidates: `(n, k)` sigmas.
        variance: `(h, w)` of the noise.

    Returns:
        `(k, h, w)` float32.
    """
    excess = risks - risks.min(axis=0)
    excess /= -TEMPERATURE * np.maximum(variance, np.float32(1e-30))
    shares = np.exp(np.maximum(excess, np.float32(-80.0)), dtype=np.float32)
    shares /= shares.sum(axis=0)
    logarithms = np.log(np.asarray(candidates, np.float64)).astype(np.float32)
    result: FloatArray = np.exp(np.tensordot(logarithms.T, shares, axes=1))
    return result
