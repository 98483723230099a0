"""A recipe: everything the user decided that can change a pixel.

Frozen, hashable, versioned JSON. It is the undo payload, the cache key, the job key, the
project file's core and the record written with every output.
"""

import math
from typing import Annotated, Any, Literal

import msgspec

from denoise_studio.core.errors import RecipeError
from denoise_studio.core.parameter import Values
from denoise_studio.core.region import Region

FORMAT = "denoise-studio-recipe"
VERSION = 1

Strength = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do to a picture.

    Args:
        method: id of a registered denoiser.
        parameters: values by parameter name; what is missing takes the method's default for
            the picture. `engine.resolve` returns a recipe with nothing missing.
        noise_level: noise standard deviation in the picture's unit that methods are told;
            None means the estimate.
        strength: 0 returns the input, 1 the method's result, between them a straight mix.
        regions: later ones lie on top of earlier ones.
        device: "auto", "cpu", "cuda" or "mps"; resolved before rendering.
        precision: arithmetic of the method: "auto", "float32" or "bfloat16"; resolved before
            rendering.
        seed: seed for methods that draw random numbers.
        across: for a slice of a series and a method that finds maps by itself: "each" takes the maps
            found for the slice alone, "smoothed" smooths them with those of its neighbours along
            the series, "shared" takes the same values for the whole series.
    """

    method: str = "identity"
    parameters: Values = Values()
    noise_level: Annotated[float, msgspec.Meta(ge=0.0)] | None = None
    strength: Strength = 1.0
    regions: tuple[Region, ...] = ()
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    across: Literal["each", "smoothed", "shared"] = "each"

    def __post_init__(self) -> None:
        if not isinstance(self.parameters, Values):
            msgspec.structs.force_setattr(self, "parameters", Values(self.parameters))
        if not 0.0 <= self.strength <= 1.0:
            raise RecipeError(f"strength must be between 0 and 1, not {self.strength:g}.")
        if self.noise_level is not None and not 0.0 <= self.noise_level < math.inf:
            raise RecipeError(f"noise_level must be a number from 0 upwards, not {self.noise_level:g}.")
        if not 0 <= self.seed < 2**63:
            raise RecipeError(f"seed must be between 0 and 2**63 - 1, not {self.seed}.")
        if self.across not in ("each", "smoothed", "shared"):
            raise RecipeError(f"across must be each, smoothed or shared, not {self.across!r}.")
        for region in self.regions:
            strength = region.parameters.get("strength", 1.0)
            if isinstance(strength, str) or not 0.0 <= strength <= 1.0:
                raise RecipeError(
                    f"strength of region {region.name!r} must be between 0 and 1, not {strength!r}."
                )

    def replace(self, **changes: Any) -> "Recipe":
        return msgspec.structs.replace(self, **changes)

    def with_parameter(self, name: str, value: Any) -> "Recipe":
        return self.replace(parameters=self.parameters.with_value(name, value))

    def with_region(self, index: int, region: Region) -> "Recipe":
        regions = list(self.regions)
        regions[index] = region
        return self.replace(regions=tuple(regions))

    @property
    def active_regions(self) -> tuple[Region, ...]:
        return tuple(region for region in self.regions if region.enabled)


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """Plain JSON types, with format and version."""
    body: dict[str, Any] = msgspec.to_builtins(recipe, enc_hook=_encode, order="sorted")
    return {"format": FORMAT, "version": VERSION, **body}


def to_json(recipe: Recipe) -> bytes:
    return msgspec.json.format(msgspec.json.encode(to_dict(recipe)), indent=2) + b"\n"


def from_dict(data: Any) -> Recipe:
    """Read a recipe.

    Raises:
        RecipeError: not a recipe, an unknown version, an unknown field or a value of wrong type.
    """
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise RecipeError("This is not a Denoise Studio recipe.")
    if data.get("version") != VERSION or isinstance(data["version"], bool):
        raise RecipeError(
            f"This recipe has version {data.get('version')!r}; this program reads version {VERSION}."
        )
    body = {key: value for key, value in data.items() if key not in ("format", "version")}
    try:
        return msgspec.convert(body, Recipe, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise RecipeError(f"The recipe is not valid: {error}.") from None


def from_json(text: bytes | str) -> Recipe:
    """Like `from_dict`, from JSON text."""
    try:
        data = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise RecipeError(f"The recipe is not valid JSON: {error}.") from None
    except RecursionError:
        raise RecipeError("The recipe is not valid JSON: it is nested too deeply.") from None
    return from_dict(data)


def _encode(value: Any) -> Any:
    if isinstance(value, Values):
        return dict(value)
    raise TypeError(f"cannot encode {type(value).__name__}")


def _decode(kind: type, value: Any) -> Any:
    if kind is Values:
        if not isinstance(value, dict) or not all(
            isinstance(key, str) and isinstance(item, bool | int | float | str) for key, item in value.items()
        ):
            raise ValueError("parameters must map names to numbers, words or booleans")
        return Values(value)
    raise TypeError(f"cannot decode {kind.__name__}")
