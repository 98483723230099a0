"""The live preview: requests in, responses out, the newest wins. Knows no toolkit."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine import devices
from denoise_studio.engine.filtering import Filter
from denoise_studio.engine.lanes import Lane
from denoise_studio.engine.layer import Layer, LayerCache
from denoise_studio.engine.render import Rendering, fill, render_in_full, saying_memory_error
from denoise_studio.engine.resolve import resolve

_REPORT_EVERY = 0.03
"""Seconds between partial responses: a frame or two."""


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


class Session:
    """Runs the newest request in a lane and reports as it goes.

    Args:
        on_response: called in the lane's thread.
        on_error: called in the lane's thread with the request's id and the error.
        budget_bytes: memory for results that are kept.
    """

    def __init__(
        self,
        on_response: Callable[[Response], None],
        on_error: Callable[[int, Exception], None],
        budget_bytes: int,
    ) -> None:
        self.cache = LayerCache(budget_bytes)
        self.lane = Lane("render")
        self._on_response = on_response
        self._on_error = on_error
        self._ids = itertools.count(1)
        self._gave_up: dict[tuple[int, str], str] = {}

    def request(self, request: Request) -> int:
        """Ask for a picture; replaces the request before. Returns the id of its responses."""
        number = next(self._ids)
        self.lane.submit(
            lambda progress: self._work(number, request, progress),
            key="view",
            on_error=lambda error: self._on_error(number, error),
        )
        return number

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
        layer = self.cache.get(picture, recipe.method)
        bound = Filter(picture, recipe, device)
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
                )
            )

        def report(fraction: float, text: str) -> None:
            nonlocal sent
            if time.perf_counter() - sent > _REPORT_EVERY and fraction < 1:
                sent = time.perf_counter()
                send(fraction, complete=False)

        progress.listen(report)
        fill(layer, bound, progress, request.visible, request.focus)
        progress.check()
        if bound.device.kind != device.kind:
            self._gave_up[picture.serial, recipe.method] = bound.fallback
        send(1.0, complete=True)

    def close(self) -> None:
        self.lane.close()
