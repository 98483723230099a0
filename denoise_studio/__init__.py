"""Denoise Studio: look at a noisy picture, denoise it, steer the denoiser by hand.

>>> import denoise_studio as ds
>>> picture = ds.open("slice.dcm")                                          # doctest: +SKIP
>>> result = ds.render(picture, ds.Recipe(method="bilateral"))              # doctest: +SKIP
>>> ds.save(result, "slice-denoised.dcm")                                   # doctest: +SKIP
>>> ds.metrics.iem(result, picture, prior="gaussian").value                 # doctest: +SKIP
"""

import importlib
from typing import Any

__version__ = "0.1.0"

# Resolved on first use, so that importing the package stays instant and loads no toolkit.
_PUBLIC: dict[str, tuple[str, str | None]] = {
    "Picture": ("denoise_studio.core.picture", "Picture"),
    "Recipe": ("denoise_studio.core.recipe", "Recipe"),
    "Region": ("denoise_studio.core.region", "Region"),
    "Box": ("denoise_studio.core.region", "Box"),
    "Ellipse": ("denoise_studio.core.region", "Ellipse"),
    "Polygon": ("denoise_studio.core.region", "Polygon"),
    "Brush": ("denoise_studio.core.region", "Brush"),
    "StudioError": ("denoise_studio.core.errors", "StudioError"),
    "open": ("denoise_studio.formats", "open_picture"),
    "save": ("denoise_studio.formats", "save_picture"),
    "render": ("denoise_studio.engine.render", "render"),
    "methods": ("denoise_studio.denoisers", "all_denoisers"),
    "measure": ("denoise_studio.metrics", "measure"),
    "metrics": ("denoise_studio.metrics", None),
}

__all__ = [*_PUBLIC, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        place, attribute = _PUBLIC[name]
        module = importlib.import_module(place)
        return getattr(module, attribute) if attribute else module
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
