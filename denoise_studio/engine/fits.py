"""Maps that methods fit to a picture: fitted once, kept, and found again by preview and export."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from denoise_studio.core.fitted import FitTask, Fitted
from denoise_studio.core.parameter import Value
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine import across
from denoise_studio.engine.workers import spread

FitKey = tuple[object, ...]
"""Everything in a resolved recipe that a fit depends on."""

_KEPT = 6
"""Fits a picture: going back to an earlier setting finds its maps again."""
_KEPT_IN_SERIES = 2
"""The same for a slice: there are hundreds, and one has its own maps and those along the series."""


@dataclass
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    fitted: Fitted | None = None


_slots: "weakref.WeakKeyDictionary[Picture, OrderedDict[FitKey, _Slot]]" = weakref.WeakKeyDictionary()
_guard = threading.Lock()


def needs_fit(recipe: Recipe) -> bool:
    """Whether the recipe's method finds parameter maps by itself."""
    return get_denoiser(recipe.method).load_fit is not None


def fit_key(recipe: Recipe) -> FitKey:
    """What a resolved recipe's fit depends on: hand edits of the maps are not part of it."""
    denoiser = get_denoiser(recipe.method)
    told = (recipe.device, recipe.seed, recipe.noise_level, recipe.across)
    return (denoiser.id, denoiser.version, *told, *sorted(_refit_values(recipe).items()))


def finished_fit(picture: Picture, recipe: Recipe) -> Fitted | None:
    """The maps for a resolved recipe, if they have been found already."""
    slots = _slots.get(picture)
    slot = slots.get(fit_key(recipe)) if slots else None
    return slot.fitted if slot else None


def fit(
    picture: Picture,
    recipe: Recipe,
    progress: Progress,
    publish: Callable[[Fitted], None] = lambda fitted: None,
) -> Fitted | None:
    """The maps for a resolved recipe, found now if need be; None for methods that fit nothing.

    Two callers that want the same fit get one: the second waits for the first, or takes over
    when that one is cancelled. A slice of a series may need its neighbours' maps (`Recipe.across`).

    Raises:
        Cancelled: through `progress`.
        StudioError: the picture cannot be fitted.
    """
    load = get_denoiser(recipe.method).load_fit
    if load is None:
        return None
    slot = _slot(picture, fit_key(recipe))

    def publish_own(other: Picture) -> Callable[[Fitted], None]:
        """What is found on the way is of use only where it is about the picture itself."""
        return publish if other is picture else lambda fitted: None

    while not slot.lock.acquire(timeout=0.05):
        progress.check()
    try:
        if slot.fitted is None and across.applies(picture, recipe):
            alone = recipe.replace(across="each")
            slot.fitted = across.fit(
                picture, recipe, progress, lambda other, part: fit(other, alone, part, publish_own(other))
            )
        elif slot.fitted is None:
            task = FitTask(
                picture=picture,
                values=_refit_values(recipe),
                device=recipe.device,
                seed=recipe.seed,
                noise_level=recipe.noise_level,
                progress=progress,
                publish=publish,
                spread=spread,
            )
            slot.fitted = load()(task)
        return slot.fitted
    finally:
        slot.lock.release()


def _refit_values(recipe: Recipe) -> dict[str, Value]:
    denoiser = get_denoiser(recipe.method)
    return {p.name: recipe.parameters[p.name] for p in denoiser.parameters if p.refit}


def _slot(picture: Picture, key: FitKey) -> _Slot:
    with _guard:
        slots = _slots.setdefault(picture, OrderedDict())
        slot = slots.setdefault(key, _Slot())
        slots.move_to_end(key)
        kept = _KEPT if picture.place is None else _KEPT_IN_SERIES
        while len(slots) > kept:
            slots.popitem(last=False)
        return slot
