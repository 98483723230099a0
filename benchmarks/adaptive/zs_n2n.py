"""ZS-N2N (Mansour and Heckel, CVPR 2023), written from the paper: for comparison only."""

import time
from typing import Any

import numpy as np

from adaptive.cases import Sample
from adaptive.output import Output

STEPS = 3000
_WIDTH, _SLOPE, _RATE = 48, 0.2, 1e-3


def _halves(pixels: Any) -> tuple[Any, Any]:
    """The pair downsampler: the means of the two diagonals of each 2 x 2 block."""
    first = (pixels[..., ::2, ::2] + pixels[..., 1::2, 1::2]) / 2
    second = (pixels[..., ::2, 1::2] + pixels[..., 1::2, ::2]) / 2
    return first, second


def denoise(sample: Sample, steps: int = STEPS) -> Output:
    """Train the net on this one picture, 3000 steps in the paper, and take what it calls noise away.

    Adam at 1e-3, halved after each third of the steps. The loss is the residual one, each half
    less its noise against the other half, plus the consistency one, halves of the result against
    results of the halves. Odd sides are mirrored to even ones.
    """
    import torch
    from torch import nn

    torch.set_num_threads(1)
    started = time.process_time()  # of one thread: its neighbours do not count
    torch.manual_seed(0)
    unit = sample.unit(sample.noisy.pixels)
    channels, height, width = unit.shape
    even = np.pad(unit, ((0, 0), (0, height % 2), (0, width % 2)), mode="symmetric")
    noisy = torch.tensor(even[None]).contiguous(memory_format=torch.channels_last)
    net: Any = nn.Sequential(
        nn.Conv2d(channels, _WIDTH, 3, padding=1),
        nn.LeakyReLU(_SLOPE),
        nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
        nn.LeakyReLU(_SLOPE),
        nn.Conv2d(_WIDTH, channels, 1),
    )
    net.to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(net.parameters(), _RATE)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, max(1, steps // 3), 0.5)
    halves = torch.cat(_halves(noisy))  # one pass of the net for both
    crossed = halves.flip(0)
    for _ in range(steps):
        results = halves - net(halves)
        residual = nn.functional.mse_loss(results, crossed)
        consistent = torch.cat(_halves(noisy - net(noisy)))
        loss = residual + nn.functional.mse_loss(results, consistent)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        result = (noisy - net(noisy))[0, :, :height, :width].numpy()
    low, high = sample.limits
    return Output(result * (high - low) + low, {}, time.process_time() - started)
