"""Slices that are ready before they are asked for, and what an answer at once is made of."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from builders import bilateral
from builders import picture as plain
from methods import inner, registered, simple
from series_builders import InMemory

from denoise_studio.core.fitted import Fitted, constant_map
from denoise_studio.core.parameter import Parameter
from denoise_studio.core.picture import Scale
from denoise_studio.core.recipe import Recipe
from denoise_studio.engine.render import render
from denoise_studio.engine.session import Request, Session
from denoise_studio.engine.stack import Stack

SOON = 20.0


def picture(height, width, seed=0):
    return plain(height, width, seed=seed, scale=Scale.HU, unit="HU")


def wave(index):
    x = np.mgrid[0:40, 0:48][1]
    return 100 * np.sin(x / 5 + index) + np.random.default_rng(index).normal(0, 10, x.shape)


@pytest.fixture
def live():
    heard, told, complete = [], [], threading.Event()

    def hear(response):
        heard.append(response)
        if response.complete:
            complete.set()

    session = Session(hear, lambda number, error: heard.append(error), 100_000_000)
    yield SimpleNamespace(session=session, heard=heard, told=told, complete=complete)
    session.close()
    for lane in (session.lane, session.fits, session.ahead):
        assert lane.join(SOON)


def recipe():
    return bilateral(sigma_r=30.0)


def asked(live, request):
    live.complete.clear()
    live.session.request(request)
    assert live.complete.wait(SOON)
    return live.heard[-1]


def test_nothing_is_ready_that_nobody_asked_for(live):
    assert live.session.ready(Request(picture(20, 20), recipe())) is None


def test_what_was_finished_once_is_there_at_once(live):
    pictures = [picture(40, 40, seed=seed) for seed in (1, 2)]
    first = asked(live, Request(pictures[0], recipe()))
    asked(live, Request(pictures[1], recipe()))
    again = live.session.ready(Request(pictures[0], recipe()))
    assert again.complete
    assert again.layer is first.layer
    assert again.recipe == first.recipe
    assert again.id > live.heard[-1].id
    assert live.session.ready(Request(pictures[0], recipe().replace(strength=0.5))) is None


def test_what_the_cache_let_go_is_not_ready(live):
    live.session.cache.budget_bytes = 1
    pictures = [picture(40, 40, seed=seed) for seed in (1, 2)]
    for each in pictures:
        asked(live, Request(each, recipe()))
    assert live.session.ready(Request(pictures[0], recipe())) is None
    assert live.session.ready(Request(pictures[1], recipe())) is not None


def test_a_layer_that_was_changed_since_is_not_ready(live):
    shown = picture(40, 40)
    asked(live, Request(shown, recipe()))
    asked(live, Request(shown, bilateral(sigma_r=60.0)))
    assert live.session.ready(Request(shown, recipe())) is None


def test_slices_ahead_are_ready_and_equal_to_a_rendering(live):
    made = InMemory(5, wave)
    stack = Stack(made.series)
    live.session.look_ahead(stack, (3, 1), recipe(), live.told.append)
    assert live.session.ahead.wait_idle(SOON)
    assert live.told == [3, 1]
    assert made.opened == [3, 1]
    for index in (1, 3):
        found = live.session.ready(Request(stack.get(index), recipe()))
        expected = render(stack.get(index), recipe()).pixels
        assert found.layer.pixels.tobytes() == expected.tobytes()
    assert live.heard == []


def test_a_broken_slice_is_passed_over(live):
    stack = Stack(InMemory(4, wave, broken=(1,)).series)
    live.session.look_ahead(stack, (1, 2), recipe(), live.told.append)
    assert live.session.ahead.wait_idle(SOON)
    assert live.told == [2]


def test_a_request_stops_looking_ahead(live):
    started, go = threading.Event(), threading.Event()

    def slow(tile):
        started.set()
        go.wait(SOON)
        return inner(tile)

    with registered(simple("slow", slow)):
        stack = Stack(InMemory(4, wave).series)
        live.session.look_ahead(stack, (1, 2, 3), Recipe(method="slow"), live.told.append)
        assert started.wait(SOON)
        live.session.request(Request(picture(20, 20), recipe()))
        go.set()
        assert live.session.ahead.wait_idle(SOON)
        assert live.complete.wait(SOON)
    assert live.told == []


def test_a_slice_that_was_done_for_another_recipe_is_done_anew(live):
    stack = Stack(InMemory(4, wave).series)
    other = bilateral(sigma_r=60.0)
    asked(live, Request(stack.get(1), other))
    asked(live, Request(stack.get(2), recipe()))
    live.session.look_ahead(stack, (1,), recipe(), live.told.append)
    assert live.session.ahead.wait_idle(SOON)
    found = live.session.ready(Request(stack.get(1), recipe()))
    assert found.layer.pixels.tobytes() == render(stack.get(1), recipe()).pixels.tobytes()


def test_a_closed_picture_leaves_nothing(live):
    shown = picture(40, 40)
    asked(live, Request(shown, recipe()))
    live.session.forget(shown)
    assert live.session.ready(Request(shown, recipe())) is None


class Finder:
    """Finds the slice's largest value, once the test lets it, and adds it to every pixel."""

    def __init__(self):
        self.open = threading.Event()
        amount = Parameter("amount", "Amount", "Added.", 0.0, minimum=-1e6, maximum=1e6, fitted=True)
        self.denoiser = simple(
            "finder",
            lambda tile: inner(tile) + np.asarray(tile.values["amount"], np.float32),
            parameters=(amount,),
            load_fit=lambda: self.fit,
        )

    def fit(self, task):
        while not self.open.wait(0.01):
            task.progress.check()
        return Fitted({"amount": constant_map(float(task.picture.pixels.max()), task.picture)})


