"""Exact posterior means for the tests of the integrator, written from Bayes' rule alone."""

import numpy as np
from scipy.special import log_ndtr


def column(sigma, y):
    return np.asarray(sigma, float).reshape(-1, *[1] * (y.ndim - 1))


def gaussian(covariance, mean=0.0):
    """`y (N, d)`, any covariance."""

    def denoise(y, sigma, draws):
        eye = np.eye(len(covariance))
        gains = [covariance @ np.linalg.inv(covariance + s**2 * eye) for s in sigma]
        return np.stack([mean + gain @ (v - mean) for gain, v in zip(gains, y, strict=True)])

    return denoise


def white(variance, mean=0.0):
    return lambda y, sigma, draws: mean + variance / (variance + column(sigma, y) ** 2) * (y - mean)


def binary(y, sigma, draws):
    """+1 or -1."""
    return np.tanh(y / column(sigma, y) ** 2)


def laplace(b):
    def denoise(y, sigma, draws):
        s = column(sigma, y)
        low, high = y - s**2 / b, y + s**2 / b
        right = -y / b + log_ndtr(low / s)
        left = y / b + log_ndtr(-high / s)
        share = 1 / (1 + np.exp(left - right))
        return share * low + (1 - share) * high

    return denoise


def mixture(weights, means, variances, shift=0.0):
    """Of one-dimensional Gaussians, independent for every sample."""

    def denoise(y, sigma, draws):
        s2 = column(sigma, y) ** 2
        v = y - shift
        logs = [
            np.log(w / np.sqrt(c + s2)) - (v - m) ** 2 / 2 / (c + s2)
            for w, m, c in zip(weights, means, variances, strict=True)
        ]
        top = np.max(logs, axis=0)
        shares = [np.exp(log - top) for log in logs]
        parts = [m + c / (c + s2) * (v - m) for m, c in zip(means, variances, strict=True)]
        return shift + sum(s * p for s, p in zip(shares, parts, strict=True)) / sum(shares)

    return denoise
