"""How the search for a method's maps stands, for everything in the window that tells of it."""

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QObject, Signal

from denoise_studio.engine.fits import finished_fit, fit_key, needs_fit
from denoise_studio.engine.session import FitNews
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document


class Standing(StrEnum):
    NONE = "none"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class FitState:
    """Where the fit of the shown document stands.

    Attributes:
        standing: NONE for a method that fits nothing.
        fraction: 0..1 while it runs.
        text: what it does now, or what it found.
    """

    standing: Standing
    fraction: float = 0.0
    text: str = ""

    @property
    def chip(self) -> str:
        """For the picture's corner while what is shown is not final."""
        if self.standing is Standing.RUNNING:
            return f"fitting {percent(self.fraction)} …"
        return "stopped" if self.standing is Standing.STOPPED else ""


def percent(fraction: float) -> str:
    return f"{int(fraction * 100)} %"


class FitWatch(QObject):
    """Follows the session's fit for the document that is shown, stops it and starts it again.

    Signals:
        changed: a new `state`.
    """

    changed = Signal()

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._document: Document | None = None
        self._news: FitNews | None = None
        self._stopped: set[object] = set()
        self.state = FitState(Standing.NONE)
        bridge.fit_told.connect(self._told)

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.response_changed.disconnect(self.refresh)
            self._document.recipe_changed.disconnect(self.refresh)
        self._document = document
        if document is not None:
            document.response_changed.connect(self.refresh)
            document.recipe_changed.connect(self.refresh)
        self.refresh()

    def _told(self, news: FitNews) -> None:
        self._news = news if news.running else None
        self.refresh()

    def refresh(self, *_: object) -> None:
        state = self._find()
        if self._runs_for_nobody(state):
            self._bridge.session.cancel_fit(remember=False)
            self._news = None
        if state != self.state:
            self.state = state
            self.changed.emit()

    def _runs_for_nobody(self, state: FitState) -> bool:
        """Whether a fit runs that the present recipe has no use for, or that has failed before."""
        done = state.standing is Standing.DONE and self._document is not None and self._document.is_final
        return self._news is not None and (state.standing in (Standing.NONE, Standing.FAILED) or done)

    def _find(self) -> FitState:
        document = self._document
        recipe = document.resolved() if document is not None else None
        if document is None or recipe is None or not needs_fit(recipe):
            return FitState(Standing.NONE)
        done = finished_fit(document.picture, recipe)
        if done is not None:
            return FitState(Standing.DONE, 1.0, done.note)
        if (document.picture.serial, fit_key(recipe)) in self._stopped:
            return FitState(Standing.STOPPED)
        if document.has_failed:
            return FitState(Standing.FAILED)
        news = self._news
        if news is None or news.picture is not document.picture:
            return FitState(Standing.RUNNING)
        return FitState(Standing.RUNNING, news.fraction, news.text)

    def stop(self) -> None:
        """Stop the fit; maps that it has found so far stay in use."""
        document = self._document
        recipe = document.resolved() if document is not None else None
        if document is not None and recipe is not None and self.state.standing is Standing.RUNNING:
            self._stopped.add((document.picture.serial, fit_key(recipe)))
            self._bridge.session.cancel_fit()
            self.refresh()

    def again(self) -> None:
        """Start a fit that was stopped, or that failed, once more."""
        self._stopped.clear()
        if self._document is not None:
            self._document.failed_id = 0
        self._bridge.session.refit()
        self.refresh()
