"""The bilateral kernels: speed and accuracy, against OpenCV and torch, in one run.

    .venv/bin/python benchmarks/bilateral_kernel.py [--rounds N] [--only PART]

Prints a Markdown table: medians of calls made in turns, ratios of those medians, and the claim
beside each. OpenCV and we use the same disc of neighbours, the same float32 picture and as many
threads. Rows for CUDA appear where there is a GPU. It never fails: a busy machine is no error.
"""

import argparse
import functools
import logging
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import cv2
import numpy as np

from denoise_studio.denoisers.bilateral.risk import WHITE
from denoise_studio.denoisers.bilateral.whole import bilateral, bilateral_divergence, bilateral_gradients
from denoise_studio.denoisers.bilateral.window import radii
from denoise_studio.engine.devices import worker_count

SIGMA_R = 0.1
WINDOWS = {7: 1.5, 9: 2.0, 11: 2.5}
"""Spatial sigma whose window of radius ceil(2 sigma) is this wide."""


class Row(NamedTuple):
    what: str
    ms: str
    beside: str
    claim: str = ""


def grey(side: int, channels: int = 1) -> Any:
    """Smooth bumps with noise of sd 0.05 on a range of 0..1, `(C, side, side)`."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / 40
    noise = np.random.default_rng(0).normal(0, 0.05, (channels, side, side))
    return (0.5 + 0.3 * np.sin(x) * np.cos(y) + noise).astype(np.float32)


def own_sigmas(side: int, sigma: float, low: float) -> tuple[Any, Any, Any]:
    """Maps that vary smoothly, the spatial ones between low and sigma."""
    y, x = np.mgrid[0:side, 0:side] / side
    wave = 0.5 + 0.5 * np.sin(7 * x + 3 * y)
    other = 0.5 + 0.5 * np.cos(5 * x - 6 * y)
    maps = (low + (sigma - low) * wave, low + (sigma - low) * other, SIGMA_R * (0.5 + other))
    return tuple(part.astype(np.float32) for part in maps)  # type: ignore[return-value]


@functools.cache
def threads() -> ThreadPoolExecutor:
    """As many threads as the product uses, at this process's own priority, which OpenCV's have."""
    return ThreadPoolExecutor(worker_count())


def calls(function: Callable[..., object], *args: Any, **more: Any) -> Callable[[], object]:
    """The call, on all cores."""
    return partial(function, *args, spread=threads().map, **more)


def in_turns(cases: list[Callable[[], object]], rounds: int) -> list[float]:
    """Median milliseconds of each; all see the same neighbours on a shared machine."""
    for call in cases:
        call()
    times: list[list[float]] = [[] for _ in cases]
    for _ in range(rounds):
        for call, column in zip(cases, times, strict=True):
            started = time.perf_counter()
            call()
            column.append((time.perf_counter() - started) * 1e3)
    return [statistics.median(column) for column in times]


def in_double(pixels: Any, sigma_x: Any, sigma_y: Any, sigma_r: Any) -> Any:
    """The formula tap by tap in float64 with the kernel's own taps; `(C, H, W)`."""
    _, height, width = pixels.shape
    rx, ry = (radii(sigma).astype(np.int64) for sigma in (sigma_x, sigma_y))
    reach = int(max(rx.max(), ry.max()))
    wide = np.pad(pixels.astype(np.float64), [(0, 0), (reach, reach), (reach, reach)], mode="reflect")
    sx, sy, sr = (np.asarray(s, np.float64) for s in (sigma_x, sigma_y, sigma_r))
    weights, total = np.zeros((height, width)), np.zeros(pixels.shape)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            other = wide[:, reach + dy : reach + dy + height, reach + dx : reach + dx + width]
            away = dx**2 / (2 * sx**2) + dy**2 / (2 * sy**2)
            weight = np.exp(-away - ((other - pixels) ** 2).sum(0) / (2 * sr**2))
            ellipse = dx**2 * ry**2 + dy**2 * rx**2 <= rx**2 * ry**2
            weight = weight * (ellipse & (abs(dx) <= rx) & (abs(dy) <= ry))
            weights += weight
            total += weight * other
    return total / weights