def test_a_slice_is_shown_with_the_last_ones_maps_until_it_has_its_own(live):
    finder, recipe = Finder(), Recipe(method="finder")
    stack = Stack(InMemory(3, wave).series)
    first, second = stack.get(0), stack.get(1)
    with registered(finder.denoiser):
        finder.open.set()
        asked(live, Request(first, recipe))
        finder.open.clear()
        live.heard.clear()
        live.complete.clear()
        live.session.request(Request(second, recipe))
        assert live.session.lane.wait_idle(SOON)
        shown = live.heard[-1]
        assert not shown.complete
        assert not shown.fitted.final
        borrowed = second.pixels + np.float32(first.pixels.max())
        assert shown.layer.pixels.tobytes() == borrowed.tobytes()
        finder.open.set()
        assert live.complete.wait(SOON)
        assert live.heard[-1].layer.pixels.tobytes() == (second.pixels + second.pixels.max()).tobytes()
        assert live.session.fits.wait_idle(SOON)


def test_another_series_gets_no_maps_of_this_one(live):
    finder, recipe = Finder(), Recipe(method="finder")
    first, other = (InMemory(3, wave).series.open(0) for _ in range(2))
    with registered(finder.denoiser):
        finder.open.set()
        asked(live, Request(first, recipe))
        finder.open.clear()
        live.heard.clear()
        live.session.request(Request(other, recipe))
        assert live.session.lane.wait_idle(SOON)
        assert live.heard == []
        finder.open.set()
        assert live.session.fits.wait_idle(SOON)


def test_a_result_with_another_slices_maps_is_never_taken_for_finished(live):
    finder, recipe = Finder(), Recipe(method="finder")
    stack = Stack(InMemory(3, wave).series)
    first, second = stack.get(0), stack.get(1)
    with registered(finder.denoiser):
        finder.open.set()
        for picture_ in (first, second):
            asked(live, Request(picture_, recipe))
        for level in (1.0, 2.0, 3.0, 4.0):  # until the first one's fit is let go
            asked(live, Request(first, recipe.replace(noise_level=level)))
        asked(live, Request(second, recipe))
        finder.open.clear()
        live.session.request(Request(first, recipe))
        assert live.session.lane.wait_idle(SOON)
        assert not live.session.cache.peek(first, "finder").is_settled
        assert live.session.ready(Request(first, recipe)) is None
        assert not live.session.holds(first, recipe)
        finder.open.set()
        assert live.session.fits.wait_idle(SOON)
