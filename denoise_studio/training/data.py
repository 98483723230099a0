"""From folders to batches, as a configuration asks."""

from pathlib import Path

from denoise_studio.core.errors import StudioError
from denoise_studio.denoisers.network.model import Shape
from denoise_studio.training.batches import Batches, Source
from denoise_studio.training.configs import Config
from denoise_studio.training.heavy_batches import HeavyBatches, ct_crops, load_slices, photograph_crops
from denoise_studio.training.pictures import load_pictures


def batches_of(config: Config, folders: list[Path], seed: int) -> tuple[Source, int]:
    """The batches that a configuration asks for, and from how many pictures they are drawn.

    Raises:
        StudioError: the folders do not hold what is needed.
    """
    pictures = load_pictures(folders, config.shape.channels, smallest=config.crop)
    if isinstance(config.shape, Shape):
        return Batches(pictures, config.crop, config.batch, seed, config.camera), len(pictures)
    if config.source != "ct":
        return HeavyBatches(photograph_crops(pictures, config.crop), config.batch, seed), len(pictures)
    slices = load_slices(folders)
    if not slices:
        raise StudioError("There are no pictures in HU to train with.")
    crops = ct_crops(slices, pictures, config.crop)
    return HeavyBatches(crops, config.batch, seed), len(pictures) + len(slices)
