"""The sensor's noise, as the network for camera raw needs it."""

from denoise_studio.core.fitted import FitTask, Fitted, constant_map
from denoise_studio.core.mosaic import Mosaic
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.raw_network.mosaic import denoise
from denoise_studio.noise.sensor.estimate import estimate_sensor
from denoise_studio.noise.sensor.model import SensorNoise


def fit(task: FitTask) -> Fitted:
    """Coarse first, so that there is something to see, then fine (`core.fitted.Fit`).

    Raises:
        StudioError: every pixel is clipped.
        Cancelled: through the task's progress.
    """
    values, progress = task.values, task.progress
    gain, read = float(values["gain"]), float(values["read"])
    correct = bool(values["correct_black"])
    progress.report(0.0, "measuring the sensor's noise")
    coarse = estimate_sensor(task.picture, correct_black=correct).told(gain, read)
    if values["estimate"] == "coarse" or (gain and read):
        return _fitted(task, coarse, final=True)
    task.publish(_fitted(task, coarse, final=False))

    def through_network(part: FloatArray, mosaic: Mosaic, noise: SensorNoise) -> FloatArray:
        progress.check()
        return denoise(part, mosaic, noise.sites, 1.0, task.device)

    def check(share: float) -> None:
        progress.report(share, "measuring again through the network")

    fine = estimate_sensor(task.picture, denoise=through_network, correct_black=correct, check=check)
    return _fitted(task, fine.told(gain, read), final=True)


def _fitted(task: FitTask, noise: SensorNoise, final: bool) -> Fitted:
    told = 1.0
    if task.noise_level is not None:
        typical = typical_sd(task, noise)
        told = task.noise_level / typical if typical else 0.0
    maps = {"sigma": constant_map(told, task.picture)}
    return Fitted(maps, final=final, note=noise.note(), knowledge=noise)


def typical_sd(task: FitTask, noise: SensorNoise) -> float:
    """The sd at the picture's middle brightness, DN: what one number for the whole picture means."""
    from denoise_studio.noise.sensor.as_estimate import typical_sd as of_picture

    return of_picture(task.picture, noise)
