"""Typed parameters: what a method can be asked for, with unit, range, step and default."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from denoise_studio.core.errors import RecipeError
from denoise_studio.core.picture import Picture

Value = float | int | bool | str

_LONGEST_PATH = 4096


class ParameterKind(StrEnum):
    FLOAT = "float"
    INT = "int"
    CHOICE = "choice"
    BOOL = "bool"
    FILE = "file"
    """A file's path, "" for none; what it holds is the method's to read."""


@dataclass(frozen=True)
class Limits:
    """A numeric parameter's range for one picture, in its own unit."""

    minimum: float
    maximum: float
    step: float
    unit: str


@dataclass(frozen=True)
class Parameter:
    """One parameter of a method; the window builds its control from this alone.

    Args:
        name: key in recipes and on the command line.
        label: what a person reads beside the control.
        description: one sentence on what it does to the picture (the tooltip).
        default: value when nothing else is known. With `noise_multiple` set, the default for a
            picture is that multiple of the picture's estimated noise sd instead.
        unit: "px", "mm", "" (a pure number), or "value" for the picture's own unit.
        minimum, maximum, step: numeric range. With unit "value" these, and `default`, are
            fractions of `Picture.span` and are multiplied by it for every picture.
        logarithmic: whether the slider should move in decades.
        per_region: whether a region may have its own value.
        choices: the allowed words of a CHOICE.
        fitted: left out of a recipe, the method finds it by itself, with a value for every pixel
            (`Denoiser.load_fit`); given, the number replaces the map.
        multiplies: names of the fitted parameters whose maps this one multiplies.
        refit: whether the fit depends on it (it can then not differ per region).
        role: "noise" for what says how much noise the method is told, as a multiple of what it found:
            the window gives it a slider of its own, with the estimate marked.
        group: heading under which the window shows it; the unnamed group comes first.
    """

    name: str
    label: str
    description: str
    default: Value
    kind: ParameterKind = ParameterKind.FLOAT
    unit: str = ""
    minimum: float = 0.0
    maximum: float = 1.0
    step: float = 0.01
    logarithmic: bool = False
    per_region: bool = False
    noise_multiple: float | None = None
    choices: tuple[str, ...] = ()
    fitted: bool = False
    multiplies: tuple[str, ...] = ()
    refit: bool = False
    role: str = ""
    group: str = ""

    @property
    def is_numeric(self) -> bool:
        return self.kind in (ParameterKind.FLOAT, ParameterKind.INT)

    def limits(self, picture: Picture) -> Limits:
        """Range, step and unit for this picture."""
        if self.unit != "value":
            return Limits(self.minimum, self.maximum, self.step, self.unit)
        scale = picture.span
        return Limits(self.minimum * scale, self.maximum * scale, self.step * scale, picture.unit)

    def default_for(self, picture: Picture, noise: Callable[[], float]) -> Value:
        """The default for this picture; `noise` gives its estimated noise sd when asked."""
        if not self.is_numeric:
            return self.default
        limits = self.limits(picture)
        value = float(self.default) * (picture.span if self.unit == "value" else 1.0)
        if self.noise_multiple is not None:
            value = self.noise_multiple * noise()
        value = min(max(value, limits.minimum), limits.maximum)
        return round(value) if self.kind is ParameterKind.INT else value

    def checked(self, value: Any, picture: Picture | None = None) -> Value:
        """`value` as this parameter's type.

        Raises:
            RecipeError: wrong type, not finite, or (with `picture`) out of range.
        """
        if self.kind is ParameterKind.CHOICE:
            if value not in self.choices:
                raise RecipeError(f"{self.name} must be one of {', '.join(self.choices)}, not {value!r}.")
            return str(value)
        if self.kind is ParameterKind.BOOL:
            if not isinstance(value, bool):
                raise RecipeError(f"{self.name} must be true or false, not {value!r}.")
            return value
        if self.kind is ParameterKind.FILE:
            if not isinstance(value, str) or len(value) > _LONGEST_PATH or "\0" in value:
                raise RecipeError(f"{self.name} must be the path of a file, not {value!r:.40}.")
            return value
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            raise RecipeError(f"{self.name} must be a number, not {value!r:.40}.")
        if self.kind is ParameterKind.INT and value != int(value):
            raise RecipeError(f"{self.name} must be a whole number, not {value!r}.")
        if picture is not None:
            limits = self.limits(picture)
            slack = 1e-9 * max(abs(limits.minimum), abs(limits.maximum))
            if not limits.minimum - slack <= value <= limits.maximum + slack:
                unit = f" {limits.unit}" if limits.unit else ""
                raise RecipeError(
                    f"{self.name} must be between {limits.minimum:g} and {limits.maximum:g}{unit}, "
                    f"not {value:g}."
                )
        return int(value) if self.kind is ParameterKind.INT else float(value)

    def parse(self, text: str) -> Value:
        """Read a value typed on the command line (C locale).

        Raises:
            RecipeError: the text is not of this parameter's kind.
        """
        if self.kind is ParameterKind.BOOL:
            words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
            return self.checked(words.get(text.strip().lower(), text))
        if self.kind in (ParameterKind.CHOICE, ParameterKind.FILE):
            return self.checked(text.strip())
        try:
            number = float(text)
        except ValueError:
            raise RecipeError(f"{self.name} must be a number, not {text!r}.") from None
        return self.checked(number)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond the range of double precision
        return False


class Values(Mapping[str, Value]):
    """An immutable, hashable mapping from parameter name to value."""

    __slots__ = ("_items",)

    def __init__(self, values: Mapping[str, Value] | None = None) -> None:
        self._items: dict[str, Value] = dict(sorted((values or {}).items()))

    def __getitem__(self, name: str) -> Value:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(tuple(self._items.items()))

    def __repr__(self) -> str:
        return f"Values({self._items!r})"

    def with_value(self, name: str, value: Value) -> "Values":
        return Values({**self._items, name: value})

    def without(self, name: str) -> "Values":
        return Values({key: value for key, value in self._items.items() if key != name})
