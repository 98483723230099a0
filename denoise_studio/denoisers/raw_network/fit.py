"""The sensor's noise, as the network for camera raw needs it."""

from collections.abc import Callable
from pathlib import Path

from denoise_studio.core.fitted import FitTask, Fitted, ParameterMap, constant_map
from denoise_studio.core.mosaic import Mosaic
from denoise_studio.core.picture import Picture
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.raw_network.mosaic import denoise
from denoise_studio.noise.sensor.as_estimate import typical_sd
from denoise_studio.noise.sensor.dark_file import load_profile
from denoise_studio.noise.sensor.estimate import Known, estimate_sensor
from denoise_studio.noise.sensor.known import by_profile, by_table
from denoise_studio.noise.sensor.model import SensorNoise


def fit(task: FitTask) -> Fitted:
    """Coarse first, so that there is something to see, then fine (`core.fitted.Fit`).

    Raises:
        StudioError: every pixel is clipped, or the dark frames are of another camera.
        Cancelled: through the task's progress.
    """
    values, progress = task.values, task.progress
    gain, read = float(values["gain"]), float(values["read"])
    correct = bool(values["correct_black"])
    progress.report(0.0, "measuring the sensor's noise")
    picture, known, shading = task.picture, by_table(task.picture), constant_map(0.0, task.picture)
    if values["dark_profile"]:
        dark = by_profile(task.picture, load_profile(Path(str(values["dark_profile"]))))
        picture, known, shading = dark.picture, dark.known, ParameterMap(dark.level)

    def found(noise: SensorNoise, final: bool) -> Fitted:
        noise = noise.told(gain, read)
        maps = {"sigma": constant_map(_multiple(task, noise), task.picture), "shading": shading}
        return Fitted(maps, final=final, note=noise.note(), knowledge=noise)

    coarse = estimate_sensor(picture, known, correct_black=correct)
    if values["estimate"] == "coarse" or (gain and read):
        return found(coarse, final=True)
    task.publish(found(coarse, final=False))

    def check(share: float) -> None:
        progress.report(share, "measuring again through the network")

    return found(fine_estimate(picture, known, correct, task.device, check), final=True)


def fine_estimate(
    picture: Picture,
    known: Known | None = None,
    correct: bool = True,
    device: str = "cpu",
    check: Callable[[float], None] = lambda share: None,
) -> SensorNoise:
    """The sensor's noise, coarse and then fine through the network.

    Args:
        picture: camera raw of the Bayer pattern.
        known: what is known besides it.
        correct: whether a wrong black level is corrected.
        device: for the network.
        check: told how far it is, 0..1; may raise to stop.

    Raises:
        StudioError: every pixel is clipped, or no Bayer pattern.
    """

    def through_network(part: FloatArray, mosaic: Mosaic, noise: SensorNoise) -> FloatArray:
        return denoise(part, mosaic, noise.sites, 1.0, device)

    return estimate_sensor(picture, known, through_network, correct, check)


def _multiple(task: FitTask, noise: SensorNoise) -> float:
    """What the network is told, in units of the noise: 1, or what a noise level of one's own means."""
    if task.noise_level is None:
        return 1.0
    typical = typical_sd(task.picture, noise)
    return task.noise_level / typical if typical else 0.0
