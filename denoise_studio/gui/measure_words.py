"""How the measures are written: as many digits as mean something, a true minus, units."""

import math

from denoise_studio.core.picture import Picture


def value(number: float | None, picture: Picture, sign: bool = False) -> str:
    """A number in the picture's unit, without it: two digits after the point in HU."""
    digits = max(0, min(6, 5 - math.floor(math.log10(picture.span))))
    return fixed(number, digits, sign)


def fixed(number: float | None, digits: int, sign: bool = False) -> str:
    """So many digits after the point; a dash for nothing."""
    if number is None or math.isnan(number):
        return "–"
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    text = f"{number:{'+' if sign else ''}.{digits}f}"
    if not any(figure in text for figure in "123456789"):
        text = text.lstrip("+-")  # no sign of a rounded zero
    return text.replace("-", "−")


def frequency(number: float | None) -> str:
    return fixed(number, 3)


def percent(before: float | None, after: float | None) -> str:
    """By how much something changed."""
    found = change(before, after)
    return "–" if found is None else f"{fixed(found, 1, sign=True)} %"


def change(before: float | None, after: float | None) -> float | None:
    """In percent; None where that means nothing."""
    if before is None or after is None or not before or not math.isfinite(before + after):
        return None
    return 100.0 * (after / before - 1.0)
