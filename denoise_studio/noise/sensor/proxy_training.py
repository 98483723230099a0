"""Trains the generator of read noise by the differences of distributions (DDL; arXiv 2310.09126, 4.1)."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from denoise_studio.core.progress import Progress
from denoise_studio.noise.sensor.dark_profile import DarkProfile
from denoise_studio.noise.sensor.proxy import NETS, Proxy, forward, gain, names
from denoise_studio.noise.sensor.tukey import Measured

STEPS = 800
_BATCH = 4096
_RATE = 1e-2
_EVERY = 20


def with_proxy(
    profile: DarkProfile, steps: int = STEPS, seed: int = 0, progress: Progress | None = None
) -> DarkProfile:
    """The profile with a generator trained on its quantiles.

    Raises:
        Cancelled: `progress` was cancelled.
    """
    isos = np.array(profile.isos)
    quantiles = [setting.quantiles for setting in profile.settings]
    return replace(profile, proxy=train(isos, quantiles, steps, seed, progress or Progress()))


def train(isos: Any, quantiles: list[Measured], steps: int, seed: int, progress: Progress) -> Proxy:
    """Train on one distribution for each ISO; the same seed gives the same weights on one machine.

    The loss is L1 between the quantiles of generated and real noise, in sds of the real, and L1
    between their distribution functions at the generated values.
    """
    import torch

    random = np.random.default_rng(seed)
    sds = np.array([math.sqrt(noise.variance) for noise in quantiles])
    unit = float(sds.min())
    # At the start `fol` carries half the variance of the quietest ISO, and `pre` the rest of each.
    first = np.sqrt(2 * np.square(sds / unit) - 1) / gain(isos, float(isos[0]))
    levels = (np.arange(_BATCH) + 0.5) / _BATCH
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for arrays as small as these, threads cost more than they give
    try:
        weights, scalers = _trained(
            gain(isos, float(isos[0])) * unit / sds,
            np.log(first),
            [_table(noise, sd, levels) for noise, sd in zip(quantiles, sds, strict=True)],
            1 / (sds / unit),
            steps,
            random,
            progress,
        )
    finally:
        torch.set_num_threads(threads)
    return Proxy(np.asarray(isos, np.float64), scalers, unit, weights)


def _trained(
    gains: Any,
    first_scalers: Any,
    tables: list[tuple[Any, Any, Any]],
    shares: Any,
    steps: int,
    random: np.random.Generator,
    progress: Progress,
) -> tuple[dict[str, Any], Any]:
    """Weights and scalers after so many steps.

    Args:
        gains: K of each ISO without its scaler, in sds of that ISO.
        first_scalers: to begin with.
        tables: of each ISO, see `_table`.
        shares: an output of 1 in sds of each ISO.
        steps: of Adam.
        random: what the numbers are drawn from.
        progress: told now and then.
    """
    import torch

    silu = torch.nn.functional.silu
    weights = {
        name: torch.tensor(value, requires_grad=True) for name, value in _first_weights(random).items()
    }
    scalers = torch.tensor(first_scalers, dtype=torch.float32, requires_grad=True)
    real = [tuple(torch.tensor(part, dtype=torch.float32) for part in table) for table in tables]
    levels = (np.arange(_BATCH) + 0.5) / _BATCH
    wanted = torch.tensor(levels, dtype=torch.float32)
    optimiser = torch.optim.Adam([{"params": list(weights.values())}, {"params": [scalers]}], lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        if step % _EVERY == 0:
            progress.report(step / steps, "Training the noise generator")
        before, behind = (
            forward(weights, net, torch.tensor(_normals(levels, random)), silu)[:, 0] for net in NETS
        )
        loss = torch.zeros(())
        for index, (values, knots, below) in enumerate(real):
            k = float(gains[index]) * torch.exp(scalers[index])
            drawn = torch.sort(k * before + float(shares[index]) * behind).values
            loss = loss + (drawn - values).abs().mean()
            loss = loss + (_interpolated(drawn, knots, below) - wanted).abs().mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    trained = {name: value.detach().numpy().copy() for name, value in weights.items()}
    return trained, scalers.detach().numpy().astype(np.float64)


def _first_weights(random: np.random.Generator) -> dict[str, Any]:
    """Small at the ends of the residual blocks: training begins near two normals of variance 1/2."""
    found = {}
    for net in NETS:
        for name, shape in names(net).items():
            if name.endswith("bias"):
                values = random.uniform(-0.5, 0.5, shape) if name == f"{net}.in.bias" else np.zeros(shape)
            else:
                values = random.standard_normal(shape) / math.sqrt(shape[0])
                values *= 0.1 if name.endswith(".2.weight") else 1.0
            found[name] = values.astype(np.float32)
        # The way past the blocks: n in, sqrt(1/2) n out.
        weight = found[f"{net}.in.weight"]
        found[f"{net}.out.weight"] = weight.T * np.float32(math.sqrt(0.5) / float(np.square(weight).sum()))
        found[f"{net}.out.bias"] = -found[f"{net}.in.bias"] @ found[f"{net}.out.weight"]
    return found


def _normals(levels: Any, random: np.random.Generator) -> Any:
    """Normal numbers in random order, `(N, 1)` float32, whose own quantiles are nearly exact."""
    from scipy.special import ndtri

    jitter = (random.random(len(levels)) - 0.5) / len(levels)
    return random.permutation(ndtri(levels + jitter)).astype(np.float32)[:, None]


def _table(noise: Measured, sd: float, levels: Any) -> tuple[Any, Any, Any]:
    """Quantiles at the levels, and knots of the distribution function, in sds."""
    values = (noise.values - noise.mean) / sd
    rising = np.concatenate([[True], np.diff(values) > 1e-6])
    return np.interp(levels, noise.levels, values), values[rising], noise.levels[rising]


def _interpolated(x: Any, knots: Any, values: Any) -> Any:
    """Linear interpolation that gradients pass."""
    import torch

    index = torch.clamp(torch.searchsorted(knots, x.detach()), 1, len(knots) - 1)
    low, high = knots[index - 1], knots[index]
    share = torch.clamp((x - low) / (high - low), 0, 1)
    return values[index - 1] + share * (values[index] - values[index - 1])
