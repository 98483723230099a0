"""The promises, one line each."""

from collections.abc import Callable, Iterator
from statistics import fmean
from typing import Any

from adaptive.report import Row, Rows
from adaptive.studio import ADAPTIVE

RIVALS = ("filter2noise-1", "filter2noise-2", "zs-n2n", "bm3d-sd", "constant", "constant-local")
MEDIANS = f"{ADAPTIVE}-medians"
EARNED = 0.2
"""dB that the maps are worth, at least."""
HU = 1.0
SECONDS, MOST_GROWTH = 2.0, 1.25


def _paired(rows: Rows, group: str, other: str, scenes: Callable[[str], bool]) -> tuple[float, float, int]:
    """Mean PSNR and SSIM of the adaptive filter above the other's, over pictures that both have."""
    mine, its = rows.get(group, ADAPTIVE), rows.get(group, other)
    common = [(mine[scene], its[scene]) for scene in mine if scene in its and scenes(scene)]
    if not common:
        return 0.0, 0.0, 0

    def gain(of: Callable[[Row], float]) -> float:
        return fmean(of(a) - of(b) for a, b in common)

    return gain(lambda row: row.psnr), gain(lambda row: row.ssim), len(common)


def _gains(
    rows: Rows, groups: list[str], other: str, scenes: Callable[[str], bool] = lambda scene: True
) -> tuple[list[float], str]:
    gains, words = [], []
    for group in groups:
        psnr, ssim, count = _paired(rows, group, other, scenes)
        if count:
            gains.append(psnr)
            total = len([scene for scene in rows.names("scene", group) if scenes(scene)])
            partly = f", {count} of {total} pictures" if count < total else ""
            words.append(f"{group.removeprefix('dose ')}: {psnr:+.2f} dB {ssim:+.4f}{partly}")
    return gains, "; ".join(words)


def _line(name: str, gains: list[float], groups: int, least: float, words: str) -> str:
    if len(gains) < groups:
        return f"- NOT RUN {name}: {words or 'no rows'}"
    return f"- {'PASS' if min(gains) >= least else 'FAIL'} {name}: {words}"


def lines(rows: Rows, checks: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """Every promise with its numbers; gains are means over the same pictures."""
    doses = [group for group in rows.names("group") if group.startswith("dose")]
    others = [group for group in rows.names("group") if group not in doses]
    labels = {row.method: row.label for row in rows.all}
    yield "\n### Promises, on every simulated dose (mean of all slices)\n"
    for rival in RIVALS:
        gains, words = _gains(rows, doses, rival)
        yield _line(f"beats {labels.get(rival, rival)}", gains, len(doses), 0.0, words)
    gains, words = _gains(rows, doses, MEDIANS)
    yield _line(f"its maps are worth {EARNED} dB over their medians", gains, len(doses), EARNED, words)
    for bound in ("bm3d-spectrum", "oracle", "oracle-maps"):
        yield f"- GAP to {labels.get(bound, bound)}: {_gains(rows, doses, bound)[1] or 'no rows'}"
    knowing = f"{ADAPTIVE}-told"
    if words := _gains(rows, doses, knowing)[1]:
        yield f"- GAP to itself, {labels[knowing]}: {words}"
    yield "\n### The same on the noise-free phantom alone\n"
    for rival in (*RIVALS, MEDIANS):
        gains, words = _gains(rows, doses, rival, lambda scene: scene == "phantom")
        least = EARNED if rival == MEDIANS else 0.0
        yield _line(f"over {labels.get(rival, rival)}", gains, len(doses), least, words)
    yield "\n### And on the other pictures (not promised)\n"
    for rival in (*RIVALS, MEDIANS, "bm3d-spectrum", "oracle", "oracle-maps"):
        words = _gains(rows, others, rival)[1]
        if words:
            yield f"- over {labels[rival]}: {words}"
    yield "\n### HU and time\n"
    yield from _hu(checks)
    yield from _time(checks.get("time", []))


def _hu(checks: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    if flat := checks.get("flat"):
        worst = max(flat, key=lambda entry: abs(entry["bias"]))
        one = max(flat, key=lambda entry: entry["largest"])
        yield (
            f"- {_word(abs(worst['bias']) < HU)} flat areas move by less than {HU:g} HU: at most "
            f"{worst['bias']:+.2f} HU ({worst['disc']}, {worst['photons']:.3g} photons); in any one "
            f"picture {one['largest']:.2f} HU ({one['disc']}, {one['photons']:.3g} photons)"
        )
    if borders := checks.get("borders"):
        biased = [entry for entry in borders if "bias" in entry]
        worst = max(biased, key=lambda entry: abs(entry["bias"]))
        kept = all(entry["kept"] for entry in borders if "kept" in entry)
        yield (
            f"- {_word(abs(worst['bias']) < HU and kept)} nothing bleeds over borders: at most "
            f"{worst['bias']:+.2f} HU ({worst['border']}); padding {'kept' if kept else 'CHANGED'}"
        )


def _time(times: list[dict[str, Any]]) -> Iterator[str]:
    for entry in times:
        if entry["side"] == 512:
            took = entry["seconds"]
            yield f"- {_word(took < SECONDS)} 512 x 512 in under {SECONDS:g} s on 2 cores: {took:.2f} s here"
    if len(times) > 1:
        costs = [entry["per_megapixel"] for entry in times]
        growth = max(later / costs[0] for later in costs[1:])
        words = ", ".join(f"{entry['side']}: {entry['per_megapixel']:.2f}" for entry in times)
        yield (
            f"- {_word(growth <= MOST_GROWTH)} cost grows linearly: core seconds a megapixel by side {words} "
            f"(at most {MOST_GROWTH:g} times the smallest's)"
        )


def _word(good: bool) -> str:
    return "PASS" if good else "FAIL"
