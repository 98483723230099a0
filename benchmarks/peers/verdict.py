"""The promises, one line each."""

from collections.abc import Iterator
from statistics import fmean

from peers.methods import NETWORK
from peers.pictures import PAIRS
from peers.report import HARM, PUBLISHED, gains_of, pair_label, published
from peers.rows import Rows
from peers.studio import ADAPTIVE

PROMISES = (("BSD68", "bm3d", 0.0), ("Set12", "bm3d", -0.2))
"""dB above the measured peer, at every level."""
TUNED = ("nlm-colour-tuned", "nlm-tuned")


def lines(rows: Rows) -> Iterator[str]:
    """Every promise with its margin; measured peers on the pictures that both have done."""
    yield "### Must hold\n"
    for name, peer, least in PROMISES:
        yield _measured(rows, name, peer, least)
    yield _against_papers(rows, "CBSD68", "BM3D", "")
    yield from _pairs(rows)
    yield "\n### Beside the others (DRUNet is the aim)\n"
    for name in PUBLISHED:
        for peer in ("bm3d", "ffdnet"):
            if margins := _margins(rows, name, peer):
                yield f"- {name}, over {rows.labels[peer]}: {_said(margins)}"
        for peer in PUBLISHED[name]:
            if (name, peer) != ("CBSD68", "BM3D"):
                yield _against_papers(rows, name, peer, "GAP")


def _margins(rows: Rows, name: str, peer: str) -> list[tuple[float, float, str]]:
    """Level, dB, and what is to be said of it."""
    found = []
    for sigma in rows.sigmas(name):
        above = rows.above(name, sigma, NETWORK, peer)
        if above is not None and sigma is not None:
            wanted = rows.wanted(name, sigma)
            partly = f" ({above.pictures} of {wanted} pictures)" if above.pictures < wanted else ""
            found.append((sigma, above.psnr, f"{above.psnr:+.2f} dB{partly}"))
    return found


def _said(margins: list[tuple[float, float, str]]) -> str:
    return ", ".join(f"σ {sigma:g} {words}" for sigma, _, words in margins)


def _measured(rows: Rows, name: str, peer: str, least: float) -> str:
    margins = _margins(rows, name, peer)
    promise = f"{name}, above measured {peer.upper()}" + (f" or at most {-least:g} dB below" if least else "")
    if not margins or len(margins) < len(rows.sigmas(name)):
        return f"- NOT RUN {promise}: {_said(margins) or 'no rows'}"
    good = min(margin for _, margin, _ in margins) > least
    part = any("pictures" in words for _, _, words in margins)
    return f"- {_word(good)}{' SO FAR' if part else ''} {promise}: {_said(margins)}"


def _against_papers(rows: Rows, name: str, peer: str, word: str) -> str:
    """The mean over the whole set, less the paper's."""
    promise = f"{name}, over {peer} as published"
    margins = []
    for sigma in rows.sigmas(name):
        mean, theirs = rows.mean(name, sigma, NETWORK), published(name, peer, sigma)
        if mean and theirs is not None and sigma is not None and mean.pictures == rows.wanted(name, sigma):
            margins.append((sigma, mean.psnr - theirs, f"{mean.psnr - theirs:+.2f} dB"))
    if not margins or len(margins) < len(rows.sigmas(name)):
        return f"- NOT RUN {promise}: {_said(margins) or 'no rows'}"
    return f"- {word or _word(min(margin for _, margin, _ in margins) > 0)} {promise}: {_said(margins)}"


def _pairs(rows: Rows) -> Iterator[str]:
    gains = gains_of(rows, NETWORK)
    harm = f"no camera pair falls by more than {HARM} dB"
    better = [f"mean gain above {rows.labels[name]}" for name in TUNED]
    wanted = rows.wanted(PAIRS, None)
    if not gains:
        yield from (f"- NOT RUN {promise}: no rows" for promise in (harm, *better))
        return
    worst = min(gains, key=gains.__getitem__)
    fallen = sum(gain < -HARM for gain in gains.values())
    so_far = f"{len(gains)} of {wanted} pairs"
    yield f"- {_word(fallen == 0)} {harm}: {fallen} do, the worst {gains[worst]:+.2f} dB ({worst}); {so_far}"
    for name, promise in zip(TUNED, better, strict=True):
        tuned = gains_of(rows, name)
        both = [picture for picture in gains if picture in tuned]
        if not both:
            yield f"- NOT RUN {promise}: no rows"
            continue
        mine, its = fmean(gains[picture] for picture in both), fmean(tuned[picture] for picture in both)
        said = f"{mine:+.2f} dB beside {its:+.2f} dB; {len(both)} of {wanted} pairs"
        yield f"- {_word(mine > its)} {promise}: {said}"
    for other in (ADAPTIVE, "bm3d"):
        theirs = gains_of(rows, other)
        same = [name for name in gains if name in theirs]
        if same:
            numbers = (fmean(gains[name] for name in same), fmean(theirs[name] for name in same), len(same))
            said = "{:+.2f} dB beside {:+.2f} dB; {} pairs".format(*numbers)
            yield f"- beside {pair_label(rows, other)}: {said}"


def _word(good: bool) -> str:
    return "PASS" if good else "FAIL"
