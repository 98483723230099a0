"""Methods that find maps by themselves: one fit a setting, edits over it, previews that refine."""

import dataclasses
import gc
import threading
import weakref

import numpy as np
import pytest
from builders import picture, region
from methods import inner, registered

from denoise_studio.core.errors import Cancelled, StudioError
from denoise_studio.core.fitted import Fitted, ParameterMap, constant_map
from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Parameter, Values
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.fields import fields, maxima
from denoise_studio.engine.fits import finished_fit, fit, fit_key
from denoise_studio.engine.maps import footprints, map_values, shown_maps, spread
from denoise_studio.engine.render import render, render_in_full
from denoise_studio.engine.resolve import resolve
from denoise_studio.engine.session import Request, Session

SOON = 20.0


class Fitting:
    """Adds to every pixel a map that its fit "finds": the column's number times `scale`."""

    def __init__(self, id="fitting", gated=False):
        self.runs = 0
        self.started, self.open = threading.Event(), threading.Event()
        self.fails = False
        if not gated:
            self.open.set()
        amount = Parameter(
            "amount", "Amount", "Added.", 0.0, minimum=-1e6, maximum=100.0, fitted=True, per_region=True
        )
        factor = Parameter(
            "amount_factor",
            "×",
            "Multiplies.",
            1.0,
            minimum=0.0,
            maximum=10.0,
            per_region=True,
            multiplies=("amount",),
        )
        scale = Parameter("scale", "Scale", "Of the map.", 1.0, minimum=0.0, maximum=10.0, refit=True)
        self.denoiser = dataclasses.replace(
            get_denoiser("identity"),
            id=id,
            name="Fitting",
            parameters=(amount, factor, scale),
            load=lambda: self.apply,
            load_fit=lambda: self.fit,
            exact_tiles=True,
            parallel_tiles=False,
        )

    def apply(self, tile):
        return inner(tile) + np.float32(1) * np.asarray(tile.values["amount"], np.float32)

    def fit(self, task):
        self.runs += 1
        width = task.picture.width
        task.publish(Fitted({"amount": constant_map(0.5, task.picture)}, final=False))
        self.started.set()
        while not self.open.wait(0.01):
            task.progress.check()
        if self.fails:
            raise StudioError("cannot be fitted")
        columns = np.arange(width, dtype=np.float32) * np.float32(task.values["scale"])
        values = np.broadcast_to(columns, (task.picture.height, width)).copy()
        return Fitted({"amount": ParameterMap(values)}, note="columns")


@pytest.fixture
def method():
    fitting = Fitting()
    with registered(fitting.denoiser):
        yield fitting


@pytest.fixture
def gated():
    fitting = Fitting(gated=True)
    with registered(fitting.denoiser):
        yield fitting
        fitting.open.set()


def recipe(*regions, **values):
    return Recipe(method="fitting", parameters=Values(values), regions=regions)


def added(shown, *regions, **values):
    return render(shown, recipe(*regions, **values)).pixels[0] - shown.pixels[0]


def columns(shown):
    return np.broadcast_to(np.arange(shown.width, dtype=np.float32), (shown.height, shown.width))


def test_the_map_reaches_the_method_whatever_the_tiles(method):
    shown = picture(300, 90)
    assert added(shown) == pytest.approx(columns(shown), abs=1e-4)


def test_one_fit_for_all_edits_and_another_for_another_setting(method):
    shown = picture(40, 50)
    for _ in range(2):
        added(shown)
        added(shown, region(Box(1, 1, 9, 9), amount=3.0), amount_factor=2.0)
    assert method.runs == 1
    assert added(shown, scale=2.0) == pytest.approx(2 * columns(shown), abs=1e-4)
    assert method.runs == 2
    added(shown)
    assert method.runs == 2
    added(picture(40, 50))
    assert method.runs == 3


