"""Helpers that use the window as a person does: with the mouse, keys and patience."""

import dataclasses
import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QMessageBox, QWidget

from denoise_studio.core.denoiser import Denoiser, Footprint, Tile
from denoise_studio.core.errors import Cancelled, StudioError
from denoise_studio.core.fitted import Fitted, ParameterMap, constant_map
from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Parameter, ParameterKind
from denoise_studio.core.resources import resource
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.render import compose
from denoise_studio.gui.main_window import MainWindow

CT = resource("samples", "ct-phantom.dcm")
PHOTO = resource("samples", "photo.png")
PATIENCE = 60_000
"""Milliseconds after which a condition counts as never coming true."""

_SETTLED = 3
"""Turns of the event loop in a row in which nothing is left to do."""

Point = tuple[float, float]


class Driver:
    """Drives one window; `window` is the real thing."""

    def __init__(self, window: MainWindow, qtbot: Any) -> None:
        self.window = window
        self.qtbot = qtbot
        for timer in self._folding_timers():
            timer.setInterval(0)  # several changes still fold into one turn, but no test waits for more

    # Short names

    @property
    def document(self) -> Any:
        assert self.window.document is not None
        return self.window.document

    @property
    def recipe(self) -> Any:
        return self.document.recipe

    @property
    def compare(self) -> Any:
        return self.window.compare

    @property
    def after(self) -> Any:
        return self.window.compare.after

    @property
    def before(self) -> Any:
        return self.window.compare.before

    def action(self, name: str) -> Any:
        return self.window.actions_[name]

    # Patience

    def until(self, condition: Callable[[], Any], timeout: int = PATIENCE) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=timeout)

    def finish(self) -> None:
        """Wait until the result is final and everything that shows it is on the screen."""
        quiet = 0

        def settled() -> bool:
            nonlocal quiet
            quiet = quiet + 1 if self.window.is_idle() and not self._folding() else 0
            return quiet >= _SETTLED

        self.until(settled)

    def _folding_timers(self) -> list[QTimer]:
        """Timers that fold several changes of the picture into one."""
        window = self.window
        rooms = (
            self.compare, window.readouts_panel, window.histogram_panel, window.filter_panel, window.medians,
            window.noise_panel, window.readings, window.strength_plot, window.sensor_plot,
            window.measure_room,
        )  # fmt: skip
        return [timer for room in rooms for timer in room.findChildren(QTimer)]

    def _folding(self) -> bool:
        return any(timer.isActive() for timer in self._folding_timers())

    # Files

    def open(self, *paths: Path, wait: bool = True) -> None:
        count = len(self.window.documents)
        self.window.files.open(list(paths))
        if wait:
            self.until(lambda: len(self.window.documents) >= count + len(paths))
            self.finish()

    def export(self, path: Path, options: Any = None) -> None:
        self.window.files.export(self.document, path, options)
        self.files_done()

    def files_done(self) -> None:
        quiet = 0

        def done() -> bool:
            nonlocal quiet
            idle = self.window.bridge.files.idle and self.window.files._job is None
            quiet = quiet + 1 if idle else 0
            return quiet >= _SETTLED

        self.until(done)

    # What is shown

    def shown(self) -> Any:
        """The picture on the right at full resolution, exactly."""
        document = self.document
        assert document.is_final
        response = document.response
        picture = document.picture
        return picture.derive(compose(picture, response.layer.pixels, response.recipe, picture.rect))

    # Dialogs

    def dialogs(self) -> list[QMessageBox]:
        return [w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox) and w.isVisible()]

    def complaint(self) -> str:
        """The one dialog's text; closes it."""
        self.until(self.dialogs)
        self.files_done()
        (box,) = self.dialogs()
        text = box.text()
        box.accept()
        self.until(lambda: not self.dialogs())
        return text

    # Mouse

    def at(self, pane: Any, x: float, y: float) -> QPoint:
        """Where a picture point is on a pane's viewport."""
        view = self.compare.viewport
        scale = view.zoom / pane.devicePixelRatioF()
        dx, dy = (x - view.x) * scale, (y - view.y) * scale
        if view.turn.flipped:
            dx = -dx
        for _ in range(view.turn.quarters):  # clockwise, one after the other
            dx, dy = -dy, dx
        point = QPoint(round(dx + pane.width() / 2), round(dy + pane.height() / 2))
        assert pane.viewport().rect().contains(point), f"({x}, {y}) is not in view"
        return point

    def drag(
        self,
        pane: Any,
        *points: Point,
        button: Qt.MouseButton = Qt.MouseButton.LeftButton,
        keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
        during: Callable[[], None] | None = None,
        steps: int = 4,
    ) -> None:
        """Press at the first picture point, move along the others, release at the last."""
        self.drag_pixels(
            pane, *(self.at(pane, *p) for p in points), button=button, keys=keys, during=during, steps=steps
        )

    def drag_pixels(
        self,
        pane: Any,
        *places: QPoint,
        button: Qt.MouseButton = Qt.MouseButton.LeftButton,
        keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
        during: Callable[[], None] | None = None,
        steps: int = 4,
    ) -> None:
        target = pane.viewport() if hasattr(pane, "viewport") and callable(pane.viewport) else pane
        self.move(target, places[0])
        self.qtbot.mousePress(target, button, keys, places[0])
        for start, end in itertools.pairwise(places):
            for step in range(1, steps + 1):
                between = QPointF(start) + (QPointF(end) - QPointF(start)) * (step / steps)
                self.move(target, between.toPoint(), button, keys)
        if during is not None:
            during()
        self.qtbot.mouseRelease(target, button, keys, places[-1])

    def move(
        self,
        target: QWidget,
        place: QPoint,
        button: Qt.MouseButton = Qt.MouseButton.NoButton,
        keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
        """A mouse move with the button held, which `qtbot.mouseMove` cannot send."""
        there = target.mapToGlobal(place)
        event = QMouseEvent(
            QEvent.Type.MouseMove, QPointF(place), QPointF(there), Qt.MouseButton.NoButton, button, keys
        )
        QApplication.sendEvent(target, event)
        QApplication.processEvents()

    def click(self, pane: Any, x: float, y: float) -> None:
        self.qtbot.mouseClick(pane.viewport(), Qt.MouseButton.LeftButton, pos=self.at(pane, x, y))

    def wheel(self, pane: Any, place: QPoint, delta: int) -> None:
        event = QWheelEvent(
            QPointF(place),
            QPointF(pane.viewport().mapToGlobal(place)),
            QPoint(),
            QPoint(0, delta),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(pane.viewport(), event)

    def key(self, key: Any, widget: QWidget | None = None, modifiers: Any = None) -> None:
        """A key press as the window system sends it: shortcuts see it too."""
        target = widget or QApplication.focusWidget() or self.window
        QTest.keyClick(target, key, modifiers or Qt.KeyboardModifier.NoModifier)

    # Controls

    def choose_method(self, id: str) -> None:
        choose(self.window.method_panel.methods, self.window.method_panel.methods.findData(id))

    def row(self, name: str) -> Any:
        """The control of a parameter of the method, of the strength or of the noise level."""
        panel = self.window.method_panel
        if name == "strength":
            return panel.strength_form.row(name)
        if name == "noise_level":
            return self.window.noise_panel
        return panel.form.row(name)

    def type_into(self, box: Any, text: str) -> None:
        """Type a number into a spin box and press Enter."""
        box.setFocus()
        box.selectAll()
        QTest.keyClicks(box, text)
        QTest.keyClick(box, Qt.Key.Key_Return)

    def slide(self, slider: Any, *positions: int) -> None:
        """One drag of a slider through these positions, by its own signals."""
        slider.setSliderDown(True)
        for position in positions:
            slider.setValue(position)
        slider.setSliderDown(False)


def choose(combo: QComboBox, index: int) -> None:
    """Pick an entry as a person does: `activated` tells it, `setCurrentIndex` alone does not."""
    assert 0 <= index < combo.count()
    combo.setCurrentIndex(index)
    combo.activated.emit(index)


@dataclasses.dataclass
class SlowMethod:
    """A method that stops in every tile until it is let go; `amount` is added to every pixel."""

    denoiser: Denoiser
    gate: threading.Event
    entered: threading.Event
    calls: list[float]

    def release(self) -> None:
        self.gate.set()


def inner(tile: Tile) -> Any:
    height, width = (side - 2 * tile.halo for side in tile.pixels.shape[1:])
    return tile.pixels[:, tile.halo : tile.halo + height, tile.halo : tile.halo + width].copy()


def slow_denoiser(id: str = "slow-test", name: str = "Slow test method") -> SlowMethod:
    """Adds `amount`; a negative one blocks until released, 99 raises after it was released."""
    gate, entered, calls = threading.Event(), threading.Event(), []

    def apply(tile: Tile) -> Any:
        amount = float(tile.values["amount"])
        calls.append(amount)
        if amount < 0 or amount == 99:
            entered.set()
            assert gate.wait(60)
        if amount == 99:
            raise ValueError("the test wants it so")
        return inner(tile) + np.float32(amount)

    amount = Parameter("amount", "Amount", "Added to every pixel.", 1.0, minimum=-100, maximum=100, step=1)
    denoiser = dataclasses.replace(
        get_denoiser("identity"),
        id=id,
        name=name,
        load=lambda: apply,
        parameters=(amount,),
        parallel_tiles=False,
        exact_tiles=False,
    )
    return SlowMethod(denoiser, gate, entered, calls)


def small_photo(path: Path, width: int = 120, height: int = 80, seed: int = 0) -> Path:
    """A small 8-bit colour photograph with noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([x * 1.5, y * 2.0, (x + y) * 1.0], axis=-1) + rng.normal(0, 8, (height, width, 3)) + 20
    Image.fromarray(np.clip(base, 0, 255).astype(np.uint8)).save(path)
    return path


def small_floats(path: Path, height: int = 90, width: int = 130, channels: int = 1, seed: int = 3) -> Path:
    """A small picture of floats about 0..1 as NPY."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / 20.0
    values = (
        0.5
        + 0.3 * np.sin(x)[..., None] * np.cos(y)[..., None]
        + rng.normal(0, 0.04, (height, width, channels))
    )
    np.save(path, values[..., 0].astype(np.float32) if channels == 1 else values.astype(np.float32))
    return path


def image_of(item: Any) -> Any:
    """The bytes that a pane's picture item holds, and the rectangle they lie on."""
    rect = item.mapRectToParent(item.boundingRect())
    return item.image, Rect(round(rect.x()), round(rect.y()), round(rect.width()), round(rect.height()))


class FittingMethod:
    """A method that multiplies by a map; its fit publishes, waits at a gate, and finishes.

    The final map grows from 1 at the top to 3; the one on the way is 2 everywhere.
    """

    def __init__(self, id: str = "fitting-test", curve: bool = True) -> None:
        self.start, self.gate, self.published = threading.Event(), threading.Event(), threading.Event()
        self.start.set()
        self.fits: list[Any] = []
        self.cancelled = 0
        self._curve = curve
        gain = Parameter(
            "gain", "Gain g", "Multiplies by one number.", 1.0, unit="times", minimum=0.1, maximum=9.0,
            step=0.01, logarithmic=True, per_region=True, fitted=True, group="Stage 1",
        )  # fmt: skip
        factors = [
            Parameter(
                name, label, "Multiplies the map.", 1.0, unit="×", minimum=0.1, maximum=10.0, step=0.01,
                logarithmic=True, per_region=True, multiplies=("gain",), group=group,
            )
            for name, label, group in (("all", "All", ""), ("gain_factor", "Gain g", "Stage 1"))
        ]  # fmt: skip
        kind = ParameterKind.CHOICE
        mode = Parameter(
            "mode", "Mode", "Which fit.", "a", kind, choices=("a", "b", "bad"), refit=True, group="Fit"
        )
        count = Parameter(
            "count", "Count", "Found.", 1, ParameterKind.INT, "", 1, 9, 1, fitted=True, group="Fit"
        )
        self.denoiser = dataclasses.replace(
            get_denoiser("identity"),
            id=id,
            name="A method that fits",
            summary="Made up by a test.",
            parameters=(factors[0], mode, count, factors[1], gain),
            load=lambda: lambda tile: np.ascontiguousarray(inner(tile) * tile.values["gain"], np.float32),
            load_fit=lambda: self._fit,
            load_explain=lambda: self._explain,
            parallel_tiles=False,
            exact_tiles=True,
        )

    def _fit(self, task: Any) -> Fitted:
        self.fits.append(dict(task.values))
        try:
            return self._run(task)
        except Cancelled:
            self.cancelled += 1
            raise

    def _run(self, task: Any) -> Fitted:
        self._wait(self.start, task)
        task.progress.report(0.42, "half of it")
        height = task.picture.height
        losses = (4.0, 2.0) if self._curve else ()
        maps = {"gain": constant_map(2.0, task.picture), "count": constant_map(1.0, task.picture)}
        task.publish(Fitted(maps, losses, final=False, note="so far"))
        self.published.set()
        self._wait(self.gate, task)
        if task.values["mode"] == "bad":
            raise StudioError("There is nothing to be found.")
        ramp = np.linspace(1.0, 3.0, height, dtype=np.float32)[:, None]
        maps["gain"] = ParameterMap(np.broadcast_to(ramp, (height, task.picture.width)).copy())
        return Fitted(
            maps, (*losses, 1.0) if self._curve else (), note=f"noise 3, mode {task.values['mode']}"
        )

    @staticmethod
    def _wait(event: threading.Event, task: Any) -> None:
        for _ in range(6000):
            task.progress.check()
            if event.wait(0.01):
                return
        raise AssertionError("the test forgot to open the gate")

    @staticmethod
    def _explain(tile: Tile) -> tuple[Footprint, ...]:
        weights = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]], np.float32) / 8
        return (Footprint("Stage 1", weights, {"gain": float(np.asarray(tile.values["gain"]).flat[0])}),)

    def release(self) -> None:
        self.start.set()
        self.gate.set()
