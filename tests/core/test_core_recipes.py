import json
import math

import msgspec
import pytest
from builders import numbers, shapes
from hypothesis import given, settings
from hypothesis import strategies as st

from denoise_studio.core.errors import RecipeError
from denoise_studio.core.parameter import Values
from denoise_studio.core.recipe import FORMAT, Recipe, from_dict, from_json, to_dict, to_json
from denoise_studio.core.region import Box, Region

words = st.text(max_size=12)
plain = st.one_of(
    st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), words
)
values = st.dictionaries(words.filter(lambda name: name != "strength"), plain, max_size=5).map(Values)
with_strength = st.builds(lambda v, s: v.with_value("strength", s), values, numbers(0, 1))
regions = st.builds(
    Region,
    shape=shapes(-1e6, 1e6),
    name=words,
    feather=numbers(0, 1e4),
    parameters=st.one_of(values, with_strength),
    enabled=st.booleans(),
)
recipes = st.builds(
    Recipe,
    method=words,
    parameters=values,
    noise_level=st.none() | numbers(0, 1e300),
    strength=numbers(0, 1),
    regions=st.lists(regions, max_size=4).map(tuple),
    device=st.sampled_from(["auto", "cpu", "cuda", "mps"]),
    seed=st.integers(0, 2**63 - 1),
)


@given(recipes)
@settings(max_examples=60)
def test_json_round_trip(recipe):
    again = from_json(to_json(recipe))
    assert again == recipe
    assert hash(again) == hash(recipe)
    assert to_json(again) == to_json(recipe)
    assert from_dict(json.loads(to_json(recipe))) == recipe
    assert from_dict(to_dict(recipe)) == recipe


@given(recipes)
@settings(max_examples=30)
def test_json_keeps_the_kind_of_a_value(recipe):
    again = from_json(to_json(recipe))
    assert [type(v) for v in again.parameters.values()] == [type(v) for v in recipe.parameters.values()]


def good(**changes):
    return {"format": FORMAT, "version": 1, "method": "bilateral"} | changes


BOX = {"kind": "box", "x0": 0, "y0": 0, "x1": 5, "y1": 5}


def test_whole_numbers_are_read_where_a_real_one_is_meant():
    recipe = from_dict(good(strength=1, noise_level=3, regions=[{"shape": BOX, "feather": 2}]))
    assert recipe.regions[0] == Region(shape=Box(0.0, 0.0, 5.0, 5.0), feather=2.0)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "x",
        {},
        {"format": "something else", "version": 1},
        {"format": FORMAT},
        good(version=2),
        good(version=0),
        good(version="1"),
        good(version=True),
        good(version=None),
        good(colour="red"),
        good(method=3),
        good(strength=-0.1),
        good(strength=1.5),
        good(strength="1"),
        good(strength=None),
        good(strength=math.nan),
        good(noise_level=-1.0),
        good(noise_level=math.inf),
        good(noise_level="loud"),
        good(device="tpu"),
        good(precision="float16"),
        good(seed=-1),
        good(seed=2**63),
        good(seed=1.5),
        good(parameters=[1]),
        good(parameters={"a": None}),
        good(parameters={"a": [1]}),
        good(parameters={"a": {"b": 1}}),
        good(regions=5),
        good(regions=[{}]),
        good(regions=[{"shape": {"kind": "star"}}]),
        good(regions=[{"shape": BOX | {"x9": 1}}]),
        good(regions=[{"shape": BOX | {"x1": 2e6}}]),
        good(regions=[{"shape": BOX | {"x1": "5"}}]),
        good(regions=[{"shape": BOX, "feather": -1}]),
        good(regions=[{"shape": BOX, "enabled": 1}]),
        good(regions=[{"shape": BOX, "unknown": 1}]),
        good(regions=[{"shape": BOX, "parameters": {"strength": 1.01}}]),
        good(regions=[{"shape": BOX, "parameters": {"strength": "full"}}]),
        good(regions=[{"shape": {"kind": "polygon", "points": [[0, 0], [1, 1]]}}]),
        good(regions=[{"shape": {"kind": "brush", "strokes": []}}]),
        good(regions=[{"shape": {"kind": "brush", "strokes": [{"points": [[0, 0]], "radius": 0}]}}]),
    ],
)
def test_a_bad_recipe_is_one_clear_sentence(data):
    with pytest.raises(RecipeError) as caught:
        from_dict(data)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b"[" * 100_000,
        "\ud800",
        b'{"format": "denoise-studio-recipe", "version": 1e999}',
    ],
)
def test_text_that_is_no_json_is_one_clear_sentence(text):
    with pytest.raises(RecipeError, match="not valid JSON"):
        from_json(text)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_recipe_or_a_recipe_error(data):
    with pytest.raises(RecipeError):
        from_json(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"strength": 1.5},
        {"strength": math.nan},
        {"noise_level": math.nan},
        {"noise_level": math.inf},
        {"noise_level": -1.0},
        {"seed": -1},
        {"regions": (Region(shape=Box(0, 0, 1, 1), parameters=Values({"strength": 2.0})),)},
    ],
)
def test_a_recipe_that_could_not_be_read_back_cannot_be_made(changes):
    with pytest.raises(RecipeError):
        Recipe(**changes)
    with pytest.raises(RecipeError):
        Recipe().replace(**changes)


def test_recipes_are_frozen_values():
    recipe = Recipe(method="nlm", parameters={"h": 1.0})
    assert isinstance(recipe.parameters, Values)
    with pytest.raises(AttributeError):
        recipe.method = "identity"
    changed = recipe.with_parameter("h", 2.0)
    assert (recipe.parameters["h"], changed.parameters["h"]) == (1.0, 2.0)
    assert changed != recipe
    assert len({recipe, Recipe(method="nlm", parameters={"h": 1.0}), changed}) == 2


def test_only_enabled_regions_are_active():
    on, off = Region(shape=Box(0, 0, 1, 1)), Region(shape=Box(0, 0, 1, 1), enabled=False)
    recipe = Recipe(regions=(off, on))
    assert recipe.active_regions == (on,)
    assert recipe.with_region(0, on).active_regions == (on, on)


def test_the_version_is_written():
    head = msgspec.json.decode(to_json(Recipe()))
    assert (head["format"], head["version"]) == (FORMAT, 1)