def test_numbers_replace_factors_multiply_and_later_regions_lie_on_top(method):
    shown = picture(30, 50)
    below = columns(shown)
    assert added(shown, amount=7.0) == pytest.approx(np.full((30, 50), 7.0), abs=1e-4)
    assert added(shown, amount=7.0, amount_factor=3.0) == pytest.approx(np.full((30, 50), 21.0), abs=1e-4)
    box = region(Box(10, 5, 20, 15), amount=4.0)
    both = region(Box(15, 5, 30, 15), amount_factor=2.0)
    wanted = below.copy()
    wanted[5:15, 10:20] = 4.0
    wanted[5:15, 15:30] *= 2.0
    assert added(shown, box, both) == pytest.approx(wanted, abs=1e-4)
    wanted = below.copy()
    wanted[5:15, 15:30] *= 2.0
    wanted[5:15, 10:20] = 4.0
    assert added(shown, both, box) == pytest.approx(wanted, abs=1e-4)


def test_feathers_mix_towards_the_factor_and_limits_hold(method):
    shown = picture(30, 50)
    soft = region(Box(-10, -10, 25, 40), feather=10.0, amount_factor=3.0)
    found = added(shown, soft)
    mask = soft.mask(shown.rect)
    assert found == pytest.approx(columns(shown) * (1 + 2 * mask), abs=1e-3)
    assert added(shown, amount_factor=10.0).max() == pytest.approx(100.0, abs=1e-4)


def test_maxima_cover_the_values(method):
    shown = picture(30, 50)
    edits = (region(Box(10, 5, 20, 15), amount=4.0), region(Box(15, 5, 45, 15), feather=3, amount_factor=2.0))
    resolved = resolve(shown, recipe(*edits))
    fitted = fit(shown, resolved, Progress())
    for rect in (shown.rect, Rect(12, 6, 3, 3), Rect(44, 0, 6, 30)):
        values = fields(resolved, method.denoiser, rect, shown, fitted)
        assert set(values) == {"amount", "scale"}
        assert np.max(values["amount"]) <= maxima(resolved, method.denoiser, rect, shown, fitted)["amount"]


def test_maps_for_the_eye(method):
    shown = picture(30, 50)
    resolved = resolve(shown, recipe(region(Box(10, 5, 20, 15), amount=4.0)))
    fitted = fit(shown, resolved, Progress())
    assert [p.name for p in shown_maps(resolved, fitted)] == ["amount"]
    values = map_values(shown, resolved, fitted, "amount", Rect(8, 4, 6, 3))
    assert values.tolist() == [[8, 9, 10, 11, 12, 13], [8, 9, 4, 4, 4, 4], [8, 9, 4, 4, 4, 4]]
    percentiles = spread(shown, resolve(shown, recipe()), fitted, "amount")
    assert percentiles.median == pytest.approx(24.5)
    assert percentiles.low < 3 < 46 < percentiles.high
    assert footprints(shown, resolved, fitted, 3, 3) == ()


def test_two_callers_share_one_fit_and_the_second_takes_over_after_a_cancel(gated):
    shown = picture(20, 20)
    resolved = resolve(shown, recipe())
    first, results = Progress(), []

    def ask(progress):
        try:
            results.append(fit(shown, resolved, progress))
        except Cancelled:
            results.append("cancelled")

    threads = [threading.Thread(target=ask, args=(p,)) for p in (first, Progress())]
    threads[0].start()
    assert gated.started.wait(SOON)
    threads[1].start()
    first.cancel()
    threads[0].join(SOON)
    assert results == ["cancelled"]
    gated.open.set()
    threads[1].join(SOON)
    assert gated.runs == 2
    assert results[1] is finished_fit(shown, resolved)


def test_hand_edits_are_no_part_of_the_fit(method):
    shown = picture(20, 20)
    plain = resolve(shown, recipe())
    edited = resolve(shown, recipe(region(Box(0, 0, 5, 5), amount=2.0), amount_factor=2.0, amount=1.0))
    assert fit_key(plain) == fit_key(edited)
    assert fit_key(plain) != fit_key(resolve(shown, recipe(scale=2.0)))
    assert fit_key(plain) != fit_key(plain.replace(seed=3))


def test_the_rendering_tells_of_its_fit(method):
    whole = render_in_full(picture(20, 20), recipe())
    assert whole.fitted.note == "columns"
    assert whole.picture.history[-1].endswith(": columns")
    assert render_in_full(picture(20, 20), Recipe(method="identity")).fitted is None


