"""From folders to batches, as a configuration asks."""

from pathlib import Path

import numpy as np

from denoise_studio.core.errors import StudioError
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.network.model import Shape
from denoise_studio.training.batches import Batches, Source
from denoise_studio.training.configs import Config
from denoise_studio.training.heavy_batches import (
    HU,
    Crop,
    HeavyBatches,
    ct_crops,
    load_slices,
    photograph_crops,
)
from denoise_studio.training.pictures import load_pictures
from denoise_studio.training.raw_batches import RawBatches


def batches_of(config: Config, folders: list[Path], seed: int, device: str = "cpu") -> tuple[Source, int]:
    """The batches that a configuration asks for, and from how many pictures they are drawn.

    Those of mosaics are drawn on `device`.

    Raises:
        StudioError: the folders do not hold what is needed.
    """
    pictures = load_pictures(folders, colours_of(config), smallest=config.crop)
    if config.source == "raw":
        return RawBatches(pictures, config.crop, config.batch, seed, device), len(pictures)
    if isinstance(config.shape, Shape):
        return Batches(pictures, config.crop, config.batch, seed, config.camera), len(pictures)
    if config.source != "ct":
        return HeavyBatches(photograph_crops(pictures, config.crop), config.batch, seed), len(pictures)
    slices = load_slices(folders)
    if not slices:
        raise StudioError("There are no pictures in HU to train with.")
    crops = ct_crops(slices, pictures, config.crop)
    return HeavyBatches(crops, config.batch, seed), len(pictures) + len(slices)


def colours_of(config: Config) -> int:
    """Channels of the pictures to train with: a mosaic has one, and is made of three."""
    return 3 if config.source == "raw" else config.shape.channels


def count_used(config: Config, folder: Path) -> int:
    """How many pictures of a folder such a configuration draws from.

    Raises:
        StudioError: none.
    """
    slices = len(load_slices([folder])) if config.source == "ct" else 0
    try:
        return slices + len(load_pictures([folder], colours_of(config), smallest=config.crop))
    except StudioError:
        if not slices:
            raise
        return slices


def in_prior_unit(folder: Path, kind: str, channels: int) -> list[FloatArray]:
    """Clean pictures of a class as its priors see them, `(C, H, W)` float32.

    Raises:
        StudioError: the folder holds none.
    """
    if kind != "ct":
        pictures = load_pictures([folder], channels)
        return [np.moveaxis(p, -1, 0).astype(np.float32) / np.float32(127.5) - 1 for p in pictures]
    slices = load_slices([folder])
    if not slices:
        raise StudioError(f"There are no pictures in HU in {folder}.")
    return [pixels[None] / np.float32(HU) for pixels in slices]


def crops_of(folders: list[Path], side: int) -> dict[str, Crop]:
    """What draws crops of every class of pictures, by class ("photographs-1", ...).

    Raises:
        StudioError: the folders hold no pictures, or none in HU.
    """
    slices = load_slices(folders)
    if not slices:
        raise StudioError("There are no pictures in HU among these.")
    grey, colour = (load_pictures(folders, channels, smallest=side) for channels in (1, 3))
    return {
        "photographs-1": photograph_crops(grey, side),
        "photographs-3": photograph_crops(colour, side),
        "ct-1": ct_crops(slices, grey, side),
    }
