"""The noisy pictures, their truth, and where they count."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adaptive.store import Store
from denoise_studio.core.picture import Kind, Picture, Scale
from denoise_studio.formats.registry import open_picture
from denoise_studio.metrics import measure
from denoise_studio.noise.ct_dose import Kernel, Scan, dose_noise, inscribed_circle
from denoise_studio.noise.phantom import FIELD_OF_VIEW, phantom

PHOTONS = (1.2e6, 3e5, 8e4, 2e4)
"""Through air to one detector element in one view, from the highest dose to the lowest."""
ELECTRONIC = 8.0
WHITE = (15.0, 30.0, 60.0)
"""sd of the white noise, HU."""
SLICES = ("cornerstone_CTImage.dcm", "dicompyler_ct0.dcm", "693_UNCR.dcm")
AIR = -1000.0
HU_RANGE = (-1000.0, 1000.0)
_BLOCK = 8
PAIRS = {
    "camera, Nam": (
        "nam_cc_5dmark3_iso3200_1",
        "nam_cc_d600_iso3200_1",
        "nam_cc_d800_iso1600_1",
        "nam_cc_d800_iso3200_1",
        "nam_cc_d800_iso6400_1",
    ),
    "camera, SIDD": ("sidd_srgb_1068", "sidd_srgb_293", "sidd_srgb_34"),
    "camera, PolyU JPEG": ("Canon5D2_5_160_6400_bicycle_8", "NikonD800_5_100_4000_flower_12"),
}


@dataclass(frozen=True, eq=False)
class Sample:
    """One noisy picture.

    Args:
        noisy: as a person would open it; what a scanner does not see is padding.
        clean: `(C, H, W)`, the truth.
        noise: `(C, H, W)`, noisy - clean.
        field: `(H, W)`, where it counts.
        limits: low and high end of the values for PSNR and SSIM.
        key: everything that it depends on.
    """

    noisy: Picture
    clean: Any
    noise: Any
    field: Any
    limits: tuple[float, float]
    key: str

    def score(self, pixels: Any) -> tuple[float, float]:
        """PSNR in dB and SSIM within the field."""
        padding = None if self.field.all() else ~self.field
        test, truth = (Picture(np.array(p, np.float32), padding=padding) for p in (pixels, self.clean))
        answer = measure(test, truth, ["psnr", "ssim"], self.limits)
        return float(answer["psnr"].value or 0), float(answer["ssim"].value or 0)

    def own_noise(self) -> float | None:
        """Sd of what noise the truth of a CT slice still has: in the flattest tenth of soft tissue."""
        return flat_sd(self.clean[0]) if self.noisy.kind is Kind.CT else None

    def unit(self, values: Any, shift: bool = True) -> Any:
        """From the picture's unit to 0..1 over `limits`; `shift` False for differences."""
        low, high = self.limits
        return (values - (low if shift else 0.0)) / (high - low)


