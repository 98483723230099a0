"""The pool of threads that filter tiles, shared by all lanes."""

import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from denoise_studio.engine.devices import worker_count

_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None


def pool() -> ThreadPoolExecutor:
    """The process-wide pool, made on first use."""
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(
                worker_count(), thread_name_prefix="denoise-tile", initializer=lower_priority
            )
        return _pool


def shut_down() -> None:
    """End the pool's threads; the next use makes a new pool."""
    global _pool
    with _lock:
        ended, _pool = _pool, None
    if ended is not None:
        ended.shutdown(wait=True, cancel_futures=True)


def lower_priority(nice: int = 5) -> None:
    """Let the window go first: lower this thread's priority where the system allows it."""
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
