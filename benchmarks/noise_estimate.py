"""How well the noise of a picture is estimated, beside the old number and a peer.

    .venv/bin/python benchmarks/noise_estimate.py --data FOLDER [--only white ct ...]

FOLDER holds `photos/Set12`, `photos/BSD68` and `photos/pairs`; without it, only the parts that need none
run. Errors are relative to the truth: median / 90th percentile. "diagonal" is `noise.estimate.noise_sd`,
the studio's earlier number; "wavelet" is scikit-image's `estimate_sigma`.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.ndimage import convolve, gaussian_filter
from skimage.restoration import estimate_sigma

from denoise_studio.core.picture import Picture, Scale
from denoise_studio.noise.blind import estimate_noise
from denoise_studio.noise.ct_dose import Scan, dose_noise
from denoise_studio.noise.estimate import noise_sd
from denoise_studio.noise.local import estimate_noise_model
from denoise_studio.noise.phantom import FIELD_OF_VIEW, phantom

SIGMAS = (5, 10, 15, 25, 35, 50)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with photos/Set12 and so on")
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS))
    options = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)
    for name in options.only:
        part, needs_data = PARTS[name]
        if needs_data and options.data is None:
            print(f"{name}: needs --data\n")
            continue
        part(options.data)
        print()


def header(*names: str) -> None:
    row(*names)
    row(*["---"] * len(names))


def row(*cells: Any) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def greys(data: Path) -> list[Any]:
    files = [*sorted((data / "photos/Set12").glob("*.png")), *sorted((data / "photos/BSD68").glob("*.png"))]
    return [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE).astype(np.float32) for file in files]


def pairs(data: Path) -> Iterator[tuple[str, Any, Any]]:
    """Name, noisy and clean picture of every camera pair, `(3, H, W)`."""
    for file in sorted((data / "photos/pairs").iterdir()):
        for noisy, clean in (("_real.", "_mean."), ("_noisy.", "_clean.")):
            if noisy in file.name:
                both = (cv2.imread(str(f)) for f in (file, file.with_name(file.name.replace(noisy, clean))))
                one, two = (p[..., ::-1].transpose(2, 0, 1).astype(np.float32) for p in both)
                yield file.name.split(noisy)[0], one, two


def grey(pixels: Any, **more: Any) -> Picture:
    return Picture(np.asarray(pixels, np.float32)[None], **more)


def local_sd(noise: Any, side: int = 16) -> Any:
    """The sd around every pixel, in windows free of padding."""
    mean = cv2.blur(noise, (side, side))
    variance = np.maximum(cv2.blur(noise * noise, (side, side)) - mean * mean, 1e-12)
    return np.sqrt(variance * side**2 / (side**2 - 1))[side // 2 : -side // 2, side // 2 : -side // 2]


def errors(found: Any) -> str:
    """Median and 90th percentile of what is off."""
    off = np.abs(np.asarray(found) - 1)
    return f"{np.median(off):6.1%} / {np.quantile(off, 0.9):6.1%}"


def white(data: Path) -> None:
    """Error for white noise: median / 90th percentile."""
    header("white noise, Set12 + BSD68", "ours", "diagonal", "wavelet", "called white", "confidence")
    for sigma in SIGMAS:
        rows = []
        for number, clean in enumerate(greys(data)):
            noisy = clean + sigma * np.random.default_rng(number).standard_normal(clean.shape).astype(
                np.float32
            )
            found = estimate_noise(grey(noisy))
            rows.append(
                (
                    found.sigma,
                    noise_sd(grey(noisy)),
                    estimate_sigma(noisy),
                    not found.is_correlated,
                    found.confidence,
                )
            )
        table = np.array(rows, float)
        texts = " | ".join(errors(column / sigma) for column in table[:, :3].T)
        print(f"| sd {sigma} | {texts} | {table[:, 3].mean():.0%} | {np.median(table[:, 4]):.2f} |")


def clean(data: Path) -> None:
    """What is read where nothing was added."""
    header("clean pictures, Set12 + BSD68", "ours", "diagonal", "wavelet", "confidence")
    rows = []
    for picture in greys(data):
        found = estimate_noise(grey(picture))
        rows.append((found.sigma, noise_sd(grey(picture)), estimate_sigma(picture), found.confidence))
    for name, share in (("median", 0.5), ("90th percentile", 0.9)):
        print(
            f"| {name} | " + " | ".join(f"{value:.2f}" for value in np.quantile(rows, share, axis=0)) + " |"
        )


def camera(data: Path) -> None:
    """Read over true sd for camera pairs.

    The truth is the median sd of noisy - clean in windows of 16 x 16. "map" is the correlation of the map's
    logarithm with the true one's (green).
    """
    names = ("ours / true", "diagonal / true", "noise.local / true", "correlation", "map")
    header("camera pair", "true sd R G B", "ours", *names)
    ratios = []
    for name, noisy, truth_picture in pairs(data):
        sds = [local_sd(channel) for channel in noisy - truth_picture]
        truth = np.array([np.median(sd) for sd in sds])
        found, model = estimate_noise(Picture(noisy)), estimate_noise_model(Picture(noisy))
        sigma = np.array([channel.sigma for channel in found.channels])
        around = found.sd_map(*noisy.shape[1:])[1][8:-8, 8:-8][::16, ::16]
        likeness = np.corrcoef(np.log(around.ravel()), np.log(sds[1][::16, ::16].ravel() + 0.05))[0, 1]
        others = noise_sd(Picture(noisy)) / truth.mean(), np.mean(np.median(model.grid, axis=(1, 2)) / truth)
        ratios.append((np.mean(sigma / truth), *others, likeness))
        values = (" ".join(f"{v:.1f}" for v in three) for three in (truth, sigma))
        shown = [f"{ratio:.2f}" for ratio in ratios[-1]]
        row(name[:34], *values, *shown[:3], f"{found.correlation:.2f}", shown[3])
    for label, share in (("10th percentile", 0.1), ("median", 0.5), ("90th percentile", 0.9)):
        low = [f"{ratio:.2f}" for ratio in np.quantile(ratios, share, axis=0)]
        row(label, "", "", *low[:3], "", low[3])


def curve(data: Path) -> None:
    """Error of sigma(intensity) for Poisson-Gaussian noise, variance = gain x intensity + s²."""
    header("variance", "error of the curve at 5..95 % of the pixels", "called signal-dependent")
    for gain, s in ((0.1, 1), (0.5, 2), (1.0, 5), (3.0, 5)):
        off, called = [], []
        for number, picture in enumerate(greys(data)):
            sd = np.sqrt(gain * picture + s * s)
            found = estimate_noise(
                grey(picture + sd * np.random.default_rng(number).standard_normal(sd.shape))
            )
            values = np.quantile(picture, np.linspace(0.05, 0.95, 19))
            ratio = found.channels[0].sigma_of(values) / np.sqrt(gain * values + s * s)
            off.append(np.mean(np.abs(ratio - 1)))
            called.append(found.depends)
        text = f"{np.median(off):.1%} / {np.quantile(off, 0.9):.1%}"
        row(f"{gain:g} I + {s * s:g}", text, f"{np.mean(called):.0%}")


def _blurred(blur: float) -> Callable[..., Any]:
    return lambda shape, rng: gaussian_filter(rng.standard_normal(shape), blur)


def _mosaic(weights: Any, step: tuple[tuple[int, int], ...]) -> Callable[..., Any]:
    def make(shape: Any, rng: Any) -> Any:
        mask = np.zeros(shape)
        for row, column in step:
            mask[row::2, column::2] = 1
        return convolve(rng.standard_normal(shape) * mask, np.array(weights) / 4)

    return make


def _doubled(shape: Any, rng: Any) -> Any:
    small = rng.standard_normal(((shape[0] + 1) // 2, (shape[1] + 1) // 2)).astype(np.float32)
    return cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)[: shape[0], : shape[1]]


KINDS = {
    "white": lambda shape, rng: rng.standard_normal(shape),
    "white, means of 2 x 2": lambda shape, rng: cv2.blur(rng.standard_normal(shape), (2, 2)),
    "blurred, sd 0.5 px": _blurred(0.5),
    "blurred, sd 0.7 px": _blurred(0.7),
    "blurred, sd 1.2 px": _blurred(1.2),
    "green, bilinear demosaic": _mosaic([[0, 1, 0], [1, 4, 1], [0, 1, 0]], ((0, 0), (1, 1))),
    "red, bilinear demosaic": _mosaic([[1, 2, 1], [2, 4, 2], [1, 2, 1]], ((0, 0),)),
    "enlarged twice": _doubled,
}


def correlated(data: Path) -> None:
    """Error of the marginal sd where neighbours share their noise, and how often the flag is up."""
    header("noise on Set12 + BSD68", "sd 5", "flag", "sd 15", "flag", "sd 30", "flag")
    for name, make in KINDS.items():
        cells: list[str] = []
        for sigma in (5, 15, 30):
            rows = []
            for number, picture in enumerate(greys(data)):
                noise = make(picture.shape, np.random.default_rng(number))
                found = estimate_noise(grey(picture + noise * (sigma / noise.std())))
                rows.append((found.sigma / sigma, found.is_correlated))
            table = np.array(rows, float)
            cells += [errors(table[:, 0]), f"{table[:, 1].mean():.0%}"]
        row(name, *cells)


def ct(data: Path | None) -> None:
    """Noise made in the projections, read in soft tissue."""
    names = ("true sd", "ours", "diagonal", "noise.local", "true correlation across", "ours", "map / true")
    header("CT phantom, 512 x 512", *names)
    exact = phantom(512)
    tissue = (exact > -300) & (exact < 300)
    for kernel in ("hann", "shepp-logan", "ramp"):
        for photons in (3e5, 2e4):
            noise = dose_noise(exact, FIELD_OF_VIEW / 512, Scan(photons=photons, kernel=kernel, views=360))
            _ct_row(f"{kernel}, {photons:g} photons", exact + noise, noise, tissue)


def _ct_row(name: str, noisy: Any, noise: Any, tissue: Any) -> None:
    picture = grey(noisy, scale=Scale.HU)
    found, model = estimate_noise(picture), estimate_noise_model(picture)
    inner = tissue[8:-8, 8:-8]
    sd = local_sd(noise)[: inner.shape[0], : inner.shape[1]]
    everywhere = np.arange(512)
    ratio = found.sd_map(512, 512)[0][8:-8, 8:-8][inner] / sd[inner]
    both = tissue[:, 1:] & tissue[:, :-1]
    shared = (noise[:, 1:] * noise[:, :-1])[both].mean() / (noise[tissue] ** 2).mean()
    local = np.median(model.sd_at(everywhere, everywhere)[0][tissue])
    sds = (np.median(sd[inner]), found.sigma, noise_sd(picture), local)
    low, high = np.quantile(ratio, (0.05, 0.95))
    across = (f"{shared:.2f}", f"{found.kernel[6, 7]:.2f}", f"{low:.2f} .. {high:.2f}")
    row(name, *(f"{value:.1f}" for value in sds), *across)


def speed(data: Path | None) -> None:
    """Milliseconds of one estimate, white and correlated noise."""
    header("size", "white", "correlated", "diagonal")
    for channels, height, width in (
        (1, 256, 256),
        (1, 512, 512),
        (3, 512, 512),
        (1, 2048, 2048),
        (3, 4000, 6000),
    ):
        plain = np.random.default_rng(0).normal(100, 10, (channels, height, width)).astype(np.float32)
        soft = np.stack([cv2.blur(channel, (3, 3)) for channel in plain])
        rounds = 9 if plain.size < 1e7 else 3
        cells = [
            _time(estimate_noise, plain, rounds),
            _time(estimate_noise, soft, rounds),
            _time(noise_sd, plain, rounds),
        ]
        print(
            f"| {channels} x {height} x {width} | "
            + " | ".join(f"{1000 * cell:.0f} ms" for cell in cells)
            + " |"
        )


def _time(call: Callable[[Picture], Any], pixels: Any, rounds: int) -> float:
    seconds = []
    for _ in range(rounds):
        picture = Picture(pixels)
        start = time.perf_counter()
        call(picture)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


PARTS: dict[str, tuple[Callable[[Any], None], bool]] = {
    "white": (white, True),
    "clean": (clean, True),
    "pairs": (camera, True),
    "curve": (curve, True),
    "correlated": (correlated, True),
    "ct": (ct, False),
    "time": (speed, False),
}

if __name__ == "__main__":
    main()
