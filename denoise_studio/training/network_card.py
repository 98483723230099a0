"""What the model card of a denoising network says."""

from typing import Any

RESULTS = "results_psnr_db"
USE = """**For**: additive noise of known strength in photographs, scans and data of any unit.
**Not for**: diagnosis; noise whose strength is not known even roughly; strongly correlated noise, which a
calibration only partly makes up for."""
MEASURED = "PSNR in dB, noise in float32 and not cut off, results cut to [0, 1], mean over the pictures:"
MODULE = "denoise_studio/denoisers/network/model.py"


WHAT = "A bias-free residual U-Net that is told the noise level of every pixel"


def noise(choices: dict[str, Any]) -> str:
    """Which noise it was trained with."""
    camera = choices["camera"]
    white = "White Gaussian noise of sd 0 to 75/255, a quarter of the crops with two levels"
    more = (
        f"; {camera:.0%} of the crops with the noise of developed\n  photographs instead." if camera else "."
    )
    return white + more


def table(results: dict[str, dict[str, float]]) -> list[str]:
    """A row for every test set."""
    rows = [
        f"| {name} | " + " | ".join(f"{value:.2f}" for value in values.values()) + " |"
        for name, values in results.items()
    ]
    return ["| set | sigma 15 | 25 | 50 |", "|---|---|---|---|", *rows]
