import os
import subprocess
import sys

import pytest
from builders import bilateral, picture

from denoise_studio.core.errors import RecipeError
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine import devices
from denoise_studio.engine.render import render_in_full

BILATERAL, NLM = get_denoiser("bilateral"), get_denoiser("nlm")
no_gpu = pytest.mark.skipif(devices.gpu_likely(), reason="this machine seems to have a GPU")


@no_gpu
def test_without_a_gpu_a_render_never_loads_torch():
    code = (
        "import sys, numpy as np, denoise_studio as ds; "
        "p = ds.Picture(np.zeros((1, 9, 9), np.float32)); "
        "ds.render(p, ds.Recipe(method='bilateral')); "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@no_gpu
def test_cuda_that_is_not_there_is_a_reason_not_an_error():
    device = devices.choose("cuda", BILATERAL)
    assert device.kind == "cpu"
    assert device.why
    rendering = render_in_full(picture(20, 20), bilateral().replace(device="cuda"))
    assert rendering.recipe.device == "cpu"
    assert rendering.fallback == device.why


def test_a_method_for_the_cpu_says_so():
    assert devices.choose("cuda", NLM).why == "Non-local means runs on the CPU only"
    assert devices.choose("auto", NLM).why == ""
    assert devices.choose("cpu", BILATERAL).why == ""


def test_auto_takes_the_gpu_that_is_there(monkeypatch):
    monkeypatch.setattr(devices, "gpu_likely", lambda: True)
    monkeypatch.setattr(
        devices, "probe", lambda kind: ("Some GPU", "") if kind == "cuda" else ("", "no Apple")
    )
    assert devices.choose("auto", BILATERAL) == devices.Device("cuda", "Some GPU")
    assert devices.choose("cpu", BILATERAL).kind == "cpu"
    assert devices.choose("mps", BILATERAL).why == "no Apple"
    assert devices.choose("auto", NLM).kind == "cpu"


def test_auto_without_a_driver_asks_no_further(monkeypatch):
    monkeypatch.setattr(devices, "gpu_likely", lambda: False)
    monkeypatch.setattr(devices, "probe", lambda kind: pytest.fail("torch was asked"))
    assert devices.choose("auto", BILATERAL).kind == "cpu"


def test_unknown_words():
    with pytest.raises(RecipeError, match="auto, cpu, cuda or mps"):
        devices.choose("gpu", BILATERAL)


@pytest.mark.parametrize(("cores", "workers"), [(1, 1), (2, 2), (4, 4), (5, 4), (64, 63)])
def test_a_core_stays_free_above_four(cores, workers, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cores)), raising=False)
    assert devices.worker_count() == workers
