"""The same filter with torch, for GPUs: shifted copies added up in place, no unfolded window."""

import functools
import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from denoise_studio.core.errors import OutOfMemory
from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.denoisers.bilateral.window import REACH, SLACK

log = logging.getLogger(__name__)


def bilateral_torch(
    pixels: FloatArray,
    halo: int,
    valid: BoolArray | None,
    sigma_x: FloatArray,
    sigma_y: FloatArray,
    sigma_r: FloatArray,
    device: str,
    *,
    guide: FloatArray | None = None,
    window: int | None = None,
) -> FloatArray:
    """Arguments as `bilateral_cpu`, plus the torch device; the result is on the CPU.

    Raises:
        OutOfMemory: the device could not hold the tile.
    """
    import torch

    def sent(array: Any) -> Any:
        return None if array is None else torch.from_numpy(np.ascontiguousarray(array)).to(device)

    try:
        with torch.inference_mode():
            sigmas = [sent(sigma) for sigma in (sigma_x, sigma_y, sigma_r)]
            run = fastest(device)
            out = run(sent(pixels), halo, sent(valid), *sigmas, guide=sent(guide), window=window)
            result: FloatArray = out.cpu().numpy()
            return result
    except torch.OutOfMemoryError:
        reason = "the GPU has not enough memory for this tile"
    except RuntimeError as error:  # Apple's backend raises a plain one
        if "out of memory" not in str(error).lower():
            raise
        reason = "the GPU has not enough memory for this tile"
    # Raised outside the except block: a traceback would keep the tensors alive.
    raise OutOfMemory(reason)


@functools.cache
def fastest(device: str) -> Callable[..., Any]:
    """The function for tensors of a device: Triton's on CUDA if it works there, else `filtered`.

    Tried once on a small tile: Triton may be missing, or unable to compile for this card.
    """
    if device != "cuda":
        return filtered
    try:
        import torch

        from denoise_studio.denoisers.bilateral import on_triton

        pixels, sigma = torch.zeros((1, 3, 3), device=device), torch.full((1, 1), 0.5, device=device)
        on_triton.filtered(pixels, 1, None, sigma, sigma, sigma).cpu()
    except Exception as error:  # whatever it is, the filter runs without
        log.info("The bilateral filter runs without Triton (%s: %s)", type(error).__name__, error)
        return filtered
    return on_triton.filtered  # type: ignore[no-any-return]


def inside(dx: int, dy: int, rx: int, ry: int) -> bool:
    """Whether a neighbour lies in the window: an ellipse of these radii."""
    xx, yy = rx * rx, ry * ry
    return dx * dx * yy + dy * dy * xx <= xx * yy and dx * dx <= xx and dy * dy <= yy


