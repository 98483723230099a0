"""Runs the network on one tile, on the CPU or a GPU."""

import contextlib
import functools
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from denoise_studio.core.denoiser import FieldValue, Tile
from denoise_studio.core.errors import OutOfMemory
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.network.model import Network
from denoise_studio.denoisers.network.weights import Weights, load_network


def denoise_tile(tile: Tile, weights: Weights) -> FloatArray:
    """The inner part of a tile, denoised.

    Args:
        tile: `values["sigma"]` is the noise sd in the picture's unit, one number or one for every
            pixel of `pixels`; its halo is the network's.
        weights: for the tile's number of channels.

    Returns:
        `(C, h, w)` float32.

    Raises:
        OutOfMemory: the device could not hold the tile.
        StudioError: the weights are missing or damaged.
    """
    network = on_device(weights, tile.device)
    halo = tile.halo
    result = run(network, tile.pixels, tile.values["sigma"], tile.precision)
    height, width = result.shape[-2:]
    return np.ascontiguousarray(result[:, halo : height - halo, halo : width - halo])


@functools.cache
def on_device(weights: Weights, device: str) -> Network:
    """The network with its weights on a device, laid out as convolutions like it best."""
    network = Network(load_network(weights).shape)
    network.load_state_dict(load_network(weights).state_dict())
    network.eval().requires_grad_(False)
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def run(network: Network, pixels: FloatArray, sigma: FieldValue, precision: str) -> FloatArray:
    """f(pixels, sigma) for a whole array.

    Args:
        network: on any device.
        pixels: `(C, H, W)` float32 of any size.
        sigma: noise sd in the same unit, a number or `(H, W)`.
        precision: "float32" or "bfloat16", of the layers between the first and the last.

    Returns:
        `(C, H, W)` float32. Beyond the lower and right edge the last pixels are repeated up to
        the network's multiple.

    Raises:
        OutOfMemory: the device could not hold it.
    """
    height, width = pixels.shape[-2:]
    device = next(network.parameters()).device
    with saying_out_of_memory(), torch.inference_mode():
        x = padded(torch.tensor(pixels), network.shape.multiple).to(device)
        if np.ndim(sigma):
            level = padded(torch.tensor(sigma), network.shape.multiple).to(device)
        else:
            level = torch.full_like(x[:, :1], float(sigma))
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            result = network(x.contiguous(memory_format=torch.channels_last), level)
        out: FloatArray = result[0, :, :height, :width].cpu().numpy()
    return out


def padded(array: Tensor, multiple: int) -> Tensor:
    """`(1, C, H', W')` with sides that are multiples, the last row and column repeated."""
    height, width = array.shape[-2:]
    four = array.reshape(1, -1, height, width)
    return functional.pad(four, (0, -width % multiple, 0, -height % multiple), mode="replicate")


@contextlib.contextmanager
def saying_out_of_memory() -> Iterator[None]:
    """Turn torch's several ways to run out of memory into `OutOfMemory`."""
    try:
        yield
    except torch.OutOfMemoryError:
        pass
    except RuntimeError as error:  # the CPU's allocator and Apple's backend raise a plain one
        text = str(error).lower()
        if "out of memory" not in text and "allocate memory" not in text:
            raise
    else:
        return
    # Raised outside the except block: a traceback would keep the tensors alive.
    raise OutOfMemory("there is not enough memory for this tile")
