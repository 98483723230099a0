"""The read-outs as a person reads them: names, numbers with their errors, and what each compares."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from denoise_studio.core.picture import Picture
from denoise_studio.engine.judging import Judgement
from denoise_studio.engine.readings import Fidelity
from denoise_studio.gui.maps import number
from denoise_studio.gui.readings import Kind, Reading
from denoise_studio.metrics.iem.measure import InformationEstimation
from denoise_studio.metrics.iem.priors import get_prior
from denoise_studio.metrics.residual import LAGS
from denoise_studio.metrics.risk import NORMAL_95

DASH = "–"


@dataclass(frozen=True)
class Column:
    """One read-out.

    Args:
        title: its name.
        short: the same where there is little room.
        kind: which reading it shows.
        explained: what it compares, one or two sentences.
        text: the number.
        details: on what it depends, for the tooltip.
        flag: why it has to be looked at with care; "" if it need not.
    """

    title: str
    short: str
    kind: Kind
    explained: str
    text: Callable[[Any, Picture], str]
    details: Callable[[Any, Picture], str] = lambda value, picture: ""
    flag: Callable[[Any], str] = lambda value: ""

    @property
    def needs_reference(self) -> bool:
        return self.kind in (Kind.DISTANCE, Kind.FIDELITY)

    def show(self, reading: Reading, picture: Picture) -> str:
        """The number, a dash while there is none."""
        if reading.value is None:
            return DASH
        mark = "⚑ " if self.flag(reading.value) else ""
        return mark + _minus(self.text(reading.value, picture))

    def tip(self, reading: Reading, picture: Picture, where: str) -> str:
        """What the number is, and all that it depends on."""
        lines = [f"<b>{self.title}</b> · {where.lower()}", self.explained]
        if reading.value is not None:
            details, flag = self.details(reading.value, picture), self.flag(reading.value)
            lines += [details] if details else []
            lines += [f"⚑ {flag}"] if flag else []
        lines += [reading.why] if reading.why else []
        if not reading.fresh:
            lines.append(
                "This is of an earlier result; it is measured again."
                if reading.value
                else "Not measured yet."
            )
        elif not reading.final:
            lines.append("Still getting better.")
        return _minus("<br>".join(f"<span>{line}</span>" for line in lines))


def _minus(text: str) -> str:
    return re.sub(r"-(?=\d)", "−", text)


def with_error(value: float, error: float) -> str:
    """A number with as many digits as its error leaves: 4.31 ± 0.08."""
    if not math.isfinite(error):
        return f"{number(value)} ± ?"
    if error <= 0:
        return number(value)
    digits = min(max(0, 1 - math.floor(math.log10(error))), 6)
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def _iem(value: InformationEstimation, picture: Picture) -> str:
    return with_error(value.value, value.error)


def _iem_details(value: InformationEstimation, picture: Picture) -> str:
    low, high = (f"{end:.4g}" for end in value.gamma)
    prior = get_prior(value.prior)
    exact = "exact: a Mahalanobis distance" if prior.exact else f"{value.levels} levels, {value.paths} draws"
    return (
        f"{with_error(value.value, value.error)} (95 %). Prior: {prior.label.lower()} ({value.trained_on}). "
        f"Gamma {low} to {high}, that is noise of sigma {value.sigma[0]:.4g} and more (unit: {value.unit}). "
        f"{exact[0].upper()}{exact[1:]}. {value.samples:,} samples; it grows with the root of their number."
    )


def _gain(after: float, before: float, digits: int) -> str:
    return f" ({after - before:+.{digits}f})" if math.isfinite(after) and math.isfinite(before) else ""


def _psnr(value: Fidelity, picture: Picture) -> str:
    return f"{_decibels(value.psnr)}{_gain(value.psnr, value.psnr_before, 1)}"


def _psnr_details(value: Fidelity, picture: Picture) -> str:
    return f"Result {_db(value.psnr, 2)}, input {_db(value.psnr_before, 2)}, both against the reference."


def _ssim(value: Fidelity, picture: Picture) -> str:
    if value.ssim is None or value.ssim_before is None:
        return DASH
    return f"{value.ssim:.3f}{_gain(value.ssim, value.ssim_before, 2)}"


def _ssim_details(value: Fidelity, picture: Picture) -> str:
    if value.ssim is None or value.ssim_before is None:
        return value.why
    return f"Result {value.ssim:.4f}, input {value.ssim_before:.4f}, both against the reference."


def _decibels(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "∞"


def _db(value: float, digits: int = 1) -> str:
    return f"{_decibels(value, digits)} dB"


def _estimated(value: Judgement, picture: Picture) -> str:
    risk = value.risk
    if not math.isfinite(risk.psnr_low):
        return "cannot tell"
    if not math.isfinite(risk.psnr):
        return f"above {_decibels(risk.psnr_low)}"
    return f"{_decibels(risk.psnr)} ({_decibels(risk.psnr_low)} to {_decibels(risk.psnr_high)})"


def _estimated_details(value: Judgement, picture: Picture) -> str:
    risk = value.risk
    unit = f" {picture.noise_unit}".rstrip()
    return (
        f"About {_db(risk.psnr, 2)}, with 95 % between {_db(risk.psnr_low, 2)} and "
        f"{_db(risk.psnr_high, 2)}. The input itself: about "
        f"{_db(risk.input_psnr)}. Noise taken as {number(risk.sigma)}{unit} "
        f"± {100 * risk.sigma_error:.0f} % (that uncertainty is in the bar)."
    )


def _unreliable(value: Judgement) -> str:
    return "" if value.risk.reliable else value.risk.why


def _freedom(value: Judgement, picture: Picture) -> str:
    return f"{100 * value.risk.freedom:.1f} %"


def _freedom_details(value: Judgement, picture: Picture) -> str:
    return f"{value.risk.parameters:,.0f} effective parameters for {value.pixels:,} pixels."


def _removed(value: Judgement, picture: Picture) -> str:
    found = value.residual
    share = f" ({found.ratio:.2f} ×)" if math.isfinite(found.ratio) else ""
    return f"{number(found.sd)} {picture.noise_unit}".rstrip() + share


def _removed_details(value: Judgement, picture: Picture) -> str:
    found = value.residual
    unit = f" {picture.noise_unit}".rstrip()
    pairs = zip(LAGS, found.autocorrelation, found.noise_autocorrelation, strict=True)
    lags = ", ".join(f"({down}, {across}): {own:.2f} / {noise:.2f}" for (down, across), own, noise in pairs)
    return (
        f"Sd of before − after {number(found.sd)}{unit}, estimated noise {number(found.noise_sd)}{unit}. "
        f"Autocorrelation by distance (pixels down, across), what was taken away / noise: {lags}."
    )


def _structure(value: Judgement, picture: Picture) -> str:
    if value.residual.warning:
        return "found"
    return "none found" if value.risk.reliable else "cannot tell"


def _structure_details(value: Judgement, picture: Picture) -> str:
    bands = (
        f"{band.size} to {2 * band.size} px: {100 * band.share:.1f} ± {100 * NORMAL_95 * band.error:.1f} %"
        for band in value.residual.bands
        if math.isfinite(band.share)
    )
    why = "" if value.risk.reliable else f" {value.risk.why}"
    return f"Missing of the structure that the result shows, by its size (95 %): {', '.join(bands)}.{why}"


COLUMNS = (
    Column(
        "How much changed",
        "Changed",
        Kind.CHANGED,
        "Information-estimation metric between input and result. It says nothing about which is better.",
        _iem,
        _iem_details,
    ),
    Column(
        "From the reference",
        "To reference",
        Kind.DISTANCE,
        "Information-estimation metric between result and reference: smaller is nearer.",
        _iem,
        _iem_details,
    ),
    Column(
        "PSNR (dB)",
        "PSNR (dB)",
        Kind.FIDELITY,
        "Peak signal-to-noise ratio of the result against the reference; in brackets what the input gained.",
        _psnr,
        _psnr_details,
    ),
    Column(
        "SSIM",
        "SSIM",
        Kind.FIDELITY,
        "Structural similarity of result and reference; in brackets what the input gained.",
        _ssim,
        _ssim_details,
    ),
    Column(
        "Estimated PSNR (dB)",
        "Estimated (dB)",
        Kind.JUDGEMENT,
        "How good the result is, estimated from its noise, without a reference (Stein's unbiased risk).",
        _estimated,
        _estimated_details,
        _unreliable,
    ),
    Column(
        "Freedom kept",
        "Freedom",
        Kind.JUDGEMENT,
        "Effective degrees of freedom: how much of any change of the input the method lets through.",
        _freedom,
        _freedom_details,
    ),
    Column(
        "Taken away",
        "Taken away",
        Kind.JUDGEMENT,
        "Sd of what was taken away, before − after; in brackets as a multiple of the estimated noise.",
        _removed,
        _removed_details,
    ),
    Column(
        "Structure in it",
        "Structure",
        Kind.JUDGEMENT,
        "Whether what was taken away holds structure that the result itself foretells.",
        _structure,
        _structure_details,
        flag=lambda value: value.residual.warning,
    ),
)
