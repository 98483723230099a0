"""The live preview: requests in, responses out, the newest wins. Knows no toolkit."""

import contextlib
import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from denoise_studio.core.errors import StudioError
from denoise_studio.core.fitted import Fitted
from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.series import Series
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine import devices
from denoise_studio.engine.filtering import Filter
from denoise_studio.engine.fits import FitKey, finished_fit, fit, fit_key, needs_fit
from denoise_studio.engine.lanes import Lane
from denoise_studio.engine.layer import Layer, LayerCache
from denoise_studio.engine.render import Rendering, fill, render_in_full, saying_memory_error
from denoise_studio.engine.resolve import resolve
from denoise_studio.engine.stack import Stack

_REPORT_EVERY = 0.03
"""Seconds between partial responses: a frame or two."""
_REMEMBERED = 4096
"""Finished results that are found again at once: some bytes each, the pixels are the cache's."""
_SETTLE = 0.5
"""Longest pause in seconds between what is visible and the rest: no longer than the former took."""


@dataclass(frozen=True)
class Request:
    """A snapshot of what the window wants to show."""

    picture: Picture
    recipe: Recipe
    visible: Rect | None = None
    focus: tuple[float, float] | None = None


@dataclass(frozen=True)
class Response:
    """News about a request.

    Attributes:
        id: the request's; a receiver drops anything older than the newest it has accepted.
        request: what was asked.
        recipe: as resolved.
        layer: filtered pixels; cells that are not done yet still hold older ones.
        version: the layer's version when this was sent.
        complete: every cell is done.
        fraction: share of the work done, 0..1.
        device, tile, fallback, milliseconds: as in `Rendering`.
        fitted: the maps in use, for a method that looks for any; `complete` stays False until
            they are final.
    """

    id: int
    request: Request
    recipe: Recipe
    layer: Layer
    version: int
    complete: bool
    fraction: float
    device: devices.Device
    tile: int
    fallback: str
    milliseconds: float
    fitted: Fitted | None = None


@dataclass(frozen=True)
class FitNews:
    """How far the search for a method's maps is.

    Attributes:
        id: the newest request's.
        picture: whose maps.
        fraction: 0..1.
        text: what it does now.
        running: False once it has ended, been cancelled or failed.
    """

    id: int
    picture: Picture
    fraction: float
    text: str
    running: bool


_Key = tuple[int, FitKey]
"""A picture's serial and what its fit depends on."""


@dataclass(eq=False)
class _Fitting:
    """A fit that runs, for which picture and settings, and its newest maps."""

    key: _Key
    fitted: Fitted | None = None


@dataclass(frozen=True)
class _Finished:
    """How a finished result came about; its pixels are in the cache as long as that keeps them."""

    recipe: Recipe
    device: devices.Device
    tile: int
    fallback: str
    milliseconds: float

    def response(self, number: int, request: Request, layer: Layer) -> Response:
        return Response(
            id=number,
            request=request,
            recipe=self.recipe,
            layer=layer,
            version=layer.version,
            complete=True,
            fraction=1.0,
            device=self.device,
            tile=self.tile,
            fallback=self.fallback,
            milliseconds=self.milliseconds,
            fitted=layer.fitted,
        )