class Heard:
    def __init__(self):
        self.responses, self.errors, self.news = [], [], []
        self.session = Session(
            self.responses.append,
            lambda number, error: self.errors.append((number, error)),
            2**28,
            self.news.append,
        )

    def idle(self):
        """Both lanes may hand work to each other."""
        for _ in range(4):
            assert self.session.lane.wait_idle(SOON)
            assert self.session.fits.wait_idle(SOON)


@pytest.fixture
def heard():
    live = Heard()
    yield live
    live.session.close()
    assert live.session.lane.join(SOON)
    assert live.session.fits.join(SOON)


def test_the_preview_refines_itself(heard, gated):
    shown = picture(50, 60)
    number = heard.session.request(Request(shown, recipe()))
    assert gated.started.wait(SOON)
    assert heard.session.lane.wait_idle(SOON)
    early = heard.responses[-1]
    assert not early.complete
    assert not early.fitted.final
    assert early.layer.pixels - shown.pixels == pytest.approx(np.full(shown.pixels.shape, 0.5), abs=1e-5)
    gated.open.set()
    heard.idle()
    last = heard.responses[-1]
    assert last.complete
    assert {response.id for response in heard.responses} == {number}
    assert np.array_equal(last.layer.pixels, render(shown, recipe()).pixels)
    assert gated.runs == 1
    assert heard.news[0].running
    assert not heard.news[-1].running


def test_edits_during_a_fit_do_not_start_it_again(heard, gated):
    shown = picture(50, 60)
    heard.session.request(Request(shown, recipe()))
    assert gated.started.wait(SOON)
    edited = recipe(region(Box(5, 5, 20, 20), amount_factor=2.0))
    newest = heard.session.request(Request(shown, edited))
    assert heard.session.lane.wait_idle(SOON)
    assert heard.responses[-1].id == newest
    assert heard.responses[-1].layer.pixels[0, 10, 10] - shown.pixels[0, 10, 10] == pytest.approx(
        1.0, abs=1e-5
    )
    gated.open.set()
    heard.idle()
    assert gated.runs == 1
    assert heard.responses[-1].complete
    assert np.array_equal(heard.responses[-1].layer.pixels, render(shown, edited).pixels)


def test_another_setting_replaces_the_running_fit(heard, gated):
    shown = picture(50, 60)
    heard.session.request(Request(shown, recipe()))
    assert gated.started.wait(SOON)
    newest = heard.session.request(Request(shown, recipe(scale=2.0)))
    assert heard.session.lane.wait_idle(SOON)
    gated.open.set()
    heard.idle()
    last = heard.responses[-1]
    assert last.complete
    assert last.id == newest
    wanted = np.minimum(2 * columns(shown), 100)
    assert last.layer.pixels[0] - shown.pixels[0] == pytest.approx(wanted, abs=1e-4)


def test_stopped_it_stays_stopped_until_asked(heard, gated):
    shown = picture(50, 60)
    heard.session.request(Request(shown, recipe()))
    assert gated.started.wait(SOON)
    assert heard.session.lane.wait_idle(SOON)
    heard.session.cancel_fit()
    assert heard.session.fits.wait_idle(SOON)
    assert not heard.news[-1].running
    newest = heard.session.request(Request(shown, recipe(amount_factor=2.0)))
    heard.idle()
    assert gated.runs == 1
    assert heard.responses[-1].id == newest
    assert not heard.responses[-1].complete
    gated.open.set()
    heard.session.refit()
    heard.idle()
    assert gated.runs == 2
    assert heard.responses[-1].complete
    assert heard.errors == []


def test_a_fit_that_fails_is_told(heard, gated):
    gated.fails = True
    shown = picture(50, 60)
    number = heard.session.request(Request(shown, recipe()))
    assert gated.started.wait(SOON)
    gated.open.set()
    heard.idle()
    assert {(told, str(error)) for told, error in heard.errors} == {(number, "cannot be fitted")}
    again = heard.session.request(Request(shown, recipe()))
    heard.idle()
    assert gated.runs == 1
    assert heard.errors[-1][0] == again
    gated.fails = False
    heard.session.refit()
    heard.idle()
    assert heard.responses[-1].complete


