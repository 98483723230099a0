"""Out of memory: smaller tiles, then the CPU, with the same pixels and a sentence that says so."""

import threading

import numpy as np
import pytest
from builders import bilateral, padded, picture, region
from methods import inner, plus, registered, simple

from denoise_studio.core.errors import Cancelled, OutOfMemory, StudioError
from denoise_studio.core.geometry import Rect
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine import devices
from denoise_studio.engine.filtering import SMALLEST_TILE, Filter
from denoise_studio.engine.grid import CELL, cell_rect, cells_of
from denoise_studio.engine.render import render_in_full

GPU = devices.Device("cuda", "Fake GPU")


def side(tile):
    return max(tile.pixels.shape[1:]) - 2 * tile.halo


def collect(filter_, progress=None):
    out = np.full(filter_.picture.pixels.shape, np.nan, np.float32)

    def sink(rect, pixels):
        out[(slice(None), *rect.slices)] = pixels

    whole = filter_.picture.rect
    filter_.run([cell_rect(cell, whole) for cell in cells_of(whole, whole)], sink, progress or Progress())
    return out


def bounded(limit, on=("cpu", "cuda"), error=OutOfMemory, method="bilateral", seen=None):
    """A method's call that fails for tiles larger than `limit` on some devices."""
    original = get_denoiser(method).load()

    def apply(tile):
        if seen is not None:
            seen.append((tile.device, side(tile)))
        if tile.device in on and side(tile) > limit:
            raise error("no")
        return original(tile) if tile.device == "cpu" else plus(tile, 1.0)

    return apply


def method(apply, **changes):
    b = get_denoiser("bilateral")
    return simple(
        "bounded",
        apply,
        **(
            {"parameters": b.parameters, "halo": b.halo, "exact_tiles": True, "devices": ("cpu", "cuda")}
            | changes
        ),
    )


@pytest.fixture
def fake_gpu(monkeypatch):
    monkeypatch.setattr(devices, "gpu_likely", lambda: True)
    monkeypatch.setattr(devices, "probe", lambda kind: ("Fake GPU", "") if kind == "cuda" else ("", "no"))


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("error", [OutOfMemory, MemoryError])
@pytest.mark.parametrize("limit", [200, 100, 40, 32])
def test_smaller_tiles_give_the_same_pixels(parallel, error, limit, caplog):
    shown = padded(300, 270, 3)
    recipe = bilateral(region(Box(90, 80, 200, 190), feather=9, sigma_x=2.0))
    keep = ~shown.padding
    wanted = collect(Filter(shown, recipe, devices.cpu()))
    with registered(method(bounded(limit, error=error), parallel_tiles=parallel)):
        filter_ = Filter(shown, recipe.replace(method="bounded"), devices.cpu())
        result = collect(filter_)
    assert np.array_equal(result[:, keep], wanted[:, keep])
    assert SMALLEST_TILE <= filter_.tile <= limit
    assert filter_.fallback.endswith(f"tiles of {filter_.tile} px")
    assert "ran out of memory" in filter_.fallback
    assert filter_.fallback in caplog.text
    assert filter_.device.kind == "cpu"