def error(pixels: Any, sigmas: tuple[Any, ...]) -> float:
    """Largest error in fractions of the range, on a corner of the picture."""
    part = np.ascontiguousarray(pixels[:, :256, :256])
    own = tuple(np.float32(s) if np.ndim(s) == 0 else np.ascontiguousarray(s[:256, :256]) for s in sigmas)
    difference = np.abs(bilateral(part, *own) - in_double(part, *own))
    return float(difference.max() / np.ptp(part))


def against_opencv(rounds: int) -> Iterator[Row]:
    """One sigma for all, and own sigmas at every pixel, against cv2.bilateralFilter with one sigma."""
    cv2.setNumThreads(worker_count())
    for side in (512, 2048):
        pixels = grey(side)
        for window, sigma in WINDOWS.items():
            yield from _one_window(pixels, window, sigma, rounds if side == 512 else max(7, rounds // 2))


def _one_window(pixels: Any, window: int, sigma: float, rounds: int) -> Iterator[Row]:
    side = pixels.shape[1]
    cases = {
        "one sigma": (sigma, sigma, SIGMA_R),
        "own sigmas at every pixel": own_sigmas(side, sigma, sigma - 0.45),
        "own sigmas, radii from 1": own_sigmas(side, sigma, 0.3),
    }

    def theirs() -> object:
        return cv2.bilateralFilter(pixels[0], window, SIGMA_R, sigma)

    other, *ours = in_turns([theirs, *(calls(bilateral, pixels, *s) for s in cases.values())], rounds)
    for (name, sigmas), mine in zip(cases.items(), ours, strict=True):
        yield Row(
            f"{side} x {side}, window {window}, {name}",
            f"{mine:.1f}",
            f"cv2 {other:.1f} ms, ratio {mine / other:.2f}; error {error(pixels, sigmas):.1e}",
            "ratio at most 0.75, error 1e-5",
        )


def derivatives(rounds: int) -> Iterator[Row]:
    """Divergence and gradients of 512 x 512, against the filter alone."""
    for channels in (1, 3):
        pixels = grey(512, channels)
        for window, sigma in WINDOWS.items():
            yield from _derivatives(pixels, window, own_sigmas(512, sigma, sigma - 0.45), rounds)


def _derivatives(pixels: Any, window: int, sigmas: tuple[Any, ...], rounds: int) -> Iterator[Row]:
    y, x = np.mgrid[-3:4, -3:4]
    rho = np.exp(-(x * x + y * y) / 4).astype(np.float32)
    upstream = np.random.default_rng(1).normal(size=pixels.shape).astype(np.float32)
    cases = {
        "filter alone": calls(bilateral, pixels, *sigmas),
        "divergence": calls(bilateral_divergence, pixels, *sigmas, rho=WHITE),
        "correlated divergence, 7 x 7": calls(bilateral_divergence, pixels, *sigmas, rho=rho),
        "gradients of the maps": calls(bilateral_gradients, pixels, *sigmas, upstream, with_pixels=False),
        "all gradients": calls(bilateral_gradients, pixels, *sigmas, upstream),
    }
    times = dict(zip(cases, in_turns(list(cases.values()), rounds), strict=True))
    base = times.pop("filter alone")
    kind = "grey" if pixels.shape[0] == 1 else "colour"
    for name, mine in times.items():
        beside = f"filter alone {base:.1f} ms, ratio {mine / base:.1f}"
        yield Row(f"{kind} 512 x 512, window {window}, {name}", f"{mine:.1f}", beside)


def unfolded(x: Any, sx: Any, sy: Any, sr: Any, window: int) -> Any:
    """How the filter is usually written with torch: every window unfolded, `(C, H, W)`."""
    import torch

    radius = window // 2
    channels, height, width = x.shape
    wide = torch.nn.functional.pad(x[None], [radius] * 4, mode="reflect")
    taps = torch.nn.functional.unfold(wide, window).view(channels, window * window, height, width)
    away = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
    dy, dx = (d.reshape(-1, 1, 1) for d in torch.meshgrid(away, away, indexing="ij"))
    exponent = dx**2 / (2 * sx**2) + dy**2 / (2 * sy**2) + (taps - x[:, None]).square().sum(0) / (2 * sr**2)
    weight = torch.exp(-exponent) * (dx**2 + dy**2 <= radius**2)
    return (weight * taps).sum(1) / weight.sum(0)


def against_torch(rounds: int) -> Iterator[Row]:
    """The unfolded form and the shifted in-place form of torch on the CPU, against ours."""
    import torch

    torch.set_num_threads(worker_count())
    torch.set_flush_denormal(True)
    pixels = grey(512)
    for window, sigma in WINDOWS.items():
        sigmas = own_sigmas(512, sigma, sigma - 0.45)
        tensors = [torch.from_numpy(array) for array in (pixels, *sigmas)]
        ours, slow, shifted = in_turns(
            [
                calls(bilateral, pixels, *sigmas),
                partial(unfolded, *tensors, window),
                partial(_shifted, pixels, sigmas),
            ],
            max(5, rounds // 5),
        )
        far = np.abs(unfolded(*tensors, window).numpy() - bilateral(pixels, *sigmas)).max()
        where = f"512 x 512, window {window}"
        beside = f"ours {ours:.1f} ms, {slow / ours:.0f} times as fast; {far:.0e} apart"
        yield Row(f"{where}, torch unfolded", f"{slow:.0f}", beside)
        yield Row(
            f"{where}, torch in place",
            f"{shifted:.0f}",
            f"ours {ours:.1f} ms, {shifted / ours:.0f} times as fast",
        )


def _shifted(pixels: Any, sigmas: tuple[Any, ...], device: str = "cpu") -> Any:
    from denoise_studio.denoisers.bilateral.on_torch import bilateral_torch

    halo = int(max(radii(sigma).max() for sigma in sigmas[:2]))
    wide = np.pad(pixels, [(0, 0), (halo, halo), (halo, halo)], mode="reflect")
    return bilateral_torch(wide, halo, None, *sigmas, device=device)


def on_cuda(rounds: int) -> Iterator[Row]:
    """24 megapixels on the GPU, tensors already there: Triton, torch in place, torch unfolded."""
    import torch

    if not torch.cuda.is_available():
        return
    from denoise_studio.denoisers.bilateral import on_torch

    window, sigma = 9, WINDOWS[9]
    height, width, halo = 4000, 6000, window // 2
    tensors = [
        torch.from_numpy(np.ascontiguousarray(array[..., :height, :])).cuda()
        for array in (grey(width), *own_sigmas(width, sigma, sigma - 0.45))
    ]
    x, *maps = tensors
    wide = torch.nn.functional.pad(x[None], [halo] * 4, mode="reflect")[0]
    cases: dict[str, Callable[[], Any]] = {
        "torch in place": partial(on_torch.filtered, wide, halo, None, *maps),
        "torch unfolded": partial(unfolded, *tensors, window),
    }
    if on_torch.fastest("cuda") is not on_torch.filtered:
        cases = {"Triton": partial(on_torch.fastest("cuda"), wide, halo, None, *maps), **cases}
    times, exact = {}, cases["torch in place"]()
    for name, call in cases.items():
        try:
            far = float((call() - exact).abs().max() / (x.max() - x.min()))
            times[name] = _on_gpu_ms(call, rounds), far
        except torch.OutOfMemoryError:
            yield Row(f"24 MP, window 9, {name}", "", "not enough memory on this GPU")
    slowest = times.get("torch unfolded", (float("nan"), 0.0))[0]
    card = torch.cuda.get_device_name()
    for name, (mine, far) in times.items():
        yield Row(
            f"24 MP, window 9, {name}",
            f"{mine:.2f}",
            f"{card}; unfolded {slowest:.1f} ms, {slowest / mine:.0f} times as fast; {far:.0e} apart",
            "3 ms on an H100, 20 times unfolded" if name == "Triton" else "",
        )


def _on_gpu_ms(call: Callable[[], object], rounds: int) -> float:
    """Median milliseconds between two events of the stream."""
    import torch

    times = []
    for _ in range(max(5, rounds)):
        start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        call()
        stop.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(stop))
    return statistics.median(times)


PARTS = {"opencv": against_opencv, "derivatives": derivatives, "torch": against_torch, "cuda": on_cuda}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=30, help="repetitions of each measurement")
    parser.add_argument("--only", choices=PARTS, help="one part of the table")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {worker_count()} threads, "
        f"Python {platform.python_version()}, OpenCV {cv2.__version__}{load}; medians of {options.rounds}.\n"
    )
    print("| what | ms | beside it | claim |\n|---|---|---|---|")
    for name, part in PARTS.items():
        if options.only in (None, name):
            for row in part(options.rounds):
                print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
