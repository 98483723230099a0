"""The pools of threads that filter tiles and fit maps, shared by all lanes."""

import contextlib
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from denoise_studio.engine.devices import worker_count

_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None
_background: ThreadPoolExecutor | None = None


class Hold:
    """Keeps the pools' threads alive while somebody keeps it."""


_holds: weakref.WeakSet[Hold] = weakref.WeakSet()


def spread(work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    """Like `map`, on all cores, at low priority: for fits, which must not hold up an edit's tiles.

    Only as many items wait as keep the cores busy, so leaving early ends the work soon.
    """
    global _background
    with _lock:
        if _background is None:
            _background = ThreadPoolExecutor(
                worker_count(), thread_name_prefix="denoise-fit", initializer=lambda: lower_priority(10)
            )
        threads = _background
    running: deque[Future[Any]] = deque()
    try:
        for item in items:
            running.append(threads.submit(work, item))
            if len(running) > worker_count():
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        for future in running:
            future.cancel()
        for future in running:
            if not future.cancelled():
                future.exception()  # wait: nothing may still read the picture afterwards


def pool() -> ThreadPoolExecutor:
    """The process-wide pool, made on first use."""
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(
                worker_count(), thread_name_prefix="denoise-tile", initializer=lower_priority
            )
        return _pool


def hold() -> Hold:
    """For whoever runs work in the pools: their threads stay until all holds are given to `leave`."""
    mine = Hold()
    with _lock:
        _holds.add(mine)
    return mine


def leave(mine: Hold) -> None:
    """The holder runs nothing any more; the last one to leave ends the threads.

    Whoever still runs tiles keeps its pool: ending that one would cancel them under its hands.
    """
    global _pool, _background
    with _lock:
        _holds.discard(mine)
        if _holds:
            return
        ended, _pool, _background = (_pool, _background), None, None
    for threads in ended:
        if threads is not None:
            threads.shutdown(wait=True, cancel_futures=True)


def lower_priority(nice: int = 5) -> None:
    """Let the window go first: lower this thread's priority where the system allows it."""
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
