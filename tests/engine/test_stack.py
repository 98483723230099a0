"""Slices opened on demand, kept within a budget, the same for everybody."""

import gc
import threading

import numpy as np
import pytest
from series_builders import InMemory

from denoise_studio.core.errors import Cancelled, FormatError
from denoise_studio.core.progress import Progress
from denoise_studio.engine.stack import Stack, stack_of

SLICE = 16 * 16 * 7  # what a stack takes a slice of 16 x 16 pixels for


def flat(index):
    return np.full((16, 16), index, np.float32)


def test_a_slice_is_opened_once():
    made = InMemory(5, flat)
    stack = Stack(made.series)
    assert stack.peek(2) is None
    first = stack.get(2)
    assert stack.get(2) is first is stack.peek(2)
    assert made.opened == [2]
    assert first.pixels[0, 0, 0] == 2


def test_those_asked_for_last_stay_within_the_budget():
    made = InMemory(8, flat)
    gone = []
    stack = Stack(made.series, 4 * SLICE, gone.append)
    for index in (0, 1, 2, 3, 0, 4):
        stack.get(index)
    assert [stack.peek(i) is not None for i in range(5)] == [True, False, True, True, True]
    assert [picture.place.index for picture in gone] == [1]
    assert stack.get(1) is not gone[0]


def test_two_callers_at_once_get_one_picture():
    made = InMemory(2, flat)
    gate = threading.Event()
    real = made.series.open_slice

    def slow(series, index, progress):
        gate.wait(10)
        return real(series, index, progress)

    object.__setattr__(made.series, "open_slice", slow)
    stack = Stack(made.series)
    found = []
    threads = [threading.Thread(target=lambda: found.append(stack.get(1))) for _ in range(3)]
    for thread in threads:
        thread.start()
    stopped = Progress()
    stopped.cancel()
    with pytest.raises(Cancelled):
        stack.get(1, stopped)
    gate.set()
    for thread in threads:
        thread.join()
    assert len({id(picture) for picture in found}) == 1
    assert made.opened == [1]


def test_a_broken_slice_says_so_each_time_and_harms_no_other():
    made = InMemory(3, flat, broken=(1,))
    stack = Stack(made.series)
    for _ in range(2):
        with pytest.raises(FormatError, match="cut short"):
            stack.get(1)
    assert stack.get(2).place.index == 2


def test_everybody_shares_one_stack_and_it_goes_with_its_last_user():
    made = InMemory(3, flat)
    mine = stack_of(made.series)
    assert stack_of(made.series) is mine
    mine.get(0)
    del mine
    gc.collect()
    assert stack_of(made.series).peek(0) is None
