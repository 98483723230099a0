"""Small methods that tests register to see, or to break, what the engine does."""

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator

import numpy as np

from denoise_studio.core.denoiser import Denoiser, Tile
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers import get_denoiser, register, unregister


@contextlib.contextmanager
def registered(denoiser: Denoiser) -> Iterator[Denoiser]:
    register(denoiser)
    try:
        yield denoiser
    finally:
        unregister(denoiser.id)


def inner(tile: Tile) -> FloatArray:
    height, width = tile.pixels.shape[1:]
    return tile.pixels[:, tile.halo : height - tile.halo, tile.halo : width - tile.halo].copy()


def simple(id: str, apply: Callable[[Tile], FloatArray], **changes) -> Denoiser:
    """Without parameters, one tile after another, whole cells."""
    defaults = {"exact_tiles": False, "parallel_tiles": False, "name": "A test's method"}
    identity = get_denoiser("identity")
    return dataclasses.replace(identity, id=id, load=lambda: apply, **(defaults | changes))


class Counting:
    """The bilateral filter, counting the pixels that it filters."""

    def __init__(self, id: str = "counting") -> None:
        self.pixels = 0
        self._lock = threading.Lock()
        bilateral = get_denoiser("bilateral")
        self.denoiser = dataclasses.replace(bilateral, id=id, load=self._load)
        self._original = bilateral.load

    def _load(self) -> Callable[[Tile], FloatArray]:
        apply = self._original()

        def counted(tile: Tile) -> FloatArray:
            result = apply(tile)
            with self._lock:
                self.pixels += result[0].size
            return result

        return counted

    def take(self) -> int:
        taken, self.pixels = self.pixels, 0
        return taken


def plus(tile: Tile, amount: float) -> FloatArray:
    return inner(tile) + np.float32(amount)
