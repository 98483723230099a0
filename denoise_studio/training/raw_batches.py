"""Mosaics with sensor noise, variance-stabilised as the denoiser will see them.

A crop is a photograph led back to what a sensor sees (`unprocess`), a number of electrons for
white and a read noise. Poisson noise is exact; read noise is Gaussian or Tukey's lambda, some
crops have row noise and are rounded to DN, and gain, read noise and black are told a little
wrong: a network that met only the truth trusts it too much (ELD, arXiv 2108.02158; YOND,
arXiv 2506.03645). Everything is drawn on the device that trains.
"""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from denoise_studio.noise.sensor import vst
from denoise_studio.training.batches import Batch
from denoise_studio.training.levels import NoiseLevels
from denoise_studio.training.pictures import Pixels
from denoise_studio.training.unprocess import draw_cameras, mosaic_of, to_sensor

_ELECTRONS = (6.0, 40_000.0)
"""Electrons of a saturated pixel, from the highest ISO of small sensors to the lowest of large ones."""
_READ = (0.25, 15.0)
"""sd of the read noise in electrons."""
_WRONG_GAIN, _WRONG_READ, _WRONG_BLACK = 0.04, 0.08, 0.08
"""sd of the relative errors of gain and read noise, and of black in sds of the read noise."""
_HEAVY_TAILS, _ROWS, _ROUNDED, _SCALED = 0.3, 0.3, 0.5, 0.3
"""Shares of the crops with Tukey's lambda, with row noise, with rounding, with another told level."""


class RawBatches:
    """Draws crops of random pictures as noisy mosaics RGGB, in the unit of their noise sd.

    Args:
        pictures: `(H, W, 3)` uint8, at least `crop` a side.
        crop: side in pixels; a multiple of 2.
        size: crops in a batch.
        seed: of everything drawn.
        device: where.
    """

    def __init__(self, pictures: list[Pixels], crop: int, size: int, seed: int, device: str) -> None:
        self._crop, self._size, self._seed, self._device = crop, size, seed, device
        self._sides = torch.tensor([picture.shape[:2] for picture in pictures], device=device)
        highest, widest = (int(side) for side in self._sides.amax(dim=0))
        canvas = np.zeros((len(pictures), 3, highest, widest), np.uint8)
        for place, picture in zip(canvas, pictures, strict=True):
            place[:, : picture.shape[0], : picture.shape[1]] = np.moveaxis(picture, -1, 0)
        self._pictures = torch.from_numpy(canvas).to(device)
        self._table = torch.from_numpy(vst.bias_table().copy()).to(device)

    def draw(self, step: int, levels: NoiseLevels) -> Batch:
        """The batch of a step: in units of the noise, which the network is told is 1 (some: another)."""
        generator = torch.Generator(self._device).manual_seed((self._seed << 32) + step)
        random = _Random(generator)
        colours = to_sensor(self._crops(random), draw_cameras(self._size, generator))
        mosaic = mosaic_of(colours)
        full = random.log_uniform(*_ELECTRONS, self._size)
        read = random.log_uniform(*_READ, self._size)
        electrons = mosaic * full
        noisy = torch.minimum(_exposed(electrons, read, random), full)
        clean, seen = self._stabilised(electrons, noisy, read, random)
        told = torch.where(random.chance(_SCALED, self._size), random.log_uniform(0.3, 3.0, self._size), 1.0)
        noisy = clean + told * (seen - clean)
        return Batch(clean, noisy, told.expand_as(clean))

    def _crops(self, random: "_Random") -> Tensor:
        """`(N, 3, crop, crop)` in [0, 1]: one half as it is, the other at half the size."""
        half = self._size // 2
        small = self._cut(random, half, 2 * self._crop)
        return torch.cat([functional.avg_pool2d(small, 2), self._cut(random, self._size - half, self._crop)])

    def _cut(self, random: "_Random", count: int, side: int) -> Tensor:
        """`(count, 3, side, side)` squares, turned, perhaps mirrored; small pictures go on mirrored."""
        chosen = random.below(len(self._pictures), count)
        room = (self._sides[chosen] - side).clamp_min(0)
        start = (torch.rand((count, 2), generator=random.generator, device=self._device) * (room + 1)).long()
        reach = torch.arange(side, device=self._device)
        rows, columns = (
            _mirrored(start[:, axis, None] + reach, self._sides[chosen, axis, None]) for axis in (0, 1)
        )
        crops = self._pictures[chosen[:, None, None], :, rows[:, :, None], columns[:, None, :]]
        crops = crops.permute(0, 3, 1, 2).float() / 255
        parts: list[Tensor] = list(torch.split(crops, 1))
        turns = random.below(8, count).tolist()
        turned = [torch.rot90(part, turn % 4, (2, 3)) for part, turn in zip(parts, turns, strict=True)]
        return torch.cat(
            [part.flip(2) if turn >= 4 else part for part, turn in zip(turned, turns, strict=True)]
        )

    def _stabilised(
        self, electrons: Tensor, noisy: Tensor, read: Tensor, random: "_Random"
    ) -> tuple[Tensor, Tensor]:
        """Truth and measurement after the transform with slightly wrong parameters."""
        gain = torch.exp(_WRONG_GAIN * random.normal(self._size))
        ratio = read / gain * torch.exp(_WRONG_READ * random.normal(self._size))
        shift = _WRONG_BLACK * read * random.normal(self._size)
        clean = _root(electrons / gain, ratio)
        u = (noisy + shift) / gain
        return clean, _root(u, ratio) - self._bias(u.clamp_min(0), ratio)

    def _bias(self, u: Tensor, ratio: Tensor) -> Tensor:
        """`vst.bias`, between the table's rows and columns; 0 beyond its last column."""
        rows, columns = self._table.shape
        y = (ratio / vst.NOISIEST).clamp(0, 1).sqrt() * (rows - 1)
        x = (u / vst.BRIGHTEST).clamp(0, 1).sqrt() * (columns - 1)
        top, left = y.long().clamp_max(rows - 2), x.long().clamp_max(columns - 2)
        dy, dx = y - top, x - left
        flat, place = self._table.flatten(), top * columns + left
        upper = torch.lerp(flat[place], flat[place + 1], dx)
        lower = torch.lerp(flat[place + columns], flat[place + columns + 1], dx)
        return torch.where(u > vst.BRIGHTEST, 0.0, torch.lerp(upper, lower, dy))


