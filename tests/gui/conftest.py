"""The real window, offscreen, and a check that it leaves nothing behind."""

import gc
import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pyqtgraph
import pytest
import shiboken6
from driving import Driver, FittingMethod, slow_denoiser
from PySide6.QtCore import QCoreApplication, QEvent, QThread, QTimer
from PySide6.QtWidgets import QApplication

from denoise_studio.denoisers import register, unregister
from denoise_studio.gui.launch import application
from denoise_studio.gui.main_window import MainWindow
from denoise_studio.gui.settings import SettingsFile

# What the offscreen platform says of itself; it tells nothing about the program.
HARMLESS = (r"This plugin does not support (propagateSizeHints|raise|grabbing the keyboard)",)


_OFTEN = 10
_windows = itertools.count()


@pytest.fixture(scope="session")
def studio_app(qapp: QApplication) -> QApplication:
    """The application as the program itself sets it up."""
    application("dark")
    # pyqtgraph drops mouse events that come faster than a hand moves; a test's hand is faster.
    pyqtgraph.setConfigOption("mouseRateLimit", -1)
    return qapp


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.qt_log_ignore(*HARMLESS))


@pytest.fixture
def make_window(studio_app: QApplication, qtbot, tmp_path: Path) -> Iterator[Callable[..., Driver]]:
    """Makes shown windows; at the end each is closed and must leave nothing behind."""
    made: list[MainWindow] = []
    if next(_windows) % _OFTEN == 0:  # what tests leave over would else be frozen, and stay for ever
        gc.unfreeze()
        gc.collect()
    gc.freeze()  # modules imported so far need not be looked through again and again
    threads_before = set(threading.enumerate())

    def make(settings: Path | None = None, autosave: Path | None = None) -> Driver:
        window = MainWindow(
            SettingsFile(settings or tmp_path / "settings"), autosave or tmp_path / "autosave"
        )
        made.append(window)
        window.show()
        qtbot.waitExposed(window)
        return Driver(window, qtbot)

    yield make
    gc.collect()  # with the window alive: what was taken off the screen must be safe to collect
    problems = []
    for window in made:
        problems += _end(window)
    made.clear()
    gc.collect()
    for widget in QApplication.topLevelWidgets():
        if type(widget).__module__.startswith("denoise_studio") or widget.isVisible():
            problems.append(f"top-level widget left: {widget!r}")
    left = [t for t in set(threading.enumerate()) - threads_before if t.name.startswith("denoise-")]
    problems += [f"thread left: {thread.name}" for thread in left]
    assert not problems, problems


def _end(window: MainWindow) -> list[str]:
    problems = []
    timers, threads = window.findChildren(QTimer), window.findChildren(QThread)
    window.close()
    if window.isVisible():
        problems.append("the window did not close")
    if not window.bridge.join(60):
        problems.append("lanes still run")
    window.deleteLater()
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()
    if shiboken6.isValid(window):
        problems.append("the window lives on")
    problems += [f"timer runs on: {t}" for t in timers if shiboken6.isValid(t) and t.isActive()]
    problems += [f"thread runs on: {t}" for t in threads if shiboken6.isValid(t) and t.isRunning()]
    return problems


@pytest.fixture
def studio_window(make_window: Callable[..., Driver]) -> Driver:
    """One window, wrapped in a driver."""
    return make_window()


@pytest.fixture(scope="session", autouse=True)
def no_forgotten_qt_objects(studio_app: QApplication) -> Iterator[None]:
    """After all windows have gone no timer ticks and no thread of Qt runs, whoever owns it."""
    yield
    gc.unfreeze()
    gc.collect()
    things = [thing for thing in gc.get_objects() if issubclass(type(thing), QTimer | QThread)]
    things = [thing for thing in things if shiboken6.isValid(thing) and thing != studio_app.thread()]
    left = [
        thing for thing in things if (thing.isActive() if isinstance(thing, QTimer) else thing.isRunning())
    ]
    assert not left, left


@pytest.fixture
def slow(request: pytest.FixtureRequest) -> Iterator[object]:
    """A registered method that waits until the test lets it go on."""
    method = slow_denoiser()
    register(method.denoiser)
    try:
        yield method
    finally:
        method.release()
        unregister(method.denoiser.id)


@pytest.fixture
def fitting() -> Iterator[FittingMethod]:
    """A registered method whose fit waits until the test lets it go on."""
    method = FittingMethod()
    register(method.denoiser)
    try:
        yield method
    finally:
        method.release()
        unregister(method.denoiser.id)
