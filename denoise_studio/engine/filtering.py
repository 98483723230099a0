"""Running a method over rectangles: on one device, in tiles, with less memory if need be."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from denoise_studio.core.denoiser import Apply, Denoiser, FieldValue, Tile
from denoise_studio.core.errors import OutOfMemory, StudioError
from denoise_studio.core.fitted import Fitted
from denoise_studio.core.geometry import Rect, cut_out, mirrored
from denoise_studio.core.parameter import Value
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine import devices, precisions
from denoise_studio.engine.fields import fields, maxima
from denoise_studio.engine.grid import CELL, cell_rect
from denoise_studio.engine.workers import pool

log = logging.getLogger(__name__)

SMALLEST_TILE = 32
_AHEAD = 1
"""Tiles that wait while every worker has one: each holds memory until it is taken."""
Sink = Callable[[Rect, FloatArray], None]


@dataclass
class Filter:
    """A method bound to a picture and a resolved recipe.

    Attributes:
        device: where it runs now; becomes the CPU when a GPU has too little memory.
        tile: side of the tiles it takes now; halved when memory runs out.
        fallback: why the device or the tile changed on the way ("" if neither did).
    """

    picture: Picture
    recipe: Recipe
    device: devices.Device
    fitted: Fitted | None = None
    tile: int = field(init=False)
    fallback: str = ""
    denoiser: Denoiser = field(init=False)
    _largest: int = field(init=False)
    _apply: Apply | None = field(init=False, default=None)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.denoiser = get_denoiser(self.recipe.method)
        self.tile = self._largest = self.denoiser.tile or CELL

    def load(self) -> None:
        """Import, compile or read what the method needs, once; may take seconds.

        Settles the recipe's precision, which can need a measurement.
        """
        if self._apply is None:
            self._apply = self.denoiser.load()
        if self.recipe.precision == "auto":
            chosen = precisions.choose(self.denoiser, self.device, self.picture.channels)
            self.recipe = self.recipe.replace(precision=chosen)

    def run(self, rects: Iterable[Rect], sink: Sink, progress: Progress) -> None:
        """Filter every rectangle and hand each to `sink(rect, (C, h, w))`, in about this order.

        `sink` is called on the calling thread. Between tiles `progress.check()` is asked. Ends
        early when the device has to change: one result never holds pixels of two devices, so the
        caller starts again (`engine.render.fill` does).

        Raises:
            Cancelled: through `progress`; no further rectangle reaches the sink.
            StudioError: even the smallest tile does not fit in the memory of the CPU.
        """
        self.load()
        if self.denoiser.parallel_tiles and self.device.kind == "cpu":
            self._run_parallel(rects, sink, progress)
            return
        kind = self.device.kind
        for block, parts in self._blocks(rects).items():
            progress.check()
            result = self._filter(block, progress)
            progress.check()
            if self.device.kind != kind:
                return
            for part in parts:
                sink(part, result[(slice(None), *part.translate(-block.x, -block.y).slices)])
            del result  # not beside the next one

    def whole_blocks(self, rect: Rect) -> Rect:
        """All pixels of the squares that are filtered anyway where only `rect` is wanted."""
        side = self.denoiser.tile or CELL
        x, y = rect.x // side * side, rect.y // side * side
        return Rect.from_edges(x, y, -(-rect.x1 // side) * side, -(-rect.y1 // side) * side)

    def _blocks(self, rects: Iterable[Rect]) -> dict[Rect, list[Rect]]:
        """The squares to filter in one call, each with the rectangles that are wanted of it.

        Always whole squares of the grid, so that no pixel depends on what else was wanted.
        """
        side = self.denoiser.tile
        if not side:
            return {rect: [rect] for rect in rects}
        blocks: dict[Rect, list[Rect]] = {}
        for rect in rects:
            block = cell_rect((rect.x // side, rect.y // side), self.picture.rect, side)
            blocks.setdefault(block, []).append(rect)
        return blocks

    def _run_parallel(self, rects: Iterable[Rect], sink: Sink, progress: Progress) -> None:
        threads = pool()
        waiting = deque(self._thinned(rects) if self.denoiser.exact_tiles else rects)
        running: deque[tuple[Rect, Future[FloatArray]]] = deque()
        try:
            while waiting or running:
                while waiting and len(running) < devices.worker_count() + _AHEAD:
                    rect = waiting.popleft()
                    running.append((rect, threads.submit(self._filter, rect, progress)))
                rect, future = running.popleft()
                result = future.result()
                progress.check()
                sink(rect, result)
        finally:
            for _, future in running:
                future.cancel()
            for _, future in running:
                if not future.cancelled():
                    future.exception()  # wait: nothing may still read the picture afterwards

    def _thinned(self, rects: Iterable[Rect]) -> list[Rect]:
        """Cut the few rectangles of a small job so that every worker gets some.

        Bands of at most 128 rows: whole cells need more than twice a 512 x 512 picture in memory,
        finer bands cost more time than they save memory; 64 where regions need maps beside it. A
        method with stages filters its margins too, so its rectangles stay whole while they are enough.
        """
        rects, workers = list(rects), devices.worker_count()
        if len(rects) >= workers * (1 if self.denoiser.wide_values else 8):
            return rects
        rows = 64 if self.recipe.active_regions else 128
        return [part for rect in rects for part in _bands(rect, workers, rows)]

    def _filter(self, rect: Rect, progress: Progress) -> FloatArray:
        """One rectangle, in as many tiles as memory asks for."""
        progress.check()
        if max(rect.width, rect.height) <= self.tile:
            try:
                return self._tile(rect)
            except (OutOfMemory, MemoryError):
                pass  # leave the except block first: its traceback would keep the memory
            self._retreat(rect)
        if max(rect.width, rect.height) <= self.tile:  # now on another device
            return self._filter(rect, progress)
        out = np.empty((self.picture.channels, rect.height, rect.width), np.float32)
        for part in rect.quarters(self.denoiser.size_multiple):
            out[(slice(None), *part.translate(-rect.x, -rect.y).slices)] = self._filter(part, progress)
        return out

    def _retreat(self, rect: Rect) -> None:
        """After running out of memory: half the tile, and below the smallest the CPU."""
        with self._lock:
            devices.release(self.device.kind)
            side = max(rect.width, rect.height)
            if self.tile < side:
                return  # another thread has already halved it
            if side > SMALLEST_TILE:
                self.tile = max(SMALLEST_TILE, (side + 1) // 2)
                self.fallback = f"{self.device.name} ran out of memory: tiles of {self.tile} px"
            elif self.device.kind != "cpu":
                self.fallback = (
                    f"{self.device.name} ran out of memory even for {side} px tiles: using the CPU"
                )
                self.device, self.tile = devices.cpu(self.fallback), self._largest
            else:
                raise StudioError(f"There is not enough memory to run {self.denoiser.name} on this picture.")
            log.warning("%s", self.fallback)

    def _tile(self, rect: Rect) -> FloatArray:
        apply: Any = self._apply
        result: FloatArray = apply(self.cut(rect))
        expected = (self.picture.channels, rect.height, rect.width)
        if result.shape != expected or result.dtype != np.float32:
            raise TypeError(
                f"{self.denoiser.id} returned {result.dtype} {result.shape}, not float32 {expected}"
            )
        return result

    def cut(self, rect: Rect) -> Tile:
        """The method's input for this rectangle."""
        reach = self.denoiser.reach(self._maxima(rect)) if self.denoiser.wide_values else 0
        halo = self.denoiser.halo(self._maxima(rect.expand(reach).intersect(self.picture.rect)))
        pixels = cut_out(self.picture.pixels, rect, halo)
        valid: BoolArray | None = None
        if self.picture.padding is not None:
            padding = cut_out(self.picture.padding, rect, halo).astype(bool)
            if padding.any():
                valid = np.logical_not(padding)
                np.copyto(pixels, 0.0, where=padding)
        mosaic = self.picture.mosaic
        return Tile(
            pixels=pixels,  # type: ignore[arg-type]
            valid=valid,
            halo=halo,
            values=self._values(rect, halo),
            noise_level=self.recipe.noise_level or 0.0,
            value_range=self.picture.value_range,
            device=self.device.kind,
            seed=self.recipe.seed,
            precision=self.recipe.precision,
            # Mirroring without repeating the edge keeps every pixel's colour.
            mosaic=mosaic.shifted(rect.x - halo, rect.y - halo) if mosaic is not None else None,
            knowledge=self.fitted.knowledge if self.fitted is not None else None,
        )

    def _maxima(self, rect: Rect) -> Mapping[str, Value]:
        return maxima(self.recipe, self.denoiser, rect, self.picture, self.fitted)

    def _values(self, rect: Rect, halo: int) -> dict[str, FieldValue]:
        if not self.denoiser.wide_values:
            return fields(self.recipe, self.denoiser, rect, self.picture, self.fitted)
        outer = rect.expand(halo)
        inside = outer.intersect(self.picture.rect)
        values = fields(self.recipe, self.denoiser, inside, self.picture, self.fitted)
        if inside == outer:
            return values
        rows, columns = mirrored(outer, self.picture.width, self.picture.height)
        index = np.ix_(rows - inside.y, columns - inside.x)
        return {
            name: np.ascontiguousarray(value[index]) if isinstance(value, np.ndarray) else value
            for name, value in values.items()
        }


def _bands(rect: Rect, count: int, most: int) -> list[Rect]:
    rows = min(most, max(16, -(-rect.height // count)))
    return [Rect.from_edges(rect.x, y, rect.x1, min(y + rows, rect.y1)) for y in range(rect.y, rect.y1, rows)]
