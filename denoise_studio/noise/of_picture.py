"""The one estimate of a picture's noise, whatever picture it is."""

from denoise_studio.core.picture import Picture
from denoise_studio.noise import blind
from denoise_studio.noise.blind import NoiseEstimate


def estimate_noise(picture: Picture) -> NoiseEstimate:
    """Camera raw of the Bayer pattern by the sensor's model, coarse; everything else by `blind`.

    Raises:
        StudioError: camera raw of which every pixel is clipped.
    """
    mosaic = picture.mosaic
    if mosaic is None or not mosaic.is_bayer:
        return blind.estimate_noise(picture)
    from denoise_studio.noise.sensor.as_estimate import as_estimate
    from denoise_studio.noise.sensor.estimate import estimate_sensor
    from denoise_studio.noise.sensor.known import by_table

    return as_estimate(picture, estimate_sensor(picture, by_table(picture)))