class Window:
    """The neighbours of every pixel of a tile, and their weights.

    Args:
        source: `(C, h + 2 halo, w + 2 halo)`, in which range distances are taken.
        halo: margin.
        mask: `(h + 2 halo, w + 2 halo)` bool, or None.
        sigmas: sigma_x, sigma_y, sigma_r, each `(h, w)` or `(1, w)`.
        square: radius of the square window, or None for ellipses.
    """

    def __init__(self, source: Any, halo: int, mask: Any, sigmas: tuple[Any, Any, Any], square: int | None):
        self.source, self.halo, self.mask, self.square = source, halo, mask, square
        self.height, self.width = source.shape[1] - 2 * halo, source.shape[2] - 2 * halo
        self.gx, self.gy, self.gr = (s.square().mul(-2).reciprocal_().clamp_(min=-3e38) for s in sigmas)
        # Whole numbers in float32, exact to far beyond any window.
        rx, ry = ((REACH * s - SLACK).ceil_().clamp_(min=0) for s in sigmas[:2])
        self.xx, self.yy = rx.square(), ry.square()
        self.high = int(rx.max()), int(ry.max())
        self.low = int(rx.min()), int(ry.min())
        self.centre = self.at(0, 0, source)

    def at(self, dx: int, dy: int, array: Any) -> Any:
        """The neighbours at (dx, dy), a view."""
        h = self.halo
        return array[..., h + dy : h + dy + self.height, h + dx : h + dx + self.width]

    def neighbours(self) -> Iterator[tuple[int, int, Any, Any]]:
        """Each offset, the differences there `(C, h, w)` and the weights `(h, w)`."""
        reach_x, reach_y = self.high if self.square is None else (self.square, self.square)
        for dy in range(-reach_y, reach_y + 1):
            for dx in range(-reach_x, reach_x + 1):
                if (dx, dy) != (0, 0) and (self.square is not None or inside(dx, dy, *self.high)):
                    difference = self.at(dx, dy, self.source) - self.centre
                    yield dx, dy, difference, self._weight(dx, dy, difference)

    def _weight(self, dx: int, dy: int, difference: Any) -> Any:
        exponent = difference.square().sum(0).mul_(self.gr)
        weight = exponent.add_(self.gx * (dx * dx) + self.gy * (dy * dy)).exp_()
        if self.square is None and not inside(dx, dy, *self.low):
            ellipse = dx * dx * self.yy + dy * dy * self.xx <= self.xx * self.yy
            weight.mul_(ellipse & (dx * dx <= self.xx) & (dy * dy <= self.yy))
        if self.mask is not None:
            weight.mul_(self.at(dx, dy, self.mask))
        return weight


def filtered(
    pixels: Any,
    halo: int,
    mask: Any,
    sigma_x: Any,
    sigma_y: Any,
    sigma_r: Any,
    *,
    guide: Any = None,
    window: int | None = None,
) -> Any:
    """The filter on tensors of one device; arguments and result as `bilateral_cpu`."""
    taps = Window(pixels if guide is None else guide, halo, mask, (sigma_x, sigma_y, sigma_r), window)
    centre = taps.at(0, 0, pixels)
    _, total = _sums(taps, pixels, centre)
    return total.add_(centre)


def _sums(taps: Window, pixels: Any, centre: Any) -> tuple[Any, Any]:
    """Sums of weights `(h, w)`, and what the filter adds to every pixel `(C, h, w)`."""
    weights, total = pixels.new_ones((taps.height, taps.width)), centre.new_zeros(centre.shape)
    for dx, dy, difference, weight in taps.neighbours():
        if pixels is not taps.source:
            difference = taps.at(dx, dy, pixels) - centre
        weights.add_(weight)
        total.add_(difference.mul_(weight))
    return weights, total.div_(weights)


def gradients(
    pixels: Any,
    halo: int,
    mask: Any,
    sigma_x: Any,
    sigma_y: Any,
    sigma_r: Any,
    upstream: Any,
    *,
    window: int | None = None,
) -> tuple[Any, Any, Any, Any]:
    """What `gradients.bilateral_backward` gives, on tensors of one device; sigmas `(h, w)`."""
    taps = Window(pixels, halo, mask, (sigma_x, sigma_y, sigma_r), window)
    weights, t = _sums(taps, pixels, taps.centre)
    share = upstream / weights
    offset = (share * t).sum(0)
    d_pixels, d_x, d_y, d_r = (x.new_zeros(x.shape) for x in (pixels, sigma_x, sigma_y, sigma_r))
    inner = taps.at(0, 0, d_pixels)
    inner.add_(share)
    steepness = sigma_r.square().reciprocal_()
    for dx, dy, difference, weight in taps.neighbours():
        slope = (share * difference).sum(0).sub_(offset).mul_(weight)
        d_x.add_(slope, alpha=dx * dx)
        d_y.add_(slope, alpha=dy * dy)
        d_r.addcmul_(slope, difference.square().sum(0))
        pull = difference.mul_(slope.mul_(steepness))
        inner.add_(pull)
        taps.at(dx, dy, d_pixels).add_(weight * share).sub_(pull)
    return d_pixels, d_x.div_(sigma_x**3), d_y.div_(sigma_y**3), d_r.div_(sigma_r**3)
