"""The slices of a series as pictures, kept while memory allows; for any thread."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable

from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.series import Series

_BYTES = 7
"""That a pixel of an open slice takes: float32, padding, what its file says; measured: 6.8."""
BUDGET = 256 * 2**20
"""Bytes of pictures kept where nobody says how many: a quarter of a window's default budget."""


class Stack:
    """Opens slices when they are asked for, and keeps those asked for last.

    A slice that was dropped and is opened again is a new picture: what was found for the old one is
    found anew.

    Args:
        series: whose slices.
        budget_bytes: of pixels to keep; three slices stay whatever it is.
        dropped: told of each picture that is no longer kept, outside any lock.
    """

    def __init__(
        self,
        series: Series,
        budget_bytes: int = BUDGET,
        dropped: Callable[[Picture], None] = lambda picture: None,
    ) -> None:
        self.series = series
        self.dropped = dropped
        self.prepare: Callable[[Picture], object] = lambda picture: None
        """Called with every slice that was opened, before anybody gets it."""
        self.shown: int | None = None
        """The slice that somebody looks at, which is never dropped."""
        self._budget = budget_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, Picture] = OrderedDict()
        self._opening: dict[int, threading.Lock] = {}

    def __len__(self) -> int:
        return len(self.series)

    def set_budget(self, budget_bytes: int) -> None:
        """Keep no more than this from now on."""
        self._budget = budget_bytes
        self._shrink()

    @property
    def room(self) -> int:
        """About how many slices the budget holds."""
        rows, columns = self.series.shape
        return max(3, self._budget // max(1, rows * columns * _BYTES))

    def peek(self, index: int) -> Picture | None:
        """The slice if it is there; never waits."""
        with self._lock:
            return self._kept.get(index)

    def get(self, index: int, progress: Progress | None = None) -> Picture:
        """The slice, opened if need be; two callers at once get the same picture.

        Raises:
            FormatError: it cannot be opened.
            Cancelled: through `progress`.
        """
        progress = progress or Progress()
        with self._lock:
            gate = self._opening.setdefault(index, threading.Lock())
        while not gate.acquire(timeout=0.05):
            progress.check()
        try:
            with self._lock:
                picture = self._kept.get(index)
                if picture is not None:
                    self._kept.move_to_end(index)
                    return picture
            picture = self.series.open(index, progress)
            self.prepare(picture)
            self.put(index, picture)
            return picture
        finally:
            gate.release()

    def put(self, index: int, picture: Picture) -> None:
        """Keep a picture of a slice that is open already."""
        with self._lock:
            self._kept[index] = picture
            self._kept.move_to_end(index)
        self._shrink()

    def clear(self) -> None:
        """Drop every slice: nobody looks at the series any more."""
        with self._lock:
            gone = list(self._kept.values())
            self._kept.clear()
        for old in gone:
            self.dropped(old)

    def _shrink(self) -> None:
        gone = []
        with self._lock:
            for index in list(self._kept):
                if len(self._kept) <= self.room:
                    break
                if index != self.shown:
                    gone.append(self._kept.pop(index))
        for old in gone:
            self.dropped(old)


_stacks: "weakref.WeakValueDictionary[int, Stack]" = weakref.WeakValueDictionary()
_guard = threading.Lock()


def stack_of(series: Series) -> Stack:
    """The one stack that everybody who works on this series shares, for as long as somebody keeps it."""
    with _guard:
        found = _stacks.get(id(series))  # a stack keeps its series, so the number stays its own
        if found is None:
            found = _stacks[id(series)] = Stack(series)
        return found
