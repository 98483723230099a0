"""The studio's own methods, by the road that everybody takes: `engine.render`."""

import functools
import hashlib
from pathlib import Path
from typing import Any

from adaptive.store import digest

import denoise_studio
from denoise_studio.core.errors import RecipeError
from denoise_studio.core.recipe import Recipe
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.render import render, render_in_full
from peers.pictures import Sample

ADAPTIVE = "adaptive-bilateral"
_CODE = {
    "nlm": ("denoisers/nlm.py",),
    ADAPTIVE: ("denoisers/adaptive", "denoisers/bilateral", "noise"),
    "network": ("denoisers/network", "noise"),
}
"""Parts of the program that a method's result depends on."""


def registered(method: str) -> bool:
    try:
        get_denoiser(method)
    except RecipeError:
        return False
    return True


def run(sample: Sample, threads: int, method: str, device: str) -> Any:
    """Told the noise if the sample knows it, else left alone; on as many threads as the engine takes."""
    # A picture of its own: fits are kept by picture, and each shall be found anew.
    picture = sample.noisy.derive(sample.noisy.pixels.copy())
    return render(picture, Recipe(method=method, noise_level=sample.sigma, device=device)).pixels


def precision(sample: Sample, method: str, device: str) -> str:
    """The arithmetic that the engine chose for it on this machine."""
    return render_in_full(
        sample.noisy, Recipe(method=method, noise_level=sample.sigma, device=device)
    ).recipe.precision


@functools.cache
def fingerprint(method: str, channels: int) -> str:
    """Checksum of the method's code, and of its weights if it has any."""
    root = Path(denoise_studio.__file__).parent
    code = digest([root / path for path in _CODE[method]])
    weights = get_denoiser(method).weights_sha256
    return f"{code} {weights[channels]}" if weights else code


def network_weights(channels: int) -> list[Path]:
    from denoise_studio.core.resources import resource

    wanted = get_denoiser("network").weights_sha256[channels]
    files = resource("weights").glob("*.safetensors")
    return [path for path in files if hashlib.sha256(path.read_bytes()).hexdigest() == wanted]