class _Random:
    """Numbers for the crops of a batch, `(N, 1, 1, 1)`."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator

    def uniform(self, low: float, high: float, count: int) -> Tensor:
        drawn = torch.rand((count, 1, 1, 1), generator=self.generator, device=self.generator.device)
        return low + (high - low) * drawn

    def log_uniform(self, low: float, high: float, count: int) -> Tensor:
        return torch.exp(self.uniform(math.log(low), math.log(high), count))

    def normal(self, count: int) -> Tensor:
        return torch.randn((count, 1, 1, 1), generator=self.generator, device=self.generator.device)

    def chance(self, share: float, count: int) -> Tensor:
        return self.uniform(0, 1, count) < share

    def below(self, end: int, count: int) -> Tensor:
        return torch.randint(end, (count,), generator=self.generator, device=self.generator.device)


def _mirrored(index: Tensor, size: Tensor) -> Tensor:
    """Indices within a picture, mirrored at its end."""
    return torch.where(index < size, index, 2 * size - 2 - index).clamp_min(0)


def _root(u: Tensor, ratio: Tensor) -> Tensor:
    """`vst.stabilise`, hybrid."""
    base = 3 / 8 + ratio.square()
    return 2 * (u.clamp_min(0) + base).sqrt() + u.clamp_max(0) / base.sqrt()


def _exposed(electrons: Tensor, read: Tensor, random: _Random) -> Tensor:
    """Electrons as the sensor reads them: sd `read` in all, whatever it is made of."""
    count, device = len(electrons), electrons.device
    shot = torch.poisson(electrons, generator=random.generator)
    shape, generator = electrons.shape, random.generator
    even = torch.rand(shape, generator=generator, device=device).clamp(1e-6, 1 - 1e-6)
    noise = torch.randn(shape, generator=generator, device=device)
    power = random.uniform(-0.25, 0.2, count)
    noise = torch.where(random.chance(_HEAVY_TAILS, count), _tukey(even, power), noise)
    row_share = torch.where(random.chance(_ROWS, count), random.uniform(0, 0.4, count), 0.0)
    line = torch.randn((count, 1, shape[2], 1), generator=generator, device=device)
    step = torch.where(random.chance(_ROUNDED, count), random.uniform(0.1, 2.0, count), 1e-3)
    grain = (1 - row_share.square() - step.square() / 12).clamp_min(0).sqrt()
    out = shot + read * (grain * noise + row_share * line)
    return torch.round(out / (read * step)) * (read * step)


def _tukey(even: Tensor, power: Tensor) -> Tensor:
    """Tukey's lambda distribution at sd 1, from uniform numbers (systematic form of its quantiles)."""
    safe = torch.where(power.abs() < 1e-3, torch.full_like(power, 1e-3), power)
    values = (even**safe - (1 - even) ** safe) / safe
    ratio = torch.exp(2 * torch.lgamma(1 + safe) - torch.lgamma(2 + 2 * safe))
    variance = 2 / safe.square() * (1 / (1 + 2 * safe) - ratio)
    return values / variance.sqrt()
