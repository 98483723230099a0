"""What the model card of the network for camera raw says."""

from typing import Any

from denoise_studio.training.evaluate_raw import SETTINGS

RESULTS = "results_raw_psnr_db"
USE = """**For**: mosaics of the Bayer pattern that begin with red, variance-stabilised (EM-VST,
`noise/sensor/vst.py`), whose noise then has the sd that the network is told.
**Not for**: diagnosis; developed photographs; mosaics whose black, gain and read noise are not known."""
MEASURED = """PSNR in dB of the linear mosaic, white being 1, noisy and denoised, parameters of the noise
known. Mosaics are made of the pictures by `training/unprocess.py`; mean over the pictures:"""
MODULE = "denoise_studio/denoisers/network/model.py"

WHAT = "A bias-free residual U-Net that is told the noise level of every pixel, for mosaics"


def noise(choices: dict[str, Any]) -> str:
    """Which noise it was trained with."""
    return (
        "Sensor noise (`training/raw_batches.py`): Poisson, read noise that is Gaussian or follows Tukey's\n"
        "  lambda, row noise, rounding; gain, read noise and black told a little wrong."
    )


def table(results: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    """A row for every test set."""
    heads = " | ".join(f"{full:g} electrons, read {read:g}" for full, read in SETTINGS)
    rows = [
        f"| {name} | "
        + " | ".join(f"{pair['noisy']:.2f} → {pair['denoised']:.2f}" for pair in values.values())
        + " |"
        for name, values in results.items()
    ]
    return [f"| set | {heads} |", "|---" * (len(SETTINGS) + 1) + "|", *rows]
