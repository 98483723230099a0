"""The noise of a picture that is not raw, found without a clean one."""

from denoise_studio.noise.blind.estimate import estimate_noise
from denoise_studio.noise.blind.model import ChannelNoise, NoiseEstimate

__all__ = ["ChannelNoise", "NoiseEstimate", "estimate_noise"]
