"""What the model card of a prior of the information-estimation metric says."""

from typing import Any

RESULTS = "results_rmse"
USE = """**For**: the posterior mean of clean pictures under heavy white noise, on which the information-
estimation metric rests: how much two pictures differ, as this prior sees it.
**Not for**: diagnosis; denoising pictures to look at; saying which of two pictures is better."""
MEASURED = """Root mean squared error of the posterior mean over all pixels, and in brackets that of the
Wiener filter with the mean spectrum of the class (prior `gaussian`). Errors and sigma, the sd of white
noise, are in the prior's unit:"""
MODULE = "denoise_studio/metrics/iem/heavy_noise.py"


WHAT = "A Wiener filter of the class's mean spectrum, and a U-Net for what that leaves; told the noise sd"


def noise(choices: dict[str, Any]) -> str:
    """Which noise it was trained with."""
    shape = choices["shape"]
    unit = "1000 HU" if choices["source"] == "ct" else "pictures in [-1, 1]"
    return (
        f"White Gaussian noise of sd {shape['lowest']:g} to {shape['highest']:g} (unit: {unit}), log-uniform."
    )


def table(results: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    """A row for every test set."""
    levels = next(iter(results.values()), {})
    rows = [
        f"| {name} | "
        + " | ".join(f"{found['network']:.4f} ({found['gaussian']:.4f})" for found in values.values())
        + " |"
        for name, values in results.items()
    ]
    return [f"| set | sigma {' | '.join(levels)} |", f"|---|{'---|' * len(levels)}", *rows]