class Session:
    """Runs the newest request in a lane and reports as it goes.

    Args:
        on_response: called in the lane's thread.
        on_error: called in the lane's thread with the request's id and the error.
        budget_bytes: memory for results that are kept.
        on_fit: called in the fit's lane.
    """

    def __init__(
        self,
        on_response: Callable[[Response], None],
        on_error: Callable[[int, Exception], None],
        budget_bytes: int,
        on_fit: Callable[[FitNews], None] = lambda news: None,
    ) -> None:
        self.cache = LayerCache(budget_bytes)
        self.lane = Lane("render")
        self._on_response = on_response
        self._on_error = on_error
        self._ids = itertools.count(1)
        self._gave_up: dict[tuple[int, str], str] = {}
        self.fits = Lane("fit", nice=3)
        self._on_fit = on_fit
        self.ahead = Lane("ahead", nice=8)
        self._finished: OrderedDict[tuple[int, Recipe], _Finished] = OrderedDict()
        self._fit_lock = threading.RLock()
        """Held while lanes are given work: what is wanted and what is submitted change together."""
        self._wanted: tuple[int, Request] | None = None
        self._fitting: _Fitting | None = None
        self._lent: tuple[Series, FitKey, Fitted] | None = None
        self._stopped: dict[_Key, Fitted | None] = {}
        self._failures: dict[_Key, Exception] = {}

    def request(self, request: Request) -> int:
        """Ask for a picture; replaces the request before. Returns the id of its responses."""
        with self._fit_lock:
            self.ahead.cancel_all()
            number = next(self._ids)
            self._wanted = (number, request)
            self._submit(number, request)
        return number

    def ready(self, request: Request) -> Response | None:
        """The finished result if it is there: no method runs, nothing is waited for.

        Like a request it replaces the one before; None if it has to be asked for.
        """
        picture, recipe = request.picture, request.recipe
        with self._fit_lock:
            found = self._finished.get((picture.serial, recipe))
            if found is None or self.cache.peek(picture, recipe.method) is None:
                return None
            layer = self.cache.get(picture, recipe.method)  # it was used last, now
            if not (layer.is_done(found.recipe, picture.rect) and layer.is_settled):
                return None
            self.ahead.cancel_all()
            self.lane.cancel_all()
            number = next(self._ids)
            self._wanted = (number, request)
            return found.response(number, request, layer)

    def look_ahead(
        self,
        stack: Stack,
        indices: Iterable[int],
        recipe: Recipe,
        told: Callable[[int], None] = lambda index: None,
    ) -> None:
        """Open and denoise these slices in the background, in this order, until something is asked for.

        Args:
            stack: of the series.
            indices: of slices; one that cannot be opened or denoised is passed over.
            recipe: the one that the slices will be asked for with.
            told: called in the lane's thread with each slice that is ready.
        """
        chosen = list(indices)

        def work(progress: Progress) -> None:
            for index in chosen:
                with contextlib.suppress(StudioError):
                    self._prepare(stack.get(index, progress), recipe, progress)
                    told(index)

        with contextlib.suppress(RuntimeError):  # closed meanwhile
            self.ahead.submit(work, key="ahead")

    def _prepare(self, picture: Picture, recipe: Recipe, progress: Progress) -> None:
        """Do all that a request for this picture would do, for whoever asks next."""
        wanted = self._wanted
        if self.holds(picture, recipe) or (wanted is not None and wanted[1].picture is picture):
            return
        resolved = resolve(picture, recipe)
        device = devices.choose(recipe.device, get_denoiser(resolved.method))
        with saying_memory_error():
            bound = Filter(picture, resolved, device)
            bound.load()
            started = time.perf_counter()
            bound.fitted = fit(picture, resolved, progress) if needs_fit(resolved) else None
            kept = self.cache.peek(picture, resolved.method)
            layer = kept.copy() if kept else Layer(picture)  # ours alone: a request may fill the cache's own
            fill(layer, bound, progress)
        self.cache.replace(layer, resolved.method, progress)
        elapsed = (time.perf_counter() - started) * 1e3
        self._remember(picture, recipe, bound, bound.fallback or device.why, elapsed)

    def holds(self, picture: Picture, recipe: Recipe) -> bool:
        """Whether `ready` would find the finished result."""
        found, layer = self._finished.get((picture.serial, recipe)), self.cache.peek(picture, recipe.method)
        done = found is not None and layer is not None and layer.is_done(found.recipe, picture.rect)
        return done and layer is not None and layer.is_settled

    def _remember(
        self, picture: Picture, recipe: Recipe, bound: Filter, fallback: str, milliseconds: float
    ) -> None:
        with self._fit_lock:
            self._finished[picture.serial, recipe] = _Finished(
                bound.recipe, bound.device, bound.tile, fallback, milliseconds
            )
            self._finished.move_to_end((picture.serial, recipe))
            while len(self._finished) > _REMEMBERED:
                self._finished.popitem(last=False)

    def _submit(self, number: int, request: Request) -> None:
        self.lane.submit(
            lambda progress: self._work(number, request, progress),
            key="view",
            on_error=lambda error: self._on_error(number, error),
        )

    def render_now(self, picture: Picture, recipe: Recipe, progress: Progress) -> Rendering:
        """The whole result on the calling thread, using what the preview has already done.

        For saving, in another lane: the preview stays free meanwhile.
        """
        layer = self.cache.peek(picture, recipe.method)
        return render_in_full(picture, recipe, progress, layer.copy() if layer else None)

    def _work(self, number: int, request: Request, progress: Progress) -> None:
        with saying_memory_error():
            self._run(number, request, progress)

    def _run(self, number: int, request: Request, progress: Progress) -> None:
        picture = request.picture
        recipe = resolve(picture, request.recipe)
        device = devices.choose(request.recipe.device, get_denoiser(recipe.method))
        # A GPU that was too small for this picture is not tried again at every slider move.
        why = self._gave_up.get((picture.serial, recipe.method))
        if why is not None and recipe.device == device.kind:
            device, recipe = devices.cpu(why), recipe.replace(device="cpu")
        fitted = self._maps(request, recipe, progress) or self._borrowed(picture, recipe)
        if fitted is None and needs_fit(recipe):
            return  # the fit asks again as soon as it has something to show
        layer = self.cache.get(picture, recipe.method, progress)
        bound = Filter(picture, recipe, device, fitted)
        bound.load()
        started = sent = time.perf_counter()

        def send(fraction: float, complete: bool) -> None:
            now = time.perf_counter()
            self._on_response(
                Response(
                    id=number,
                    request=request,
                    recipe=bound.recipe,
                    layer=layer,
                    version=layer.version,
                    complete=complete,
                    fraction=fraction,
                    device=bound.device,
                    tile=bound.tile,
                    fallback=bound.fallback or device.why,
                    milliseconds=(now - started) * 1e3,
                    fitted=fitted,
                )
            )

        def report(fraction: float, text: str) -> None:
            nonlocal sent
            if time.perf_counter() - sent > _REPORT_EVERY and fraction < 1:
                sent = time.perf_counter()
                send(fraction, complete=False)

        progress.listen(report)
        if request.visible is not None:
            seen = bound.whole_blocks(request.visible).intersect(picture.rect)
            part = progress.part(0.0, min(1.0, seen.area / picture.rect.area))
            fill(layer, bound, part, request.visible, request.focus, within=seen)
            if layer.pending(bound.recipe):
                send(seen.area / picture.rect.area, complete=False)
                # A slider that still moves re-runs what is visible, and nothing else.
                progress.wait(min(_SETTLE, time.perf_counter() - started))
        fill(layer, bound, progress, request.visible, request.focus)
        progress.check()
        if bound.device.kind != device.kind:
            self._gave_up[picture.serial, recipe.method] = bound.fallback
        complete = fitted is None or fitted.final
        if complete:
            self._lend(picture, recipe, fitted)
            elapsed = (time.perf_counter() - started) * 1e3
            self._remember(picture, request.recipe, bound, bound.fallback or device.why, elapsed)
        send(1.0, complete)

    # Fits

    def cancel_fit(self, remember: bool = True) -> None:
        """Stop looking for maps.

        With `remember` those found so far stay in the preview until `refit`; else the next request
        that wants them starts again.
        """
        with self._fit_lock:
            if self._fitting is not None and remember:
                self._stopped[self._fitting.key] = self._fitting.fitted
            self._fitting = None
            self.fits.cancel_all()

    def forget(self, picture: Picture) -> None:
        """Drop everything that belongs to a picture that was closed."""
        with self._fit_lock:
            if self._wanted is not None and self._wanted[1].picture is picture:
                self._wanted = None
                self.lane.cancel_all()
            if self._fitting is not None and self._fitting.key[0] == picture.serial:
                self.cancel_fit(remember=False)
            for kept in (self._stopped, self._failures):
                for key in [key for key in kept if key[0] == picture.serial]:
                    del kept[key]
            for old in [old for old in self._finished if old[0] == picture.serial]:
                del self._finished[old]
            self.cache.forget(picture)

    def refit(self) -> None:
        """Start a fit that was stopped, or that failed, once more."""
        with self._fit_lock:
            self._stopped.clear()
            self._failures.clear()
            if self._wanted is not None:
                self._submit(*self._wanted)

    def _maps(self, request: Request, recipe: Recipe, progress: Progress) -> Fitted | None:
        """The maps to show with: the final ones, or else what the fit has by now."""
        if not needs_fit(recipe):
            return None
        done = finished_fit(request.picture, recipe)
        if done is not None:
            return done
        key = (request.picture.serial, fit_key(recipe))
        with self._fit_lock:
            progress.check()  # a request that nobody wants any more starts no fit
            if key in self._failures:
                raise self._failures[key]
            if key in self._stopped:
                return self._stopped[key]
            if self._fitting is not None and self._fitting.key == key:
                return self._fitting.fitted
            fitting = self._fitting = _Fitting(key)
            self.fits.submit(
                lambda progress: self._fit(fitting, request.picture, recipe, progress),
                key="fit",
                on_error=lambda error: self._fit_failed(fitting, error),
            )
        return None

    def _lend(self, picture: Picture, recipe: Recipe, fitted: Fitted | None) -> None:
        """Keep a slice's final maps for the next one of its series, until that has its own."""
        if fitted is not None and picture.place is not None:
            lent = replace(fitted, final=False, note="those of another slice, for now")
            self._lent = (picture.place.series, fit_key(recipe), lent)

    def _borrowed(self, picture: Picture, recipe: Recipe) -> Fitted | None:
        """The maps of the slice that was shown last, to look at while this one's are searched."""
        if self._lent is None or picture.place is None or not needs_fit(recipe):
            return None
        series, key, lent = self._lent
        return lent if series is picture.place.series and key == fit_key(recipe) else None

    def _fit(self, fitting: _Fitting, picture: Picture, recipe: Recipe, progress: Progress) -> None:
        def tell(fraction: float, text: str, running: bool = True) -> None:
            self._on_fit(FitNews(self._wanted[0] if self._wanted else 0, picture, fraction, text, running))

        def publish(fitted: Fitted) -> None:
            fitting.fitted = fitted
            if self.lane.idle:  # else the next one will do: no preview is cut short by a better one
                self._ask_again(fitting)

        progress.listen(tell)
        tell(0.0, "fitting")
        try:
            with saying_memory_error():
                fitting.fitted = fit(picture, recipe, progress, publish)
        finally:
            with self._fit_lock:
                if self._fitting is fitting:
                    self._fitting = None
            tell(1.0, "", running=False)
        self._ask_again(fitting)

    def _fit_failed(self, fitting: _Fitting, error: Exception) -> None:
        """Tell it, and do not try again with the same settings until `refit`."""
        with self._fit_lock:
            self._failures[fitting.key] = error.with_traceback(None)
        wanted = self._wanted
        if wanted is not None and self._key_of(wanted[1]) == fitting.key:
            self._on_error(wanted[0], error)

    def _ask_again(self, fitting: _Fitting) -> None:
        """Render the newest request with the maps that are there now, if it wants these."""
        wanted = self._wanted
        if wanted is None or self._key_of(wanted[1]) != fitting.key:
            return
        with self._fit_lock, contextlib.suppress(RuntimeError):  # closed meanwhile
            if self._wanted is wanted:  # else something newer is on its way already
                self._submit(*wanted)

    def _key_of(self, request: Request) -> _Key | None:
        try:
            return request.picture.serial, fit_key(resolve(request.picture, request.recipe))
        except StudioError:
            return None

    def close(self) -> None:
        for lane in (self.lane, self.fits, self.ahead):
            lane.close()
