"""The list of methods, and which one a kind of picture gets when nobody chose."""

from denoise_studio.core.denoiser import Denoiser
from denoise_studio.core.errors import RecipeError
from denoise_studio.core.picture import Kind, Picture

_REGISTRY: dict[str, Denoiser] = {}

DEFAULT_METHODS: dict[Kind, str] = {
    Kind.CT: "adaptive-bilateral",
    Kind.MR: "bilateral",
    Kind.PHOTO: "bilateral",
    Kind.RAW: "raw-network",
    Kind.DATA: "bilateral",
}
"""The default method of each kind of picture."""


def register(denoiser: Denoiser) -> None:
    """Add a method to the list.

    Raises:
        ValueError: its id is taken, or a parameter's default lies outside its range.
    """
    if denoiser.id in _REGISTRY:
        raise ValueError(f"the method id {denoiser.id!r} is taken")
    for parameter in denoiser.parameters:
        if parameter.is_numeric and not parameter.minimum <= float(parameter.default) <= parameter.maximum:
            raise ValueError(f"default of {denoiser.id}.{parameter.name} is out of range")
        if parameter.name == "strength":
            raise ValueError("'strength' belongs to the recipe, no method may use it")
    _REGISTRY[denoiser.id] = denoiser


def unregister(id: str) -> None:
    """Take a method off the list again (tests and plug-ins)."""
    _REGISTRY.pop(id, None)


def all_denoisers() -> tuple[Denoiser, ...]:
    """Every method, in the order of the list."""
    return tuple(_REGISTRY.values())


def get_denoiser(id: str) -> Denoiser:
    """The method with this id.

    Raises:
        RecipeError: there is none.
    """
    if id not in _REGISTRY:
        raise RecipeError(f"There is no method {id!r} (there are: {', '.join(_REGISTRY)}).")
    return _REGISTRY[id]


def default_method(picture: Picture) -> str:
    """Id of the method that a new picture starts with: its kind's, "identity" where that does not take it."""
    method = DEFAULT_METHODS[picture.kind]
    return "identity" if get_denoiser(method).refusal(picture) else method
