"""The Triton kernel in Triton's interpreter, which needs no GPU, against the numba result."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = """
import itertools
import numpy as np, torch
from builders import noisy
from test_bilateral_reference import smooth_maps, some_valid
from denoise_studio.denoisers.bilateral import on_triton
from denoise_studio.denoisers.bilateral.cpu import bilateral_cpu
from denoise_studio.denoisers.bilateral.mirror import cut, origins

def check(shape, channels, masked, window, guides, one_row, low=0.0, high=1.0):
    height, width = shape
    halo = 5
    place = origins(-halo, height + halo, height), origins(-halo, width + halo, width)
    pixels = cut(noisy(*shape, channels, low=low, high=high), *place)
    guide = None if guides is None else cut(noisy(*shape, guides, seed=3, low=low, high=high), *place)
    sigmas = smooth_maps(*shape, scale=high - low, largest=2.5)
    if one_row:
        sigmas = tuple(np.ascontiguousarray(s[:1]) for s in sigmas)
    valid = cut(some_valid(*shape), *place) if masked else None
    wanted = bilateral_cpu(pixels, halo, valid, *sigmas, window=window, guide=guide)
    to = lambda array: None if array is None else torch.from_numpy(array)
    found = on_triton.filtered(
        to(pixels), halo, to(valid), *map(to, sigmas), window=window, guide=to(guide)
    ).numpy()
    assert found.dtype == np.float32 and found.shape == wanted.shape
    error = np.abs(found - wanted).max() / (high - low)
    assert error <= 1e-5, (shape, channels, masked, window, guides, one_row, error)

for channels, masked, window in itertools.product((1, 3), (False, True), (None, 2)):
    check((11, 70), channels, masked, window, None, False)
check((1, 1), 1, False, None, None, False)
check((17, 9), 1, False, 0, None, True)
check((9, 66), 1, False, None, None, True, -1024.0, 3071.0)
check((9, 66), 1, True, None, 3, False)
check((9, 66), 3, False, 1, 1, False)
print("all agree")
"""


def test_equals_the_numba_kernel():
    if importlib.util.find_spec("triton") is None:
        pytest.skip("triton is not installed (it comes with CUDA builds of torch)")
    here = Path(__file__).parent
    paths = [str(here), str(here.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        [sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "all agree"


def test_without_triton_the_torch_form_takes_over(monkeypatch, caplog):
    from denoise_studio.denoisers.bilateral import on_torch

    monkeypatch.setitem(sys.modules, "triton", None)
    monkeypatch.delitem(sys.modules, "denoise_studio.denoisers.bilateral.on_triton", raising=False)
    on_torch.fastest.cache_clear()
    try:
        with caplog.at_level("INFO"):
            assert on_torch.fastest("cuda") is on_torch.filtered
            assert on_torch.fastest("cuda") is on_torch.filtered
        assert caplog.text.count("without Triton") == 1
        assert on_torch.fastest("cpu") is on_torch.filtered
    finally:
        on_torch.fastest.cache_clear()
