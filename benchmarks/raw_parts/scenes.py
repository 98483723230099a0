"""Synthetic mosaics whose noise is known: pictures led back to a sensor, and a camera's calibrated noise."""

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from denoise_studio.core.mosaic import Mosaic, Photosite
from denoise_studio.core.picture import Picture, Scale, Stored
from denoise_studio.noise.sensor.camera_noise import CameraNoise
from denoise_studio.noise.sensor.cameras import CameraPreset
from denoise_studio.noise.sensor.sampler import Converter, sample
from denoise_studio.training.pictures import Pixels, load_pictures
from denoise_studio.training.unprocess import draw_cameras, mosaic_of, to_sensor

BLACK, WHITE = 512.0, 16383.0
_BLUR = 0.6
"""sd of the lens in pixels of the half-size pictures."""


@functools.cache
def pictures(folder: Path) -> tuple[Pixels, ...]:
    """All of a folder, at least 256 pixels a side."""
    return tuple(load_pictures([folder], 3, 256))


def montage(folder: Path, seed: int, rows: int = 8, columns: int = 8) -> Any:
    """`(160 rows, 240 columns)` float32 in [0, 1]: half-size pictures side by side, seen by one camera."""
    random = np.random.default_rng(seed)
    chosen = [
        pictures(folder)[i] for i in random.choice(len(pictures(folder)), rows * columns, replace=False)
    ]
    wide = [p if p.shape[1] >= p.shape[0] else np.rot90(p) for p in chosen]
    cut = [p[:320, :480] for p in wide]
    sheet = np.concatenate(
        [np.concatenate(cut[row * columns : (row + 1) * columns], axis=1) for row in range(rows)]
    )
    colours = torch.nn.functional.avg_pool2d(_seen(sheet, seed), 2)[0].numpy()
    soft = np.stack([cv2.GaussianBlur(colour, (0, 0), _BLUR) for colour in colours])
    return mosaic_of(torch.from_numpy(soft)[None])[0, 0].numpy()


def single(picture: Pixels, seed: int) -> Any:
    """`(h, w)` float32 in [0, 1]: one picture as it is, sharp and textured."""
    height, width = (side // 2 * 2 for side in picture.shape[:2])
    return mosaic_of(_seen(picture[:height, :width], seed))[0, 0].numpy()


def _seen(picture: Any, seed: int) -> torch.Tensor:
    tensor = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255
    return to_sensor(tensor, draw_cameras(1, torch.Generator().manual_seed(seed)))


def fourteen_bits(preset: CameraPreset, noise: CameraNoise) -> CameraNoise:
    """The same noise in DN of 14 bits."""
    return noise.scaled((WHITE - BLACK) / preset.span())


@dataclass(frozen=True, eq=False)
class Shot:
    """A noisy mosaic and the truth.

    Args:
        picture: with the black level that the file tells.
        truth: `(H, W)` DN with the true black level, no noise.
        noise: the camera's, without offset.
    """

    picture: Picture
    truth: Any
    noise: CameraNoise


def shoot(scene: Any, noise: CameraNoise, seed: int, offset: float = 0.0, masked: bool = False) -> Shot:
    """Expose a scene.

    Args:
        scene: `(H, W)` in [0, 1].
        noise: in DN of 14 bits.
        seed: of the noise.
        offset: by which the true black level lies above the file's, DN.
        masked: whether the file has pixels that no light reaches.
    """
    random = np.random.default_rng(seed)
    quiet = replace(noise, bias=(0.0, 0.0, 0.0, 0.0))
    mosaic = _mosaic()
    light = (scene * (WHITE - BLACK)).astype(np.float32)
    seen = _exposed(light, quiet, offset, random)
    if masked:
        dark = _exposed(np.zeros((256, 64), np.float32), quiet, offset, random)
        places = {site.name: dark[i // 2 :: 2, i % 2 :: 2].ravel() for i, site in enumerate(mosaic.sites)}
        mosaic = replace(mosaic, masked=places)
    picture = Picture(
        seen[None],
        scale=Scale.LINEAR,
        unit="DN",
        nominal_range=(BLACK, WHITE),
        stored=Stored("uint16", 14),
        mosaic=mosaic,
    )
    return Shot(picture, light + np.float32(BLACK + offset), quiet)


def _exposed(light: Any, noise: CameraNoise, offset: float, random: np.random.Generator) -> Any:
    plain = Converter(np.full((1, 1), BLACK + offset, np.float32), np.full((1, 1), WHITE, np.float32), 1.0)
    return sample(light, replace(noise, step=0.0), random, converter=plain) + np.float32(BLACK + offset)


def _mosaic() -> Mosaic:
    names = (("R", 0), ("G1", 1), ("G2", 1), ("B", 2))
    return Mosaic(((0, 1), (2, 3)), tuple(Photosite(name, colour, BLACK, WHITE) for name, colour in names))
