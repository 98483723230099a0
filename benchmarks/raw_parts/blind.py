"""What it costs not to be told the noise: the same network blind and told, and BM3D told."""

import argparse
from typing import Any

import numpy as np

from denoise_studio.denoisers.raw_network.mosaic import denoise
from denoise_studio.noise.sensor.cameras import preset
from denoise_studio.noise.sensor.estimate import estimate_sensor
from denoise_studio.noise.sensor.model import SiteNoise
from raw_parts.scenes import fourteen_bits, montage, shoot

CAMERAS = ("SonyA7S2", "NikonD850-1", "CanonEOS5D4", "CanonEOS70D")
PLACES = {"low": 0.1, "middle": 0.55, "high": 1.0}
"""Where in the camera's range of log K: about ISO 200, 2000 and the highest."""


def blind(options: argparse.Namespace) -> None:
    """Part 5: PSNR of the mosaic, white being 1."""
    print("PSNR in dB of the linear mosaic, montages of 36 pictures; the network told nothing and the truth.")
    print("BM3D is told the truth, on the upper left quarter; the network's PSNR there beside it\n")
    names = ("camera", "K", "s", "noisy", "network, blind", "network, told", "blind less told")
    _row(*names, "network, told, quarter", "BM3D with VST, quarter")
    _row(*["---"] * 9)
    for name in CAMERAS:
        for place in PLACES.values():
            rows = [_one(options, name, place, seed) for seed in range(1 if options.quick else 2)]
            gain, read, noisy, unaware, told, part, peer = np.mean(rows, axis=0)
            shown = "not installed" if np.isnan(peer) else f"{peer:.2f}"
            _row(
                *(name, f"{gain:.3g}", f"{read:.3g}", f"{noisy:.2f}", f"{unaware:.2f}", f"{told:.2f}"),
                *(f"{unaware - told:+.2f}", f"{part:.2f}", shown),
            )


def _one(options: argparse.Namespace, name: str, place: float, seed: int) -> list[float]:
    camera = preset(name)
    low, high = np.log(camera.gain_range)
    gain = float(np.exp(low + place * (high - low)))
    noise = fourteen_bits(camera, camera.at(min(gain, camera.gain_range[1]), np.random.default_rng(seed)))
    scene = montage(options.data / "photos/CBSD68", seed, 6, 6)
    shot = shoot(scene, noise, seed)
    picture, truth = shot.picture, shot.truth
    mosaic = picture.mosaic
    assert mosaic is not None
    found = estimate_sensor(picture, denoise=lambda part, own, n: denoise(part, own, n.sites, 1.0))
    sites = [SiteNoise(s.name, noise.gain, shot.noise.dark_sd, s.black, s.white) for s in mosaic.sites]
    values = picture.pixels[0]
    told = denoise(values, mosaic, sites, 1.0)
    quarter = tuple(slice(0, side // 4 * 2) for side in values.shape)
    return [
        noise.gain,
        shot.noise.dark_sd,
        _psnr(values, truth),
        _psnr(denoise(values, mosaic, found.sites, 1.0), truth),
        _psnr(told, truth),
        _psnr(told[quarter], truth[quarter]),
        _bm3d(np.ascontiguousarray(values[quarter]), truth[quarter], sites[0]),
    ]


def _bm3d(values: Any, truth: Any, site: SiteNoise) -> float:
    """BM3D on each of the four planes, in the transformed domain, with the same bias taken off."""
    try:
        import bm3d
    except ImportError:
        return float("nan")
    if not hasattr(np, "trapz"):
        np.trapz = np.trapezoid  # type: ignore[attr-defined]  # noqa: NPY201
    transform, result = site.stabiliser, np.empty_like(values)
    for y in (0, 1):
        for x in (0, 1):
            plane = transform.corrected(np.ascontiguousarray(values[y::2, x::2]) - np.float32(site.black))
            result[y::2, x::2] = transform.inverse(bm3d.bm3d(plane, 1.0).astype(np.float32))
    return _psnr(result + np.float32(site.black), truth)


def _psnr(values: Any, truth: Any) -> float:
    span = 16383.0 - 512.0
    return float(-10 * np.log10((((values.astype(np.float64) - truth) / span) ** 2).mean()))


def _row(*cells: Any) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)
