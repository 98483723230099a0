import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denoise_studio.core.errors import RecipeError
from denoise_studio.core.parameter import Parameter, ParameterKind, Values
from denoise_studio.core.picture import Picture, Scale

HU = Picture(np.zeros((1, 4, 4), np.float32), scale=Scale.HU, unit="HU", nominal_range=(-1024, 3071))
EIGHT_BIT = Picture(np.zeros((1, 4, 4), np.float32), scale=Scale.DISPLAY, unit="DN", nominal_range=(0, 255))

SIZE = Parameter("size", "Size", "", 1.5, unit="px", minimum=0.5, maximum=8.0, step=0.5)
CONTRAST = Parameter(
    "contrast", "Contrast", "", 0.06, unit="value", minimum=0.01, maximum=2.0, step=0.01, noise_multiple=3.0
)
COUNT = Parameter("count", "Count", "", 2, ParameterKind.INT, "px", 1, 5, 1)
WORD = Parameter("word", "Word", "", "one", ParameterKind.CHOICE, choices=("one", "two"))
FLAG = Parameter("flag", "Flag", "", True, ParameterKind.BOOL)
ALL = [SIZE, CONTRAST, COUNT, WORD, FLAG]


def test_relative_limits_take_the_picture_s_span_and_unit():
    hu = CONTRAST.limits(HU)
    assert (hu.minimum, hu.maximum, hu.step, hu.unit) == (10.0, 2000.0, 10.0, "HU")
    assert CONTRAST.limits(EIGHT_BIT).maximum == 510.0
    assert SIZE.limits(HU).unit == "px"
    assert SIZE.limits(HU).maximum == 8.0


def test_default_follows_the_noise_within_the_limits():
    assert CONTRAST.default_for(HU, lambda: 20.0) == 60.0
    assert CONTRAST.default_for(HU, lambda: 0.0) == 10.0
    assert CONTRAST.default_for(HU, lambda: 1e9) == 2000.0


def test_default_without_noise_multiple_never_asks_for_the_noise():
    def ask() -> float:
        raise AssertionError

    assert SIZE.default_for(HU, ask) == 1.5
    assert COUNT.default_for(HU, ask) == 2
    assert isinstance(COUNT.default_for(HU, ask), int)
    assert WORD.default_for(HU, ask) == "one"
    assert FLAG.default_for(HU, ask) is True
    relative = Parameter("r", "", "", 0.1, unit="value", maximum=1.0)
    assert relative.default_for(EIGHT_BIT, ask) == pytest.approx(25.5)


@pytest.mark.parametrize("parameter", ALL)
@pytest.mark.parametrize(
    "value",
    [None, "three", math.nan, math.inf, -math.inf, 10**400, -(10**400), [1], {}, (), b"1", 1j],
    ids=lambda value: str(value)[:12],
)
def test_no_parameter_takes_nonsense(parameter, value):
    with pytest.raises(RecipeError, match=f"^{parameter.name} must be"):
        parameter.checked(value)


@pytest.mark.parametrize(("parameter", "value"), [(SIZE, True), (COUNT, True), (COUNT, 2.5), (FLAG, 1)])
def test_kinds_are_not_mixed_up(parameter, value):
    with pytest.raises(RecipeError):
        parameter.checked(value)


def test_range_is_checked_with_a_picture_only():
    assert SIZE.checked(100.0) == 100.0
    with pytest.raises(RecipeError, match=r"size must be between 0.5 and 8 px, not 8.1"):
        SIZE.checked(8.1, HU)
    with pytest.raises(RecipeError, match=r"contrast must be between 10 and 2000 HU, not 9"):
        CONTRAST.checked(9, HU)
    for edge in (0.5, 8.0, 8):
        assert SIZE.checked(edge, HU) == edge


def test_checked_returns_the_parameter_s_type():
    assert type(SIZE.checked(2)) is float
    assert type(COUNT.checked(2.0)) is int
    assert type(SIZE.checked(np.float64(2.0))) in (float, np.float64)


@given(st.floats(0.5, 8.0))
def test_what_is_written_can_be_typed_again(value):
    assert SIZE.parse(repr(value)) == value


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        (SIZE, " 1.5 ", 1.5),
        (SIZE, "1e-1", 0.1),
        (COUNT, "3", 3),
        (WORD, " two ", "two"),
        (FLAG, "Yes", True),
        (FLAG, "0", False),
    ],
)
def test_parse(parameter, text, value):
    result = parameter.parse(text)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        (SIZE, "1,5"),
        (SIZE, ""),
        (SIZE, "nan"),
        (SIZE, "1e999"),
        (COUNT, "2.5"),
        (WORD, "three"),
        (FLAG, "maybe"),
    ],
)
def test_parse_refuses(parameter, text):
    with pytest.raises(RecipeError, match=f"^{parameter.name} must be"):
        parameter.parse(text)


def test_values_are_an_immutable_hashable_mapping():
    source = {"b": 1.0, "a": 2}
    values = Values(source)
    source["b"] = 9.0
    assert dict(values) == {"a": 2, "b": 1.0}
    assert list(values) == ["a", "b"]
    with pytest.raises(TypeError):
        values["a"] = 3  # type: ignore[index]
    assert values.with_value("a", 3) == {"a": 3, "b": 1.0}
    assert values.without("a") == {"b": 1.0}
    assert values.without("z") == values
    assert dict(values) == {"a": 2, "b": 1.0}


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 3), max_size=4))
def test_equal_values_have_equal_hashes(items):
    backwards = Values(dict(reversed(items.items())))
    assert Values(items) == backwards
    assert hash(Values(items)) == hash(backwards)


FILE = Parameter("where", "Where", "", "", ParameterKind.FILE)


def test_a_file_is_a_path_of_any_name_or_none():
    for path in ("", "a.npz", "/somewhere/with space/ü.npz", "x" * 4096):
        assert FILE.checked(path, HU) == path
    assert FILE.parse(" a.npz ") == "a.npz"
    assert FILE.default_for(HU, lambda: 1.0) == ""
    assert not FILE.is_numeric


@pytest.mark.parametrize(
    "value", [None, 1, True, 2.5, b"a", ["a"], "a\0b", "x" * 4097], ids=lambda v: str(v)[:8]
)
def test_what_is_no_path_of_a_file(value):
    with pytest.raises(RecipeError, match=r"^where must be the path of a file"):
        FILE.checked(value)
