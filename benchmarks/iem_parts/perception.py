"""Whether the metric follows what people see: rising series, and distortions at equal PSNR."""

import itertools
from collections.abc import Iterator
from pathlib import Path

from denoise_studio.formats import open_picture
from denoise_studio.metrics import iem
from iem_parts.distortions import (
    JPEG,
    SERIES,
    at_psnr,
    banding,
    blur,
    clean,
    contrast,
    jpeg,
    noise,
    picture,
    psnr,
)
from iem_parts.judges import Judge, judges, there

COUNT = 24


def csiq(data: Path) -> Iterator[str]:
    """Two levels of JPEG 2000 of one picture of CSIQ, in colour."""
    yield "\n## CSIQ 1600, JPEG 2000: level 4 must be farther than level 1\n"
    yield "| prior | level 1 | level 4 |\n|---|---|---|"
    reference = open_picture(data / "iqa/1600.png")
    levels = [open_picture(data / f"iqa/1600.jpeg2000.{level}.png") for level in (1, 4)]
    for prior in there(channels=3):
        near, far = (iem(level, reference, prior=prior) for level in levels)
        cells = [f"{found.value:.2f} ± {found.error:.2f}" for found in (near, far)]
        yield f"| {prior} | {' | '.join(cells)} |{'' if far.value > near.value else ' WRONG'}"


def series(data: Path, count: int) -> Iterator[str]:
    """Share of series that rise from level to level."""
    pictures = clean(data / "photos/train", count)
    side = pictures[0].shape[-1]
    yield f"\n## Series of 5 levels on {count} pictures, {side} x {side}, grey: how many rise\n"
    yield f"| | {' | '.join(SERIES)} |\n|---|{'---|' * len(SERIES)}"
    for label, judge in judges((0.25,)).items():
        cells = []
        for distort, strengths in SERIES.values():
            rising = [_rises(judge, x, [distort(x, s) for s in strengths]) for x in pictures]
            cells.append(f"{sum(rising)} / {count}")
        yield f"| {label} | {' | '.join(cells)} |"


def _rises(judge: Judge, x: object, distorted: list[object]) -> bool:
    values = [judge(picture(y), picture(x)) for y in distorted]
    return all(low < high for low, high in itertools.pairwise(values))


PEOPLE = {
    "blur": (blur, True),
    "JPEG blocks": (None, True),
    "banding": (banding, True),
    "contrast": (contrast, False),
}
"""What is compared with white noise of the same PSNR, and whether people see it as worse."""


def equal_psnr(data: Path, count: int) -> Iterator[str]:
    """Share of pairs ordered as people order them."""
    qualities = ", ".join(map(str, JPEG))
    yield f"\n## Equal PSNR (that of JPEG, quality {qualities}), {count} pictures: ordered as people see it\n"
    heads = [f"{name} {'worse' if worse else 'better'} than noise" for name, (_, worse) in PEOPLE.items()]
    yield f"| | {' | '.join(heads)} |\n|---|{'---|' * len(PEOPLE)}"
    cases = list(_cases(data, count))
    for label, judge in judges((0.25, 1.0)).items():
        if label == "PSNR":
            continue
        right: dict[str, list[bool]] = {name: [] for name in PEOPLE}
        for x, made in cases:
            beside = judge(picture(made["noise"]), picture(x))
            for name, (_, worse) in PEOPLE.items():
                if made[name] is not None:
                    right[name].append((judge(picture(made[name]), picture(x)) > beside) == worse)
        cells = [f"{sum(found) / max(len(found), 1):.0%} of {len(found)}" for found in right.values()]
        yield f"| {label} | {' | '.join(cells)} |"


def _cases(data: Path, count: int) -> Iterator[tuple[object, dict[str, object]]]:
    for x in clean(data / "photos/train", count):
        for quality in JPEG:
            blocks = jpeg(x, 100 - quality)
            wanted = psnr(x, blocks)
            made = {
                name: blocks if distort is None else at_psnr(x, distort, wanted)
                for name, (distort, _) in PEOPLE.items()
            }
            yield x, {**made, "noise": at_psnr(x, noise, wanted)}
