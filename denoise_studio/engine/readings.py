"""What is read off a finished result: how far it is from the input, and from a reference.

Each number is about an area taken as a picture of its own. Nothing here is computed from a result
that is only half there: `Result.over` ends the work where the layer has become another recipe's.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from denoise_studio.core.errors import Cancelled, MeasureError
from denoise_studio.core.fitted import Fitted
from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.types import FloatArray
from denoise_studio.engine.areas import Area
from denoise_studio.engine.developing import seen
from denoise_studio.engine.layer import Layer
from denoise_studio.engine.render import compose
from denoise_studio.metrics.iem.measure import InformationEstimation, Options, improving
from denoise_studio.metrics.registry import measure


@dataclass(frozen=True, eq=False)
class Result:
    """A result as the window has it, final for a recipe over what is looked at.

    Args:
        picture: the input.
        layer: the method's result at full strength.
        recipe: as resolved.
        fitted: the maps it was made with, if any.
    """

    picture: Picture
    layer: Layer
    recipe: Recipe
    fitted: Fitted | None = None

    def is_final(self, rect: Rect) -> bool:
        """Whether the layer holds this result over a rectangle; its strength is mixed in afterwards."""
        final = self.fitted is None or self.fitted.final
        return final and self.layer.holds(self.recipe, rect)

    def over(self, rect: Rect, strength: float | None = None) -> FloatArray:
        """The result over a rectangle, `(C, h, w)`, at the recipe's strength or another one.

        Raises:
            Cancelled: the layer holds it no longer; what it holds now would be a mixture.
        """
        recipe = self.recipe if strength is None else self.recipe.replace(strength=strength)
        pixels = compose(self.picture, self.layer.pixels, recipe, rect)
        if not self.is_final(rect):
            raise Cancelled
        return pixels


@dataclass(frozen=True, eq=False)
class Pair:
    """An area before and after, each a picture of its own, and the same area of a reference."""

    before: Picture
    after: Picture
    reference: Picture | None


def pair(result: Result, area: Area, reference: Picture | None = None, strength: float | None = None) -> Pair:
    """Cut an area out, at the recipe's strength or another one; of camera raw as it is seen.

    Raises:
        Cancelled: the result is no longer there.
        MeasureError: the area holds no pixel.
    """
    picture = result.picture
    counted = area.inside(picture)
    if not area.rect or not counted.any():
        raise MeasureError(f"{area.name} holds no pixel of the picture.")
    before = picture.part(area.rect, valid=counted)
    after = picture.part(area.rect, result.over(area.rect, strength), counted)
    other = None if reference is None else reference.part(area.rect, valid=counted)
    if picture.mosaic is not None:
        return Pair(seen(before), seen(after), None if other is None else seen(other))
    return Pair(before, after, other)


def distances(
    test: Picture, reference: Picture, options: Options, progress: Progress
) -> Iterator[InformationEstimation]:
    """The information-estimation metric, coarse at first, then better until its error is small."""
    return improving(test, reference, options, progress.check)


@dataclass(frozen=True)
class Fidelity:
    """How far an area is from a reference.

    Args:
        psnr: of the result in dB.
        psnr_before: of the input in dB.
        ssim: of the result; None where the area is too small for it, `why` tells.
        ssim_before: of the input.
        why: one sentence if there is no SSIM.
    """

    psnr: float
    psnr_before: float
    ssim: float | None
    ssim_before: float | None
    why: str = ""


def fidelity(found: Pair, reference: Picture, check: Callable[[], None] = lambda: None) -> Fidelity:
    """PSNR and SSIM of input and result against the reference's same area.

    Raises:
        MeasureError: the pictures cannot be compared.
    """
    psnr, ssim, why = [], [], ""
    for test in (found.after, found.before):
        psnr.append(_value(test, reference, "psnr"))
        check()
        try:
            ssim.append(_value(test, reference, "ssim"))
        except MeasureError as error:
            why = str(error)
        check()
    after, before = ssim or (None, None)
    return Fidelity(psnr[0], psnr[1], after, before, why)


def _value(test: Picture, reference: Picture, name: str) -> float:
    value = measure(test, reference, (name,))[name].value
    assert value is not None
    return value


@dataclass(frozen=True)
class StrengthCurve:
    """What the strength does in an area: the knee is where the second curve has its top.

    Args:
        strengths: rising from 0 to 1.
        changed: IEM between input and result at each.
        errors: half the width of its 95 % interval.
        psnr: against the reference in dB at each, if there is one.
    """

    strengths: tuple[float, ...]
    changed: tuple[float, ...]
    errors: tuple[float, ...]
    psnr: tuple[float, ...] | None


STRENGTHS = tuple(step / 8 for step in range(9))


def strength_curve(
    result: Result,
    area: Area,
    options: Options,
    progress: Progress,
    reference: Picture | None = None,
    publish: Callable[[StrengthCurve], None] = lambda curve: None,
) -> StrengthCurve:
    """IEM, and PSNR where there is a reference, at other strengths than the recipe's. No model runs.

    Args:
        result: at any strength.
        area: where; regions keep a strength of their own.
        options: of the metric; the curve is coarse, it takes the first number of each.
        progress: asked between strengths.
        reference: of the picture's size.
        publish: takes the curve as it grows, from both ends inwards.
    """
    found: dict[float, tuple[float, float, float | None]] = {}
    for strength in sorted(STRENGTHS, key=lambda s: (-abs(s - 0.5), -s)):
        progress.check()
        cut = pair(result, area, reference, strength)
        changed = next(distances(cut.after, cut.before, options, progress))
        psnr = None
        if cut.reference is not None:
            psnr = _value(cut.after, cut.reference, "psnr")
        found[strength] = changed.value, changed.error, psnr
        publish(_curve(found))
    return _curve(found)


def _curve(found: Mapping[float, tuple[float, float, float | None]]) -> StrengthCurve:
    strengths = tuple(sorted(found))
    psnr = tuple(p for s in strengths if (p := found[s][2]) is not None)
    return StrengthCurve(
        strengths,
        tuple(found[s][0] for s in strengths),
        tuple(found[s][1] for s in strengths),
        psnr if len(psnr) == len(strengths) else None,
    )


def residual(result: Result, rect: Rect) -> FloatArray:
    """What was taken away over a rectangle, input minus result: `(h, w)`, the mean over channels."""
    before = result.picture.pixels[(slice(None), *rect.slices)]
    found: FloatArray = (before - result.over(rect)).mean(axis=0, dtype=np.float32)
    return found