def test_a_region_edit_filters_its_pixels_only(heard, method):
    shown = picture(300, 300)
    heard.session.request(Request(shown, recipe()))
    heard.idle()
    layer = heard.responses[-1].layer
    edited = resolve(shown, recipe(region(Box(5, 5, 20, 20), amount_factor=2.0)))
    assert layer.pending(edited) == [Rect(5, 5, 15, 15)]
    heard.session.request(Request(shown, recipe(region(Box(5, 5, 20, 20), amount_factor=2.0))))
    heard.idle()
    assert np.array_equal(heard.responses[-1].layer.pixels, render(shown, edited).pixels)


def test_an_older_request_never_replaces_a_newer_one(heard, method, monkeypatch):
    """The fit's lane asks again for what was wanted when it looked; meanwhile something newer came."""
    shown = picture(50, 60)
    looked, go_on = threading.Event(), threading.Event()
    original = heard.session._key_of

    def slow(request):
        key = original(request)
        if finished_fit(shown, resolve(shown, request.recipe)) and not go_on.is_set():
            looked.set()
            assert go_on.wait(SOON)
        return key

    monkeypatch.setattr(heard.session, "_key_of", slow)
    heard.session.request(Request(shown, recipe()))
    assert looked.wait(SOON)
    newest = heard.session.request(Request(shown, recipe(amount_factor=2.0)))
    go_on.set()
    heard.idle()
    last = heard.responses[-1]
    assert (last.id, last.complete) == (newest, True)
    assert np.array_equal(last.layer.pixels, render(shown, recipe(amount_factor=2.0)).pixels)


def test_an_abandoned_fit_starts_again_when_it_is_wanted(heard, gated):
    shown = picture(50, 60)
    heard.session.request(Request(shown, recipe()))
    assert gated.started.wait(SOON)
    assert heard.session.lane.wait_idle(SOON)
    heard.session.cancel_fit(remember=False)
    assert heard.session.fits.wait_idle(SOON)
    gated.open.set()
    heard.session.request(Request(shown, recipe()))
    heard.idle()
    assert gated.runs == 2
    assert heard.responses[-1].complete


def test_a_closed_picture_is_let_go(heard, gated):
    shown = picture(50, 60)
    gone = weakref.ref(shown)
    heard.session.request(Request(shown, recipe()))
    assert gated.started.wait(SOON)
    heard.session.forget(shown)
    heard.idle()
    heard.responses.clear()
    heard.news.clear()
    del shown
    gc.collect()
    assert gone() is None


def test_a_picture_closed_just_before_its_preview_starts_is_let_go_too(heard, method, monkeypatch):
    shown = picture(50, 60)
    maps = heard.session._maps

    def closed_meanwhile(*about):
        found = maps(*about)
        if found is not None:
            heard.session.forget(shown)
        return found

    monkeypatch.setattr(heard.session, "_maps", closed_meanwhile)
    heard.session.request(Request(shown, recipe()))
    heard.idle()
    assert method.runs == 1
    assert heard.session.cache.peek(shown, "fitting") is None


def test_what_is_told_of_the_noise_is_part_of_the_fit(method):
    shown = picture(20, 20)
    plain = resolve(shown, recipe())
    assert fit_key(plain) != fit_key(plain.replace(noise_level=3.0))


def test_the_lower_limit_holds_for_hands_not_for_what_was_found():
    fitting = Fitting("limited")
    amount = dataclasses.replace(fitting.denoiser.parameters[0], minimum=5.0, default=5.0)
    denoiser = dataclasses.replace(fitting.denoiser, parameters=(amount, *fitting.denoiser.parameters[1:]))
    with registered(denoiser):
        shown = picture(4, 9)
        found = render(shown, Recipe(method="limited")).pixels[0] - shown.pixels[0]
        assert found[0] == pytest.approx(np.arange(9.0), abs=1e-4)
