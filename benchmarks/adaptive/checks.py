"""What a denoiser must not do to HU: move flat areas, or bleed over borders. And how long it takes.

A bias is measured on pairs of pictures with opposite noise, truth + n and truth - n: what the
filter does in proportion to the noise cancels, so what stays is what it does to the truth.
"""

import statistics
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from adaptive import studio
from adaptive.cases import AIR, ELECTRONIC, PHOTONS
from adaptive.store import Store
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.noise.ct_dose import Scan, dose_noise, inscribed_circle
from denoise_studio.noise.phantom import FIELD_OF_VIEW, FLAT, phantom

PAIRS = 3
_RIM = 3.0
_METAL, _TISSUE, _NOISE = 3000.0, 50.0, 20.0


def _picture(pixels: Any, padding: Any = None) -> Picture:
    return Picture(
        np.array(pixels, np.float32)[None],
        scale=Scale.HU,
        unit="HU",
        nominal_range=(-1024.0, 3071.0),
        padding=padding,
    )


def _filtered(pixels: Any, padding: Any = None) -> Any:
    return studio.render(_picture(pixels, padding), studio.ADAPTIVE).picture.pixels[0]


def flat_bias(store: Store, code: str, quick: bool) -> list[dict[str, Any]]:
    """Change of the mean in the phantom's flat discs, HU: one entry a dose and disc.

    `bias` is over pairs of opposite noise, `largest` the largest change in any one picture (with
    what neighbouring noise brings in).
    """
    size = 128 if quick else 256
    return [
        entry
        for photons in (PHOTONS[2:3] if quick else PHOTONS)
        for entry in store.json(f"flat 1 {photons} {size} {code}", lambda p=photons: _flat(store, p, size))
    ]


def _flat(store: Store, photons: float, size: int) -> list[dict[str, Any]]:
    clean = phantom(size)
    padding = ~inscribed_circle(size)

    def simulate(seed: int) -> dict[str, Any]:
        scan = Scan(photons, ELECTRONIC, kernel="hann")
        return {"noise": dose_noise(clean, FIELD_OF_VIEW / size, scan, seed=1000 + seed)}

    changes = []
    for seed in range(PAIRS):
        noise = store.arrays(f"flat noise 1 {photons} {size} {seed}", lambda s=seed: simulate(s))["noise"]
        changes += [_filtered(clean + n, padding) - (clean + n) for n in (noise, -noise)]
    result = []
    for flat in FLAT:
        mask = flat.mask(size)
        means = [float(change[mask].mean()) for change in changes]
        entry = {"photons": photons, "disc": flat.name, "pixels": int(mask.sum())}
        result.append(entry | {"bias": statistics.fmean(means), "largest": max(map(abs, means))})
    return result


def border_bias(store: Store, code: str) -> list[dict[str, Any]]:
    """Mean error within 3 px of borders between tissue, air, metal and padding, HU."""
    return list(store.json(f"borders 1 {code}", _borders))


def _borders() -> list[dict[str, Any]]:
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    size = 192
    y, x = np.mgrid[:size, :size]
    air, padding = x < 48, y < 16
    metal = (x - 128) ** 2 + (y - 100) ** 2 <= 12**2
    clean = np.where(air, AIR, np.where(metal, _METAL, _TISSUE))
    tissue = ~(air | padding | metal)
    errors, kept = [], True
    for seed in range(PAIRS):
        noise = gaussian_filter(np.random.default_rng(seed).normal(size=(size, size)), 0.8, mode="wrap")
        noise *= _NOISE / noise.std()
        for sign in (1, -1):
            noisy = np.float32(np.where(padding, -2000.0 - seed, clean + sign * noise))
            result = _filtered(noisy, padding)
            errors.append(result - clean)
            kept = kept and bool(np.array_equal(result[padding], noisy[padding]))
    error = np.mean(errors, axis=0)
    areas = {
        "tissue beside air": (tissue, air & ~padding),
        "air beside tissue": (air & ~padding, tissue),
        "tissue beside metal": (tissue, metal),
        "metal beside tissue": (metal, tissue),
        "tissue beside padding": (tissue, padding),
        "air beside padding": (air & ~padding, padding),
    }
    result = []
    for name, (area, other) in areas.items():
        rim = area & (distance_transform_edt(~other) <= _RIM)
        result.append({"border": name, "pixels": int(rim.sum()), "bias": float(error[rim].mean())})
    return [*result, {"border": "padding keeps its values", "pixels": int(padding.sum()), "kept": kept}]


def times(quick: bool) -> Iterator[dict[str, Any]]:
    """Seconds of fit and filter on CT of growing size: the same patient beside itself again and again."""
    from scipy.ndimage import gaussian_filter

    part = phantom(128 if quick else 512)
    studio.warm_up(studio.ADAPTIVE, 1)
    for copies in (1, 2) if quick else (1, 2, 4):
        clean = np.tile(part, (copies, copies))
        noise = gaussian_filter(np.random.default_rng(0).normal(size=clean.shape), 0.8, mode="wrap")
        noisy = np.float32(clean + noise * (_NOISE / noise.std()))
        both, filtering, work = [], [], []
        for _ in range(3):
            picture = _picture(noisy)
            worked = time.process_time()
            for taken in (both, filtering):  # the second time its maps are known
                started = time.perf_counter()
                studio.render(picture, studio.ADAPTIVE)
                taken.append(time.perf_counter() - started)
            work.append(time.process_time() - worked)
        yield {
            "side": clean.shape[0],
            "seconds": statistics.median(both),
            "filter": statistics.median(filtering),
            # Of all threads; other programs on the machine disturb it less than the wall's seconds.
            "per_megapixel": statistics.median(work) / (clean.size / 1e6),
        }
