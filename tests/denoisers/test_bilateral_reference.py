"""The bilateral filter written out in float64 with every tap kept, for autograd to differentiate.

It shares no code with the product. The other bilateral tests compare with it; the tests here
compare it with a loop over single pixels.
"""

import math

import numpy as np
import pytest
import torch
from builders import noisy

SMALL = [(1, 1), (1, 9), (8, 1), (2, 2), (5, 3), (3, 4), (9, 11)]
"""Shapes of pictures, most narrower than a window."""


def smooth_maps(height, width, seed=0, scale=1.0, largest=1.6):
    """sigma_x, sigma_y, sigma_r that differ at every pixel, `(H, W)` float32."""
    rng = np.random.default_rng(seed)
    low = (0.3, 0.35, 0.08 * scale)
    high = (largest, largest, 0.4 * scale)
    return tuple(
        rng.uniform(a, b, (height, width)).astype(np.float32) for a, b in zip(low, high, strict=True)
    )


def some_valid(height, width, seed=0, share=0.75):
    """A mask with at least one valid pixel."""
    valid = np.random.default_rng(seed).random((height, width)) < share
    valid[height // 2, width // 2] = True
    return valid


def double(array, grad=False):
    return torch.tensor(np.asarray(array, np.float64), requires_grad=grad)


def unfolded(x, sx, sy, sr, valid=None, window=None, guide=None):
    """Filter `(C, H, W)` float64 by stacking every shifted copy; sigmas `(H, W)` tensors.

    A padded pixel keeps its value.
    """
    _, height, width = x.shape
    single = [np.ceil(2 * s.detach().numpy().astype(np.float32).astype(np.float64) - 1e-6) for s in (sx, sy)]
    rx, ry = (torch.from_numpy(radius) for radius in single)
    reach_x, reach_y = (window, window) if window is not None else (int(rx.max()), int(ry.max()))
    rows = np.pad(np.arange(height), reach_y, mode="reflect")
    columns = np.pad(np.arange(width), reach_x, mode="reflect")
    usable = torch.ones((height, width), dtype=torch.float64) if valid is None else double(valid)
    source = x if guide is None else guide
    shares, values = [], []
    for dy in range(-reach_y, reach_y + 1):
        for dx in range(-reach_x, reach_x + 1):
            at_y = rows[reach_y + dy : reach_y + dy + height]
            at_x = columns[reach_x + dx : reach_x + dx + width]
            shifted = source[:, at_y][:, :, at_x]
            exponent = dx**2 / (2 * sx**2) + dy**2 / (2 * sy**2)
            exponent = exponent + ((shifted - source) ** 2).sum(0) / (2 * sr**2)
            if window is None:
                ellipse = dx**2 * ry**2 + dy**2 * rx**2 <= rx**2 * ry**2
                inside = (ellipse & (abs(dx) <= rx) & (abs(dy) <= ry)).double()
            else:
                inside = torch.ones((height, width), dtype=torch.float64)
            used = usable[at_y][:, at_x] * inside if (dx, dy) != (0, 0) else torch.ones_like(inside)
            shares.append(torch.exp(-exponent) * used)
            values.append(x[:, at_y][:, :, at_x])
    weights, stack = torch.stack(shares), torch.stack(values, 1)
    result = (weights * stack).sum(1) / weights.sum(0)
    return result if valid is None else torch.where(torch.from_numpy(valid), result, x)


def jacobian(pixels, sigmas, valid=None, window=None):
    """d result / d pixels, `(C, H, W, C, H, W)` float64."""
    maps = [double(s) for s in sigmas]
    full = torch.autograd.functional.jacobian(lambda x: unfolded(x, *maps, valid, window), double(pixels))
    return full.numpy()


def single_pixel(pixels, guide, y, x, sx, sy, sr, valid, window):
    """One result, from nothing but the formula and plain numbers; `(C,)`."""
    _, height, width = pixels.shape

    def home(index, size):
        while not 0 <= index < size:
            index = -index if index < 0 else 2 * (size - 1) - index
            if size == 1:
                return 0
        return index

    rx, ry = (window, window) if window is not None else (math.ceil(2 * s - 1e-6) for s in (sx, sy))
    weights, total = 0.0, np.zeros(pixels.shape[0])
    for dy in range(-ry, ry + 1):
        for dx in range(-rx, rx + 1):
            if window is None and dx * dx * ry * ry + dy * dy * rx * rx > rx * rx * ry * ry:
                continue
            j, i = home(y + dy, height), home(x + dx, width)
            if (dx, dy) != (0, 0) and not valid[j, i]:
                continue
            away = sum((float(g[j, i]) - float(g[y, x])) ** 2 for g in guide)
            weight = math.exp(-(dx * dx) / (2 * sx * sx) - dy * dy / (2 * sy * sy) - away / (2 * sr * sr))
            weights += weight
            total += weight * pixels[:, j, i].astype(np.float64)
    return total / weights


def looped(pixels, sigmas, valid=None, window=None, guide=None):
    """The whole picture, pixel by pixel, float64."""
    channels, height, width = pixels.shape
    guide = pixels if guide is None else guide
    usable = np.ones((height, width), bool) if valid is None else valid
    out = np.array(pixels, np.float64)
    for y in range(height):
        for x in range(width):
            if usable[y, x]:
                own = [float(s[y, x]) for s in sigmas]
                out[:, y, x] = single_pixel(pixels, guide, y, x, *own, usable, window)
    assert out.shape == (channels, height, width)
    return out


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("window", [None, 0, 2])
@pytest.mark.parametrize("shape", SMALL)
def test_two_ways_to_write_the_formula_agree(shape, window, channels):
    pixels, sigmas = noisy(*shape, channels), smooth_maps(*shape)
    guide, valid = noisy(*shape, 1, seed=3), some_valid(*shape)
    for mask in (None, valid):
        for other in (None, guide):
            by_tensor = unfolded(
                double(pixels), *map(double, sigmas), mask, window, None if other is None else double(other)
            )
            by_loop = looped(pixels, sigmas, mask, window, other)
            np.testing.assert_allclose(by_tensor.numpy(), by_loop, rtol=0, atol=1e-13)
