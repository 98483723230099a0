"""The shared pools of threads: whoever leaves does not end another's work."""

import threading

import pytest

from denoise_studio.engine import workers


@pytest.fixture
def blocked():
    """A gate that the test's tile waits at."""
    gate = threading.Event()
    yield gate
    gate.set()


def test_leaving_does_not_cancel_the_tiles_of_another(blocked):
    first, second = workers.hold(), workers.hold()
    tiles = [workers.pool().submit(blocked.wait, 30) for _ in range(workers.worker_count() + 2)]
    workers.leave(first)
    assert not any(tile.cancelled() for tile in tiles)
    assert workers.pool().submit(lambda: 7)  # still takes work
    blocked.set()
    assert all(tile.result() for tile in tiles)
    workers.leave(second)


def test_the_last_one_to_leave_ends_the_threads():
    first, second = workers.hold(), workers.hold()
    workers.pool().submit(lambda: None).result()
    workers.leave(first)
    assert _threads()
    workers.leave(second)
    workers.leave(second)  # once more does no harm
    assert not _threads()


def test_a_holder_that_is_gone_holds_nothing():
    forgotten, last = workers.hold(), workers.hold()
    del forgotten
    workers.pool().submit(lambda: None).result()
    workers.leave(last)
    assert not _threads()


def _threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("denoise-tile")]