def test_a_smaller_tile_is_kept_for_the_rest(caplog):
    seen = []
    with registered(method(bounded(64, seen=seen))):
        collect(Filter(picture(2 * CELL, 2 * CELL), bilateral().replace(method="bounded"), devices.cpu()))
    failures = [size for _, size in seen if size > 64]
    assert failures == [256, 128]
    assert len(seen) - len(failures) == (2 * CELL // 64) ** 2


def test_a_gpu_that_never_has_room_leads_to_the_cpu(caplog):
    shown = picture(300, 270)
    recipe = bilateral().replace(method="bounded", device="cuda")
    seen = []
    with registered(method(bounded(0, on=("cuda",), seen=seen))):
        filter_ = Filter(shown, recipe, GPU)
        collect(filter_)
    assert filter_.device.kind == "cpu"
    assert filter_.tile == CELL
    assert filter_.fallback == "Fake GPU ran out of memory even for 32 px tiles: using the CPU"
    assert filter_.device.why == filter_.fallback
    assert [size for kind, size in seen if kind == "cuda"] == [256, 128, 64, 32]


@pytest.mark.parametrize("parallel", [False, True])
def test_a_result_never_mixes_devices(parallel, fake_gpu, caplog):
    """The GPU gives up in the middle: what it has done is done again, and the record says CPU."""
    shown = picture(300, 700)
    calls = []

    def apply(tile):
        calls.append(tile.device)
        if tile.device == "cuda":
            if len(calls) > 3:
                raise OutOfMemory("no")
            return plus(tile, 1.0)
        return plus(tile, 2.0)

    with registered(method(apply, parallel_tiles=parallel)):
        rendering = render_in_full(shown, bilateral().replace(method="bounded", device="auto"))
    assert np.array_equal(rendering.picture.pixels, shown.pixels + np.float32(2.0))
    assert rendering.recipe.device == "cpu"
    assert rendering.device.kind == "cpu"
    assert "using the CPU" in rendering.fallback
    assert calls.count("cpu") >= len(cells_of(shown.rect, shown.rect))


def test_smaller_tiles_on_a_gpu_stay_on_the_gpu(fake_gpu, caplog):
    shown = picture(300, 270)
    with registered(method(bounded(100, on=("cuda",)))):
        rendering = render_in_full(shown, bilateral().replace(method="bounded", device="cuda"))
    assert np.array_equal(rendering.picture.pixels, shown.pixels + np.float32(1.0))
    assert (rendering.recipe.device, rendering.tile) == ("cuda", 64)
    assert rendering.fallback == "Fake GPU ran out of memory: tiles of 64 px"


@pytest.mark.parametrize("parallel", [False, True])
def test_no_memory_at_all_is_one_sentence(parallel, caplog):
    with (
        registered(method(bounded(0), parallel_tiles=parallel)),
        pytest.raises(StudioError, match="There is not enough memory to run A test's method"),
    ):
        collect(Filter(picture(100, 100), bilateral().replace(method="bounded"), devices.cpu()))


@pytest.mark.parametrize("parallel", [False, True])
def test_cancelled_while_out_of_memory(parallel, caplog):
    progress = Progress()
    seen = []

    def apply(tile):
        seen.append(side(tile))
        progress.cancel()
        raise OutOfMemory("no")

    with registered(method(apply, parallel_tiles=parallel)), pytest.raises(Cancelled):
        collect(Filter(picture(600, 600), bilateral().replace(method="bounded"), devices.cpu()), progress)
    assert len(seen) <= devices.worker_count() if parallel else len(seen) == 1


def test_other_failures_are_not_taken_for_memory():
    def apply(tile):
        raise ValueError("a bug")

    for parallel in (False, True):
        with registered(method(apply, parallel_tiles=parallel)), pytest.raises(ValueError, match="a bug"):
            collect(Filter(picture(600, 300), bilateral().replace(method="bounded"), devices.cpu()))


@pytest.mark.parametrize("wrong", ["shape", "dtype"])
def test_a_method_that_returns_something_else_is_named(wrong):
    def apply(tile):
        return inner(tile)[:, 1:] if wrong == "shape" else inner(tile).astype(np.float64)

    with registered(method(apply)), pytest.raises(TypeError, match="bounded returned"):
        collect(Filter(picture(30, 30), bilateral().replace(method="bounded"), devices.cpu()))


def test_nothing_runs_after_a_failure():
    """`run` waits for the tiles in flight: nothing may read the picture afterwards."""
    active, lock, failed = 0, threading.Lock(), threading.Event()
    at_return = []

    def apply(tile):
        nonlocal active
        with lock:
            active += 1
        try:
            if not failed.is_set():
                failed.set()
                raise ValueError("first")
            threading.Event().wait(0.05)
            return inner(tile)
        finally:
            with lock:
                active -= 1

    with registered(method(apply, parallel_tiles=True)):
        with pytest.raises(ValueError, match="first"):
            collect(Filter(picture(600, 600), bilateral().replace(method="bounded"), devices.cpu()))
        at_return.append(active)
    assert at_return == [0]


@pytest.mark.parametrize("parallel", [False, True])
def test_the_sink_is_called_on_the_calling_thread(parallel):
    threads = set()
    shown = picture(520, 300)
    with registered(method(inner, parallel_tiles=parallel)):
        filter_ = Filter(shown, bilateral().replace(method="bounded"), devices.cpu())
        filter_.run([shown.rect], lambda rect, pixels: threads.add(threading.current_thread()), Progress())
    assert threads == {threading.current_thread()}


def test_a_tile_tells_the_method_all():
    tiles = []

    def apply(tile):
        tiles.append(tile)
        return inner(tile)

    shown = padded(40, 40)
    recipe = Recipe(method="bounded", noise_level=3.0, seed=7, device="cpu")
    with registered(method(apply, parameters=(), halo=lambda values: 2, uses_noise_level=True)):
        Filter(shown, recipe, devices.cpu()).run([Rect(0, 0, 20, 20)], lambda *args: None, Progress())
    (tile,) = tiles
    assert (tile.noise_level, tile.seed, tile.device, tile.halo) == (3.0, 7, "cpu", 2)
    assert tile.value_range == (shown.pixels[:, ~shown.padding].min(), shown.pixels[:, ~shown.padding].max())
    assert tile.pixels.shape == (1, 24, 24)
    assert np.array_equal(tile.valid[2:-2, 2:-2], ~shown.padding[:20, :20])
    assert not tile.pixels[:, ~tile.valid].any()
    assert tile.pixels.flags.writeable
