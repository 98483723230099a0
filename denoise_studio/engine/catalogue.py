"""The list of methods as the window sees it: descriptors only, no method by name."""

from denoise_studio.denoisers import all_denoisers, default_method, get_denoiser

__all__ = ["all_denoisers", "default_method", "get_denoiser"]
