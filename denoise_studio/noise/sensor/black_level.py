"""Whether the black level that a file tells is the true one, and what it is instead.

A black level that is wrong by e makes Var = K (x - e) + s^2: from one scene e cannot be told from the
read noise s (YOND, arXiv 2506.03645, names it as its own known failure). It can where something else
is known: pixels that no light reaches, dark frames, or the read noise of that camera at that ISO.
"""

import math
from collections.abc import Mapping

import numpy as np

from denoise_studio.core.mosaic import Mosaic
from denoise_studio.core.types import FloatArray
from denoise_studio.noise.sensor.line import Line
from denoise_studio.noise.sensor.model import BlackLevel
from denoise_studio.noise.sensor.windows import DIAGONALS, Windows

MOST_DOUBT = 0.25
"""DN, or share of the read noise, that an offset's standard error may be if it is to be corrected."""
_OUTLIER = 8.0
_WORTH_SAYING = 3.0
"""Standard errors, and at least a tenth of a DN or of the read noise, from which an offset is warned of."""
READ_ELECTRONS = (0.5, 30.0)
"""Read noise of sensors in electrons: what bounds the offset when nothing else is known."""


class Dark:
    """What masked pixels say of one class.

    Args:
        values: their values, DN.

    Attributes:
        black: their mean without outliers, DN.
        error: its standard error.
        read: their sd without outliers, DN.
    """

    def __init__(self, values: FloatArray) -> None:
        plain = values.astype(np.float64)
        middle = float(np.median(plain))
        spread = 1.4826 * float(np.median(np.abs(plain - middle))) or float(plain.std()) or 1.0
        kept = plain[np.abs(plain - middle) <= _OUTLIER * max(spread, 1.0)]
        self.black, self.read = float(kept.mean()), float(kept.std())
        # Columns and margins differ by more than chance: the halves of the margin show by how much.
        halves = [float(half.mean()) for half in np.array_split(kept, 8)]
        self.error = float(np.std(halves) / math.sqrt(len(halves)))


def from_masked(mosaic: Mosaic, dark: Mapping[str, Dark]) -> BlackLevel:
    """The black level that the masked pixels show, on average over the classes."""
    offset = float(np.mean([dark[site.name].black - site.black for site in mosaic.sites]))
    error = float(np.mean([dark[site.name].error for site in mosaic.sites]))
    read = float(np.mean([dark[site.name].read for site in mosaic.sites]))
    return judged("masked pixels", offset, error, read)


def from_read_noise(line: Line, read: float, read_error: float, source: str = "read noise") -> BlackLevel:
    """The offset that makes the line's value at black the known read noise.

    Args:
        line: fitted with the file's black level.
        read: s, DN, known of that camera and ISO.
        read_error: its standard error, DN.
        source: what it is known from.
    """
    offset = (read**2 - line.level) / line.gain
    slope = offset / line.gain
    variance = line.level_error**2 + 2 * slope * line.covariance + (slope * line.gain_error) ** 2
    error = math.hypot(math.sqrt(max(variance, 0.0)), 2 * read * read_error) / line.gain
    if error > max(MOST_DOUBT, MOST_DOUBT * read):
        interval = (offset - 2 * error, offset + 2 * error)
        return BlackLevel(source, 0.0, error, interval, _not_far(interval))
    return judged(source, offset, error, read)


def from_scene(line: Line | None, darkest: float) -> BlackLevel:
    """What one scene leaves open: an interval of offsets, none of which is taken.

    Args:
        line: fitted with the file's black level, if there is one.
        darkest: what the darkest window reaches, DN above black (`darkest_mean`).
    """
    if line is None or line.gain <= 0:
        return BlackLevel("scene", warning="The black level cannot be checked: the noise tells nothing here.")
    low, high = ((line.gain * read) ** 2 for read in READ_ELECTRONS)
    first, last = (low - line.level) / line.gain, (high - line.level) / line.gain
    interval = (min(first, darkest), min(last, darkest))
    slack = _WORTH_SAYING * line.level_error / line.gain
    if interval[0] > slack:
        text = f"The noise fits the file's black level only if that is at least {interval[0]:.1f} DN too low."
    elif interval[1] < -slack:
        text = (
            f"The noise fits the file's black level only if that is at least {-interval[1]:.1f} DN too high."
        )
    else:
        return BlackLevel("scene", interval=interval)
    return BlackLevel("scene", interval=interval, warning=text)


def judged(source: str, offset: float, error: float, read: float) -> BlackLevel:
    interval = (offset - 2 * error, offset + 2 * error)
    warning = ""
    if abs(offset) > max(_WORTH_SAYING * error, 0.1, 0.1 * read):
        side = "above" if offset > 0 else "below"
        warning = f"The true black level lies {abs(offset):.2f} DN {side} the file's ({source}); corrected."
    return BlackLevel(source, offset, error, interval, warning)


def _not_far(interval: tuple[float, float]) -> str:
    """A warning where all of an interval lies on one side."""
    if interval[0] <= 0 <= interval[1]:
        return ""
    low, high = sorted(abs(value) for value in interval)
    side = "above" if interval[0] > 0 else "below"
    return f"The true black level seems to lie {low:.1f} to {high:.1f} DN {side} the file's; not corrected."


def darkest_mean(windows: Windows) -> float:
    """DN that the mean of the darkest window lies above black, and three standard errors: black is no higher.

    Args:
        windows: of all classes, their means above black.
    """
    if not len(windows):
        return math.inf
    first = int(windows.mean.argmin())
    return float(windows.mean[first] + 3 * math.sqrt(float(windows.variance[first]) / (4 * DIAGONALS)))
