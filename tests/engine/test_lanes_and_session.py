"""Latest wins, cancel within a tile, errors, close: with methods that wait, and with a really slow one."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from builders import bilateral, padded, picture, region
from methods import Counting, inner, plus, registered, simple

from denoise_studio.core.errors import OutOfMemory, RecipeError
from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Parameter, Values
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box
from denoise_studio.engine import devices
from denoise_studio.engine.lanes import Lane
from denoise_studio.engine.render import compose, render
from denoise_studio.engine.session import Request, Session

SOON = 20.0
"""Seconds: never waited for in full unless something is broken."""


@pytest.fixture
def lane():
    lane = Lane("test")
    yield lane
    lane.close()
    assert lane.join(SOON)


class Blocker:
    """A job that runs until the test lets it go, or until it is cancelled if it looks."""

    def __init__(self, looks=False):
        self.started, self.go, self.looks = threading.Event(), threading.Event(), looks

    def __call__(self, progress):
        self.started.set()
        while not self.go.wait(0.01):
            if self.looks:
                progress.check()


def block(lane, **options):
    blocker = Blocker(options.pop("looks", False))
    job = lane.submit(blocker, **options)
    assert blocker.started.wait(SOON)
    return blocker, job


def test_jobs_without_a_key_run_in_order(lane):
    done = []
    blocker, _ = block(lane)
    for number in range(5):
        lane.submit(lambda progress, number=number: done.append(number))
    assert not lane.idle
    blocker.go.set()
    assert lane.wait_idle(SOON)
    assert done == [0, 1, 2, 3, 4]
    assert lane.idle


def test_of_the_waiting_jobs_of_a_key_only_the_newest_runs(lane):
    done = []
    blocker, _ = block(lane)
    jobs = [
        lane.submit(lambda progress, n=n, key=key: done.append((key, n)), key=key)
        for n in range(4)
        for key in ("view", "metrics")
    ]
    lane.submit(lambda progress: done.append("keyless"))
    assert sum(not job.progress.cancelled for job in jobs) == 2
    blocker.go.set()
    assert lane.wait_idle(SOON)
    assert done == [("view", 3), ("metrics", 3), "keyless"]


def test_a_new_job_cancels_the_running_one_of_its_key_only(lane):
    _, job = block(lane, key="view", looks=True)
    lane.submit(lambda progress: None, key="metrics")
    lane.submit(lambda progress: None)
    assert not job.progress.cancelled
    lane.submit(lambda progress: None, key="view")
    assert job.progress.cancelled
    assert lane.wait_idle(SOON)


def test_failures_reach_on_error_and_the_lane_goes_on(lane):
    errors, done = [], []

    def fail(progress):
        raise ValueError("broken")

    lane.submit(fail, on_error=errors.append)
    lane.submit(lambda progress: done.append(1))
    assert lane.wait_idle(SOON)
    assert [str(error) for error in errors] == ["broken"]
    assert done == [1]


def test_failures_without_a_listener_are_logged(lane, caplog):
    def fail(progress):
        raise ValueError("broken")

    def fail_again(error):
        raise RuntimeError("the listener too")

    lane.submit(fail)
    lane.submit(fail, on_error=fail_again)
    done = []
    lane.submit(lambda progress: done.append(1))
    assert lane.wait_idle(SOON)
    assert done == [1]
    assert [record.message for record in caplog.records] == [
        "a job in the lane test failed",
        "an error callback failed",
    ]


def test_errors_of_a_cancelled_job_are_dropped(lane):
    errors = []
    started, go = threading.Event(), threading.Event()

    def fail(progress):
        started.set()
        go.wait(SOON)
        raise ValueError("too late")

    job = lane.submit(fail, on_error=errors.append)
    assert started.wait(SOON)
    job.cancel()
    go.set()
    assert lane.wait_idle(SOON)
    assert errors == []


def test_a_cancelled_job_never_starts(lane):
    done = []
    blocker, _ = block(lane)
    job = lane.submit(lambda progress: done.append(1), progress=(mine := Progress()))
    assert job.progress is mine
    job.cancel()
    blocker.go.set()
    assert lane.wait_idle(SOON)
    assert done == []


def test_cancel_all_empties_the_lane(lane):
    done = []
    _, job = block(lane, looks=True)
    lane.submit(lambda progress: done.append(1))
    lane.cancel_all()
    assert job.progress.cancelled
    assert lane.wait_idle(SOON)
    assert done == []


def test_close_while_running_and_nothing_afterwards():
    lane, done = Lane("closing"), []
    _, job = block(lane, looks=True)
    lane.submit(lambda progress: done.append(1))
    lane.close()
    assert lane.join(SOON)
    assert job.progress.cancelled
    assert done == []
    with pytest.raises(RuntimeError, match="closing is closed"):
        lane.submit(lambda progress: None)
    lane.close()


def test_many_submitters_at_once():
    """Whatever the timing: the newest job of a key runs, closing ends all, nothing hangs."""
    lane, done = Lane("busy"), []

    def submit(key):
        for number in range(200):
            lane.submit(lambda progress, n=number: done.append((key, n)), key=key)

    threads = [threading.Thread(target=submit, args=(key,)) for key in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lane.wait_idle(SOON)
    lane.close()
    assert lane.join(SOON)
    for key in "abc":
        numbers = [n for k, n in done if k == key]
        assert numbers == sorted(numbers)
        assert numbers[-1] == 199


# --- the session -----------------------------------------------------------------------------


class Listener:
    def __init__(self):
        self.responses, self.errors = [], []
        self.first = threading.Event()

    def on_response(self, response):
        self.responses.append(response)
        self.first.set()

    def on_error(self, number, error):
        self.errors.append((number, error))

    @property
    def complete(self):
        return [response for response in self.responses if response.complete]


@pytest.fixture
def live():
    listener = Listener()
    session = Session(listener.on_response, listener.on_error, 100_000_000)
    yield SimpleNamespace(session=session, heard=listener)
    session.close()
    assert session.lane.join(SOON)


class Gate:
    """A method that adds `amount` to every pixel, and waits at every tile until the test opens it."""

    def __init__(self, fails_at=None, **changes):
        self.started, self.open = threading.Event(), threading.Event()
        self.tiles = []
        self.fails_at = fails_at
        amount = Parameter("amount", "Amount", "", 0.0, maximum=10.0)
        self.denoiser = simple("gate", self._apply, parameters=(amount,), **changes)

    def _apply(self, tile):
        self.tiles.append(tile.values["amount"])
        self.started.set()
        assert self.open.wait(SOON)
        if tile.values["amount"] == self.fails_at:
            raise ValueError("broken")
        return plus(tile, tile.values["amount"])


def gate_recipe(amount):
    return Recipe(method="gate", parameters=Values({"amount": amount}))


@pytest.mark.parametrize("parallel", [False, True])
def test_only_the_newest_request_is_answered(live, parallel):
    shown = picture(520, 520)
    gate = Gate(parallel_tiles=parallel)
    with registered(gate.denoiser):
        first = live.session.request(Request(shown, gate_recipe(1.0)))
        assert gate.started.wait(SOON)
        for amount in (2.0, 3.0, 4.0):
            newest = live.session.request(Request(shown, gate_recipe(amount)))
        gate.open.set()
        assert live.session.lane.wait_idle(SOON)
        assert newest > first
        assert {response.id for response in live.heard.responses} == {newest}
        (last,) = live.heard.complete
        assert last is live.heard.responses[-1]
        assert np.array_equal(last.layer.pixels, shown.pixels + np.float32(4.0))
        assert last.fraction == 1.0
        assert last.layer.is_done(last.recipe, shown.rect)
        assert 2.0 not in gate.tiles
        assert 3.0 not in gate.tiles
        assert live.heard.errors == []


@pytest.mark.parametrize("parallel", [False, True])
def test_cancel_returns_within_one_tile(live, parallel):
    gate = Gate(parallel_tiles=parallel)
    with registered(gate.denoiser):
        live.session.request(Request(picture(1030, 1030), gate_recipe(1.0)))
        assert gate.started.wait(SOON)
        live.session.lane.cancel_all()
        gate.open.set()
        assert live.session.lane.wait_idle(SOON)
        assert len(gate.tiles) <= (devices.worker_count() if parallel else 1)
        assert live.heard.responses == []


def test_stale_errors_are_dropped_and_new_ones_told(live):
    shown = picture(100, 100)
    gate = Gate(fails_at=1.0)
    with registered(gate.denoiser):
        live.session.request(Request(shown, gate_recipe(1.0)))
        assert gate.started.wait(SOON)
        live.session.request(Request(shown, gate_recipe(2.0)))
        gate.open.set()
        assert live.session.lane.wait_idle(SOON)
        assert live.heard.errors == []
        assert len(live.heard.complete) == 1
        number = live.session.request(Request(shown, gate_recipe(1.0)))
        assert live.session.lane.wait_idle(SOON)
        ((told, error),) = live.heard.errors
        assert (told, str(error)) == (number, "broken")
        live.session.request(Request(shown, gate_recipe(3.0)))
        assert live.session.lane.wait_idle(SOON)
        assert np.array_equal(live.heard.complete[-1].layer.pixels, shown.pixels + np.float32(3.0))


def test_a_recipe_that_does_not_fit_is_an_error_not_a_crash(live):
    number = live.session.request(Request(picture(9, 9), Recipe(method="magic")))
    assert live.session.lane.wait_idle(SOON)
    ((told, error),) = live.heard.errors
    assert told == number
    assert isinstance(error, RecipeError)


@pytest.mark.parametrize("parallel", [False, True])
def test_close_while_a_method_runs(parallel):
    heard = Listener()
    session = Session(heard.on_response, heard.on_error, 100_000_000)
    gate = Gate(parallel_tiles=parallel)
    with registered(gate.denoiser):
        session.request(Request(picture(520, 520), gate_recipe(1.0)))
        assert gate.started.wait(SOON)
        session.close()
        gate.open.set()
        assert session.lane.join(SOON)
    assert heard.responses == []
    assert heard.errors == []


def test_what_is_in_view_comes_first(live):
    shown = picture(1030, 1030)
    corners = [shown.pixels[0, 256 * row, 256 * column] for row in range(5) for column in range(5)]
    seen = []

    def apply(tile):
        seen.append(divmod(corners.index(tile.pixels[0, 0, 0]), 5))
        return inner(tile)

    view = Rect(600, 520, 300, 200)  # cells (2, 2) and (2, 3)
    with registered(simple("seeing", apply)):
        live.session.request(Request(shown, Recipe(method="seeing"), visible=view, focus=(850.0, 620.0)))
        assert live.session.lane.wait_idle(SOON)
    assert seen[:2] == [(2, 3), (2, 2)]
    assert sorted(seen) == [(row, column) for row in range(5) for column in range(5)]


def test_while_requests_follow_each_other_only_what_is_in_view_runs(live, monkeypatch):
    shown, view = picture(1030, 1030), Rect(600, 520, 300, 200)  # two cells of 25
    pausing, go = threading.Semaphore(0), threading.Event()
    areas = []

    def wait(progress, seconds):
        pausing.release()
        while not go.wait(0.01):
            progress.check()

    def apply(tile):
        areas.append(inner(tile)[0].size)
        return inner(tile)

    monkeypatch.setattr(Progress, "wait", wait)
    with registered(simple("looking", apply)):
        for number in range(3):
            recipe = Recipe(method="looking", seed=number)
            live.session.request(Request(shown, recipe, visible=view))
            assert pausing.acquire(timeout=SOON)
            assert sum(areas) == 2 * 256 * 256
            areas.clear()
            newest = live.heard.responses[-1]
            assert newest.request.recipe is recipe
            assert newest.layer.is_done(newest.recipe, view)
        assert not live.heard.complete
        go.set()
        assert live.session.lane.wait_idle(SOON)
        assert sum(areas) == 1030 * 1030 - 2 * 256 * 256
        assert live.heard.complete


def test_preview_equals_render(live):
    shown = padded(300, 530, 3)
    recipe = bilateral(region(Box(100, 90, 300, 280), feather=20, sigma_x=3.0, strength=0.5), strength=0.8)
    live.session.request(Request(shown, bilateral()))
    live.session.request(Request(shown, recipe))
    assert live.session.lane.wait_idle(SOON)
    last = live.heard.complete[-1]
    assert last.version == last.layer.version
    preview = compose(shown, last.layer.pixels, last.recipe, shown.rect)
    assert np.array_equal(preview, render(shown, recipe).pixels)


def test_saving_takes_what_the_preview_has_and_leaves_it_alone(live):
    shown = picture(300, 300)
    counting = Counting()
    with registered(counting.denoiser):
        recipe = bilateral(strength=0.5).replace(method="counting")
        live.session.request(Request(shown, recipe))
        assert live.session.lane.wait_idle(SOON)
        assert counting.take() == 300 * 300
        layer = live.heard.complete[-1].layer
        before = layer.pixels.copy()
        rendering = live.session.render_now(shown, recipe, Progress())
        assert counting.take() == 0
        assert np.array_equal(layer.pixels, before)
        assert np.array_equal(rendering.picture.pixels, render(shown, bilateral(strength=0.5)).pixels)


def test_a_gpu_without_memory_is_told_in_the_response(live, monkeypatch, caplog):
    monkeypatch.setattr(devices, "gpu_likely", lambda: True)
    monkeypatch.setattr(devices, "probe", lambda kind: ("Fake GPU", "") if kind == "cuda" else ("", "no"))

    asked = []

    def apply(tile):
        asked.append(tile.device)
        if tile.device == "cuda":
            raise OutOfMemory("no")
        return plus(tile, 1.0)

    shown = picture(300, 300)
    with registered(simple("hungry", apply, devices=("cpu", "cuda"))):
        live.session.request(Request(shown, Recipe(method="hungry")))
        assert live.session.lane.wait_idle(SOON)
        last = live.heard.complete[-1]
        assert "Fake GPU ran out of memory" in last.fallback
        assert (last.device.kind, last.recipe.device) == ("cpu", "cpu")
        assert last.layer.is_done(last.recipe, shown.rect)
        assert np.array_equal(last.layer.pixels, shown.pixels + np.float32(1.0))
        asked.clear()
        live.session.request(Request(shown, Recipe(method="hungry", noise_level=1.0, seed=1)))
        assert live.session.lane.wait_idle(SOON)
        assert set(asked) == {"cpu"}  # not tried, and failed, again at every move of a slider
        assert "Fake GPU ran out of memory" in live.heard.complete[-1].fallback


# --- once with a real, slow method -----------------------------------------------------------

SLOW = Recipe(method="nlm", parameters=Values({"search_radius": 20, "patch_radius": 5}), noise_level=0.05)


def test_the_newest_wins_with_non_local_means(live):
    shown = picture(520, 1500)
    live.session.request(Request(shown, SLOW))
    assert live.heard.first.wait(SOON)  # the first cells of the slow one are there
    newest = live.session.request(Request(shown, SLOW.with_parameter("search_radius", 3)))
    assert live.session.lane.wait_idle(SOON)
    (last,) = live.heard.complete
    assert last.id == newest
    assert np.array_equal(
        compose(shown, last.layer.pixels, last.recipe, shown.rect),
        render(shown, SLOW.with_parameter("search_radius", 3)).pixels,
    )


def test_cancelling_and_closing_during_non_local_means():
    heard = Listener()
    session = Session(heard.on_response, heard.on_error, 100_000_000)
    shown = picture(520, 1500)
    session.request(Request(shown, SLOW))
    assert heard.first.wait(SOON)
    layer = session.cache.peek(shown, "nlm")
    session.close()
    written = layer.version
    assert session.lane.join(SOON)
    assert layer.version <= written + 1
    assert heard.complete == []
    assert heard.errors == []