@dataclass(frozen=True)
class Case:
    """A picture to be made.

    Args:
        group: pictures over which a mean is taken.
        scene: what is seen.
        amount: photons, or the sd of white noise.
        kernel: reconstruction kernel; None for white noise.
        size: side in pixels of the middle part that is taken; the scan sees the whole slice.
        views: of the scan.
        file: a slice's path, a pair's without its ending, None for the phantom.
        raw: keep all of a real slice's own noise.
    """

    group: str
    scene: str
    amount: float = 0.0
    kernel: Kernel | None = None
    size: int = 256
    views: int = 720
    file: Path | None = None
    raw: bool = False

    @property
    def key(self) -> str:
        facts = (self.group, self.scene, self.amount, self.kernel, self.size, self.views, ELECTRONIC)
        return "picture 3 " + " ".join(str(fact) for fact in facts) + (" raw" if self.raw else "")

    def sample(self, store: Store) -> Sample:
        if self.group.startswith("camera"):
            return self._camera()
        made = store.arrays(self.key, self._ct)
        padding = None if made["field"].all() else ~made["field"]
        picture = Picture(
            made["noisy"][None],
            scale=Scale.HU,
            unit="HU",
            nominal_range=(-1024.0, 3071.0),
            padding=padding,
            name=self.scene,
        )
        noise = made["noisy"][None] - made["clean"][None]
        return Sample(picture, made["clean"][None], noise, made["field"], HU_RANGE, self.key)

    def _ct(self) -> dict[str, Any]:
        clean, spacing, inside = self._slice()
        # Another seed for every picture, the same in every run.
        seed = [round(self.amount), len(self.scene), *self.scene.encode()]
        if self.kernel is None:
            noise = np.random.default_rng(seed).normal(0.0, self.amount, clean.shape)
        else:
            scan = Scan(self.amount, ELECTRONIC, self.views, self.kernel)
            number = int(np.random.default_rng(seed).integers(1 << 31))
            noise = dose_noise(clean, spacing, scan, seed=number)
        field = inscribed_circle(clean.shape[0]) & inside
        start = (clean.shape[0] - self.size) // 2
        middle = (slice(start, start + self.size),) * 2
        noisy = np.float32(clean + noise)
        return {"clean": clean[middle], "noisy": noisy[middle], "field": field[middle]}

    def _slice(self) -> tuple[Any, float, Any]:
        """HU, spacing in mm, and where the slice has been seen."""
        if self.file is None:
            side = 2 * self.size
            return phantom(side), FIELD_OF_VIEW / side, np.ones((side, side), bool)
        picture = open_picture(self.file)
        bad = np.zeros(picture.pixels.shape[1:], bool) if picture.padding is None else picture.padding
        pixels = np.maximum(np.where(bad, AIR, picture.pixels[0]), AIR)
        pixels = pixels if self.raw else quieted(pixels)
        assert picture.spacing is not None
        return pixels.astype(np.float32), picture.spacing[0], ~bad

    def _camera(self) -> Sample:
        assert self.file is not None
        noisy, clean = (open_picture(path) for path in _pair(self.file))
        y, x = (noisy.height - self.size) // 2, (noisy.width - self.size) // 2
        cut = (slice(None), slice(y, y + self.size), slice(x, x + self.size))
        picture = Picture(
            noisy.pixels[cut].copy(),
            scale=noisy.scale,
            unit=noisy.unit,
            nominal_range=noisy.nominal_range,
            name=self.scene,
        )
        truth = clean.pixels[cut].copy()
        everywhere = np.ones(truth.shape[1:], bool)
        return Sample(picture, truth, picture.pixels - truth, everywhere, picture.nominal_range, self.key)


def flat_sd(pixels: Any) -> float:
    """Sd in the flattest tenth of a CT slice's soft tissue, HU: about its noise's."""
    side = pixels.shape[0] // _BLOCK
    square = pixels[: side * _BLOCK, : side * _BLOCK].astype(np.float64)
    blocks = square.reshape(side, _BLOCK, side, _BLOCK).transpose(0, 2, 1, 3).reshape(side * side, -1)
    means, sds = blocks.mean(axis=1), blocks.std(axis=1)
    return float(np.percentile(sds[(means > -200) & (means < 300)], 10))


def quieted(pixels: Any) -> Any:
    """A real slice without most of its own noise, by non-local means (no row of the table).

    Slices at hand have 12 to 20 HU of it, three doses of four add less: as it is, it would
    count as truth, and the best denoiser would be the one that does nothing.
    """
    from skimage.restoration import denoise_nl_means

    sd = flat_sd(pixels)
    return denoise_nl_means(
        pixels.astype(np.float64), patch_size=7, patch_distance=10, h=0.8 * sd, sigma=sd, fast_mode=True
    )


def _pair(stem: Path) -> tuple[Path, Path]:
    for noisy, clean, ending in (("real", "mean", "png"), ("noisy", "clean", "png"), ("real", "mean", "JPG")):
        first = stem.with_name(f"{stem.name}_{noisy}.{ending}")
        if first.exists():
            return first, stem.with_name(f"{stem.name}_{clean}.{ending}")
    raise FileNotFoundError(f"{stem}: no camera pair of this name")


def cases(data: Path | None, quick: bool, raw: bool = False) -> Iterator[Case]:
    """Every picture of the table, the dose simulations first."""
    slices = SLICES if not quick else SLICES[:1]
    size, views = (64, 120) if quick else (256, 720)
    files = [None] if data is None else [None, *(data / "ct" / name for name in slices)]
    scenes = {"phantom" if file is None else file.stem: file for file in files}
    common = {"size": size, "views": views}
    real = {**common, "raw": raw}
    for photons in PHOTONS[3:] if quick else PHOTONS:
        for scene, file in scenes.items():
            yield Case(f"dose {photons:.3g}", scene, photons, "hann", file=file, **real)
    for photons in PHOTONS[2:3] if quick else PHOTONS:
        yield Case(f"sharp kernel, dose {photons:.3g}", "phantom", photons, "ramp", **common)
    for sd in WHITE[1:2] if quick else WHITE:
        for scene, file in scenes.items():
            yield Case(f"white {sd:g} HU", scene, sd, file=file, **real)
    if data is not None:
        for group, names in list(PAIRS.items())[: 1 if quick else None]:
            for name in names[:1] if quick else names:
                yield Case(group, name, size=size, file=data / "photos" / "pairs" / name)
