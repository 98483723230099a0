"""What every test shares: a quiet environment, set before anything is imported, and the data folder."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import logging
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real pictures beside the checkout; tests that need it skip without it."""
    folder = CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the pictures in {folder}")
    return folder


@pytest.fixture(scope="session")
def samples() -> Path:
    """The bundled sample pictures."""
    return CHECKOUT / "resources" / "samples"


settings.register_profile("steady", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("wide", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

ALLOWED_THREADS = ("denoise-tile", "denoise-fit", "pytest", "pydevd")
"""Name beginnings of threads that may outlive a test: the process-wide pools, and tools."""

GRACE = 2.0
"""Seconds in which threads that were told to end have to be gone."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "allow_log: the test may log warnings and errors")


@pytest.fixture(autouse=True)
def no_leaked_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that leaves threads running, and say where it started them."""
    before = set(threading.enumerate())
    origins: dict[threading.Thread, str] = {}
    start = threading.Thread.start

    def recording(thread: threading.Thread) -> None:
        origins[thread] = "".join(traceback.format_stack(limit=12)[:-1])
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", recording)
    yield
    ends = time.monotonic() + GRACE
    left = []
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith(ALLOWED_THREADS) or isinstance(thread, threading._DummyThread):
            continue
        thread.join(max(0.0, ends - time.monotonic()))
        if thread.is_alive():
            left.append(f"{thread.name}, started here:\n{origins.get(thread, '(unknown)')}")
    if left:
        pytest.fail("the test left threads running: " + "\n".join(left), pytrace=False)


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}")


@pytest.fixture(autouse=True)
def no_unexpected_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that logs a warning or worse, unless it takes `caplog` or is marked `allow_log`."""
    if "caplog" in request.fixturenames or request.node.get_closest_marker("allow_log"):
        yield
        return
    collector = _Collector()
    logging.getLogger().addHandler(collector)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(collector)
    if collector.lines:
        pytest.fail("the test logged unexpectedly: " + "\n".join(collector.lines), pytrace=False)
