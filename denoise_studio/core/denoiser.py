"""What a denoising method tells about itself, and the call that runs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from denoise_studio.core.errors import RecipeError
from denoise_studio.core.fitted import Fit
from denoise_studio.core.mosaic import Mosaic
from denoise_studio.core.parameter import Parameter, Value, Values
from denoise_studio.core.picture import Picture
from denoise_studio.core.types import BoolArray, FloatArray

FieldValue = Value | FloatArray
"""One value for all pixels of a tile, or `(h, w)` float32 with one for each."""


@dataclass(frozen=True)
class Tile:
    """A method's input: pixels with a margin, and the values that hold at each inner pixel.

    Args:
        pixels: `(C, h + 2 halo, w + 2 halo)` float32, C-contiguous, edges reflected.
        valid: same height and width, False where a pixel must neither be filtered nor be
            looked at (its value there is 0); None if all are valid.
        halo: margin on every side, at least what the method's `halo` asked for.
        values: every parameter of the method, arrays `(h, w)`; for a method with `wide_values`
            arrays have the size of `pixels`, mirrored at the picture's edges as these are.
        noise_level: noise sd in the picture's unit.
        value_range: smallest and largest valid value of the whole picture (not of the tile).
        device: "cpu", "cuda" or "mps".
        seed: the recipe's.
        precision: "float32" or "bfloat16", for methods with `measure_precision`.
        mosaic: which of `pixels` saw which colour, for camera raw.
        knowledge: `Fitted.knowledge` of the method's own fit.
    """

    pixels: FloatArray
    valid: BoolArray | None
    halo: int
    values: Mapping[str, FieldValue]
    noise_level: float
    value_range: tuple[float, float]
    device: str = "cpu"
    seed: int = 0
    precision: str = "float32"
    mosaic: Mosaic | None = None
    knowledge: Any = None


Apply = Callable[[Tile], FloatArray]
"""Filters one tile: returns `(C, h, w)` float32 without the halo, on the CPU.

