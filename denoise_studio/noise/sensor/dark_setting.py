"""What the dark frames of one ISO tell, and what follows from two ISOs for another one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from denoise_studio.core.types import AnyArray
from denoise_studio.noise.sensor.dark_sums import Parts
from denoise_studio.noise.sensor.tukey import Measured, Tukey


@dataclass(frozen=True, eq=False)
class DarkSetting:
    """One ISO of a profile; DN throughout.

    Args:
        iso: as set.
        frames: how many there were; 0 for an ISO between two measured ones.
        black: by name of a class, by how much black lies above what the file tells.
        black_error: half-width that holds the truth in 68 of 100 cases; infinite from one frame.
        parts: sds of pixel, row, column and frame noise.
        tukey: the pixel noise as a Tukey lambda distribution, rounding not counted.
        shape_error: standard error of its lambda.
        quantiles: the pixel noise as measured.
        shading: `(H, W)` float16, DN above black as corrected, as the sensor reads it; mean 0 by class.
        hot: `(N, 2)` int32, row and column of hot pixels.
        detail: share of the mean frame's own pixels that was no noise and is in the shading.
    """

    iso: float
    frames: int
    black: Mapping[str, float]
    black_error: float
    parts: Parts
    tukey: Tukey
    shape_error: float
    quantiles: Measured
    shading: AnyArray
    hot: npt.NDArray[np.int32]
    detail: float = 0.0

    @property
    def read_sd(self) -> float:
        """Read noise s of the Poisson-Gaussian model: pixel, row and column noise together, DN."""
        return math.hypot(self.parts.pixel, self.parts.row, self.parts.column)

    def describe(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        parts = self.parts
        return {
            "iso": self.iso,
            "frames": self.frames,
            "black_error": {name: round(value, 4) for name, value in self.black.items()},
            "black_error_se": _finite(self.black_error),
            "row_sd": round(parts.row, 4),
            "row_sd_se": round(parts.row_error, 4),
            "column_sd": round(parts.column, 4),
            "column_sd_se": round(parts.column_error, 4),
            "pixel_sd": round(parts.pixel, 4),
            "frame_sd": round(parts.frame, 4),
            "read_sd": round(self.read_sd, 4),
            "tukey_scale": round(self.tukey.scale, 4),
            "tukey_lambda": round(self.tukey.shape, 4),
            "tukey_lambda_se": _finite(self.shape_error),
            "shading_sd": round(float(self.shading.astype(np.float32).std()), 4),
            "shading_detail": round(self.detail, 3),
            "hot_pixels": len(self.hot),
        }


def mixed(one: DarkSetting, other: DarkSetting, iso: float) -> DarkSetting:
    """Between two ISOs or beyond them: levels linear in ISO, as PNNP's map; sds in its logarithm."""
    linear = (iso - one.iso) / (other.iso - one.iso)
    share = math.log(iso / one.iso) / math.log(other.iso / one.iso)
    parts = Parts(
        *(
            _power(getattr(one.parts, key), getattr(other.parts, key), share)
            for key in ("pixel", "row", "column", "frame", "row_error", "column_error")
        )
    )
    near = one if share < 0.5 else other
    shape = one.tukey.shape + min(max(share, 0.0), 1.0) * (other.tukey.shape - one.tukey.shape)
    scale = _power(one.tukey.scale, other.tukey.scale, share)
    shading = one.shading.astype(np.float32) * np.float32(1 - linear)
    shading += other.shading.astype(np.float32) * np.float32(linear)
    return replace(
        near,
        iso=iso,
        frames=0,
        black={name: one.black[name] + linear * (other.black[name] - one.black[name]) for name in one.black},
        black_error=math.hypot((1 - linear) * one.black_error, linear * other.black_error),
        parts=parts,
        tukey=Tukey(scale, shape),
        quantiles=near.quantiles.scaled(parts.pixel / near.parts.pixel if near.parts.pixel else 1.0),
        shading=shading,
    )


def scaled_from(only: DarkSetting, iso: float) -> DarkSetting:
    """All that one ISO can tell of another: levels stay; noise grows with the gain, which is ISO's."""
    factor = iso / only.iso
    parts = Parts(*(factor * getattr(only.parts, key) for key in Parts.__dataclass_fields__))
    return replace(
        only,
        iso=iso,
        frames=0,
        parts=parts,
        tukey=only.tukey.scaled(factor),
        quantiles=only.quantiles.scaled(factor),
    )


def _power(one: float, other: float, share: float) -> float:
    """Between two sds on a logarithmic scale; where one is 0 there is none, linear."""
    if one > 0 and other > 0 and math.isfinite(one) and math.isfinite(other):
        return math.exp((1 - share) * math.log(one) + share * math.log(other))
    return max(0.0, one + min(max(share, 0.0), 1.0) * (other - one))


def _finite(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
