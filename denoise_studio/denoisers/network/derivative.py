"""The network's exact derivative at one tile.

Between two of its kinks the network is linear but for its last step: a ReLU passes a change on where
its input is above 0 and nothing elsewhere. So the tile goes through once, and every change after that
goes through the convolutions with those masks: no step has to be chosen, and nothing is rounded away.

A layer r pixels in feels nothing that is farther than r, and what it holds farther than reach - r is
not felt by the result: a change of the inner part needs no more than half the halo around it.
"""

import copy

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from denoise_studio.core.denoiser import Linear, Tile
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.network.apply import on_device, padded, saying_out_of_memory
from denoise_studio.denoisers.network.model import BOUND, FOLD, Network
from denoise_studio.denoisers.network.weights import Weights


def derivative(tile: Tile, weights: Weights) -> Linear:
    """J at a tile, in float32.

    Args:
        tile: as `apply.denoise_tile` takes it.
        weights: for the tile's number of channels.

    Returns:
        From a change of the tile's pixels, `(C, h + 2 halo, w + 2 halo)`, to that of the result,
        `(C, h, w)`.

    Raises:
        OutOfMemory: the device could not hold the tile.
        StudioError: the weights are missing or damaged.
    """
    network = copy.deepcopy(on_device(weights, tile.device))  # its hooks must hear nobody else
    halo, (height, width) = tile.halo, tile.pixels.shape[1:]
    with saying_out_of_memory():
        state = _State(network, tile.pixels, np.asarray(tile.values["sigma"], np.float32))
    inner = (slice(None), slice(halo, height - halo), slice(halo, width - halo))
    around = halo // 2 // network.shape.multiple * network.shape.multiple
    near = state.part(around, height - around, width - around)

    def change(pixels: FloatArray) -> FloatArray:
        outside = pixels.copy()
        outside[inner] = 0
        with saying_out_of_memory(), torch.inference_mode():
            if outside.any():  # the margin mirrors the inner part
                result = state.change(pixels)[inner]
            else:
                part = near.change(pixels[:, around : height - around, around : width - around])
                start = halo - around
                result = part[:, start : start + height - 2 * halo, start : start + width - 2 * halo]
        return np.ascontiguousarray(result)

    return change


class _Frozen(nn.Module):
    """A residual block whose ReLU passes on what it passed on at the input that it was shown."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second
        self.mask: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.first(x)
        if self.mask is None:
            self.mask = (h > 0).float()
        changed: Tensor = self.second(h.mul_(self.mask))
        return changed.add_(x)


class _Bound:
    """The last step, b tanh(r / b), at one input; b itself changes where the contrast sets it.

    Args:
        network: whose step it is.
        x: `(1, C, H, W)`.
        noise: folded.
        residual: r, folded.
    """

    def __init__(self, network: Network, x: Tensor, noise: Tensor, residual: Tensor) -> None:
        bound = network.bound(functional.pixel_unshuffle(x, FOLD), noise)
        ratio = residual / bound.clamp_min(torch.finfo(torch.float32).tiny)
        self._slope = torch.where(bound > 0, 1 - torch.tanh(ratio) ** 2, 0.0)
        by_contrast = (bound > 0) & (bound < BOUND * noise.repeat(1, x.shape[1], 1, 1))
        self._of_bound = torch.where(by_contrast, torch.tanh(ratio) - ratio * self._slope, 0.0)
        highest, lowest = _highest_around(x), _highest_around(-x)
        self._channel = (highest[0] + lowest[0]).argmax(dim=1, keepdim=True)
        self._ends = highest[1], lowest[1]

    def change(self, residual: Tensor, x: Tensor) -> Tensor:
        """Of the step, folded, for a change of r and one of x."""
        result = self._slope * residual
        if not self._of_bound.any():
            return result
        flat, (high, low) = x.flatten(2), self._ends
        contrast = flat.gather(2, high.flatten(2)) - flat.gather(2, low.flatten(2))
        bound = BOUND * contrast.view(high.shape).gather(1, self._channel)
        return result + self._of_bound * bound


def _highest_around(x: Tensor) -> tuple[Tensor, Tensor]:
    """The largest value in the 10 x 10 pixels around every 2 x 2, and where it is."""
    side = 5 * FOLD
    found = functional.max_pool2d(x, side, stride=FOLD, padding=side // 2 - FOLD // 2, return_indices=True)
    return found[0], found[1]


class _State:
    """The network at one input: what of it a change needs."""

    def __init__(self, network: Network, pixels: FloatArray, sigma: FloatArray) -> None:
        self._network = network
        device = next(network.parameters()).device
        self._x = padded(torch.tensor(pixels), network.shape.multiple).to(device)
        if sigma.ndim:
            level = padded(torch.tensor(sigma), network.shape.multiple).to(device)
        else:
            level = torch.full_like(self._x[:, :1], float(sigma))
        for row in (*network.encoder, network.body, *network.decoder):
            for index, block in enumerate(row):
                row[index] = _Frozen(block.first, block.second)
        self._noise = functional.pixel_unshuffle(level, FOLD)
        with torch.inference_mode():
            h = network.first(functional.pixel_unshuffle(self._x, FOLD)).add_(network.noise(self._noise))
            self._residual = network.residual(network.trunk(h))
            self._bound = _Bound(network, self._x, self._noise, self._residual)

    def part(self, start: int, bottom: int, right: int) -> "_State":
        """The same for the pixels from `start` on in both directions; a multiple of the network's."""
        multiple = self._network.shape.multiple
        rows, columns = (-(-(end - start) // multiple) * multiple for end in (bottom, right))
        whole = self._x.shape[-1]
        made = copy.copy(self)
        made._network = network = copy.deepcopy(self._network)

        def cut(array: Tensor) -> Tensor:
            side = whole // array.shape[-1]
            first = start // side
            return array[..., first : first + rows // side, first : first + columns // side].clone()

        for module in network.modules():
            if isinstance(module, _Frozen) and module.mask is not None:
                module.mask = cut(module.mask)
        made._x, made._noise, made._residual = map(cut, (self._x, self._noise, self._residual))
        made._bound = _Bound(network, made._x, made._noise, made._residual)
        return made

    def change(self, pixels: FloatArray) -> FloatArray:
        """`(C, H, W)` for a change of these pixels, of the same size."""
        network = self._network
        given = padded(torch.tensor(pixels), network.shape.multiple).to(self._x.device)
        folded = functional.pixel_unshuffle(given, FOLD)
        h = network.first(folded.contiguous(memory_format=torch.channels_last))
        removed = self._bound.change(network.residual(network.trunk(h)), given)
        height, width = pixels.shape[-2:]
        result: FloatArray = (given - functional.pixel_shuffle(removed, FOLD))[0].cpu().numpy()
        return result[:, :height, :width]