Raises `OutOfMemory` when the device has not enough memory for this tile.
"""


@dataclass(frozen=True, eq=False)
class Footprint:
    """What one stage of a filter does at one pixel.

    Args:
        name: what a person reads ("Stage 1").
        weights: `(2 ry + 1, 2 rx + 1)` float32, the shares of the neighbours in the result; they
            sum to 1, the pixel itself is in the middle.
        values: the parameters at this pixel, by parameter name.
    """

    name: str
    weights: FloatArray
    values: Mapping[str, float]


Explain = Callable[[Tile], tuple[Footprint, ...]]
"""Shows the filter at the one inner pixel of a tile, one footprint a stage."""

Linear = Callable[[FloatArray], FloatArray]
Derivative = Callable[[Tile], Linear]
"""The exact derivative at a tile: from a small change of its pixels, of their size, to that of the result."""


@dataclass(frozen=True)
class Denoiser:
    """A method's descriptor: all that the engine and the window know of it.

    Args:
        id: stable key in recipes ("bilateral").
        name: what the user picks in the list.
        summary: one sentence for the list's tooltip.
        paper: authors, title, year or arXiv number.
        parameters: typed parameters, in the order in which they are shown.
        load: imports what the method needs and returns the call; runs in a worker.
        halo: pixels of surroundings that these parameter values need (maxima over regions).
        channels: channel counts it accepts.
        layouts: "planes" if it takes pictures whose pixels have all their colours, "bayer" if it takes
            a camera's mosaic with the Bayer pattern, "mosaic" for any mosaic.
        domain: value domain it was made for ("any": the same in every unit).
        size_multiple: tiles begin at multiples of this, counted from the picture's corner.
        tile: side in pixels of the squares that are filtered in one call where memory allows, 0 for
            one cell of the grid: a method with a wide halo wastes less on larger ones.
        exact_tiles: tiled equals untiled to the last bit for any rectangle; such a method is
            re-run on just the pixels that changed, others on whole cells of the grid.
        parallel_tiles: one call uses one core, so the engine runs several tiles at once.
        uses_noise_level: whether `Tile.noise_level` matters.
        devices: where it can run.
        cost: rough floating-point operations a pixel at default values, for estimates.
        load_fit: for a method that finds parameter maps by itself: imports what that needs and
            returns the call. It is run once a picture, before any tile.
        reach: how many pixels outside a region its values can be felt (0 for a filter that looks
            only at the centre pixel's own values), from the same maxima as `halo`.
        wide_values: whether it needs its values in the margin too (see `Tile.values`).
        load_explain: imports and returns what shows the filter at one pixel, if it can.
        load_derivative: imports and returns the method's exact derivative in float32, if it has one.
        measure_precision: for a method that has the choice: measures, for a device and a number
            of channels, which arithmetic serves best. Takes a moment; the engine remembers.
        weights_sha256: checksums of the weights it uses, by number of channels, if any.
        version: raised when the same parameters give other pixels than before.
    """

    id: str
    name: str
    summary: str
    paper: str
    parameters: tuple[Parameter, ...]
    load: Callable[[], Apply]
    halo: Callable[[Mapping[str, Value]], int]
    channels: tuple[int, ...] = (1, 3)
    layouts: tuple[Literal["planes", "bayer", "mosaic"], ...] = ("planes",)
    domain: str = "any"
    size_multiple: int = 1
    tile: int = 0
    exact_tiles: bool = False
    parallel_tiles: bool = False
    uses_noise_level: bool = False
    devices: tuple[Literal["cpu", "cuda", "mps"], ...] = ("cpu",)
    cost: float = 1.0
    load_fit: Callable[[], Fit] | None = None
    reach: Callable[[Mapping[str, Value]], int] = lambda values: 0
    wide_values: bool = False
    load_explain: Callable[[], Explain] | None = None
    load_derivative: Callable[[], Derivative] | None = None
    measure_precision: Callable[[str, int], str] | None = None
    weights_sha256: Mapping[int, str] | None = None
    version: int = 1

    def parameter(self, name: str) -> Parameter:
        """The parameter of that name.

        Raises:
            RecipeError: the method has none.
        """
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        known = ", ".join(parameter.name for parameter in self.parameters) or "none"
        raise RecipeError(f"The method {self.id} has no parameter {name!r} (it has: {known}).")

    def refusal(self, picture: Picture) -> str:
        """Why it does not take this picture, as a sentence; "" if it does."""
        mosaic = picture.mosaic
        if mosaic is None and "planes" not in self.layouts:
            return f"{self.name} takes camera raw pictures only."
        if mosaic is not None and "mosaic" not in self.layouts:
            if "bayer" not in self.layouts:
                return (
                    f"{self.name} does not take camera raw pictures: a pixel has one of three colours there."
                )
            if not mosaic.is_bayer:
                return f"{self.name} takes the Bayer pattern only; for {mosaic.name} no method is offered."
        if picture.channels not in self.channels:
            return f"{self.name} does not take pictures with {picture.channels} channels."
        return ""

    @property
    def region_parameters(self) -> tuple[Parameter, ...]:
        return tuple(parameter for parameter in self.parameters if parameter.per_region)

    def describe(self) -> dict[str, Any]:
        """Plain JSON types, for the command line."""
        return {
            "id": self.id,
            "name": self.name,
            "summary": self.summary,
            "paper": self.paper,
            "version": self.version,
            "domain": self.domain,
            "channels": list(self.channels),
            "layouts": list(self.layouts),
            "devices": list(self.devices),
            "size_multiple": self.size_multiple,
            "exact_tiles": self.exact_tiles,
            "uses_noise_level": self.uses_noise_level,
            "default_halo": self.halo(Values({p.name: p.default for p in self.parameters})),
            "fits_the_picture": self.load_fit is not None,
            "cost": self.cost,
            "weights_sha256": self.weights_sha256 and {str(k): v for k, v in self.weights_sha256.items()},
            "parameters": [_describe_parameter(parameter) for parameter in self.parameters],
        }


def _describe_parameter(parameter: Parameter) -> dict[str, Any]:
    result: dict[str, Any] = {
        "name": parameter.name,
        "label": parameter.label,
        "description": parameter.description,
        "kind": parameter.kind.value,
        "unit": parameter.unit,
        "default": None if parameter.fitted else parameter.default,
        "per_region": parameter.per_region,
        "fitted": parameter.fitted,
    }
    if parameter.multiplies:
        result["multiplies"] = list(parameter.multiplies)
    if parameter.is_numeric:
        result |= {
            "minimum": parameter.minimum,
            "maximum": parameter.maximum,
            "step": parameter.step,
            "scale": "log" if parameter.logarithmic else "linear",
            "relative_to_span": parameter.unit == "value",
            "default_noise_multiple": parameter.noise_multiple,
        }
    if parameter.choices:
        result["choices"] = list(parameter.choices)
    return result
