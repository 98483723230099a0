"""Rendering again from the record, for every format and kind of picture."""

import json

import numpy as np
import pytest
from builders import bilateral, noisy, region

from denoise_studio.core.errors import RecipeError
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Ellipse
from denoise_studio.engine.export import export
from denoise_studio.engine.record import record_path
from denoise_studio.engine.render import render_in_full
from denoise_studio.engine.replay import replay
from denoise_studio.formats import SaveOptions, open_picture


def save(source, out, recipe=None, **options):
    export(render_in_full(open_picture(source), recipe or bilateral()), out, SaveOptions(**options))
    return out


@pytest.fixture
def data(tmp_path):
    np.save(tmp_path / "data.npy", noisy(30, 40)[0])
    return tmp_path / "data.npy"


@pytest.mark.parametrize(
    ("source", "name", "bits"),
    [
        ("photo.png", "a.png", None),
        ("photo.png", "a.png", 16),
        ("photo.png", "a.tif", None),
        ("photo.png", "a.tif", 32),
        ("photo.png", "a.npy", None),
        ("ct-phantom.dcm", "a.dcm", None),
        ("ct-phantom.dcm", "a.tif", None),
        ("ct-phantom.dcm", "a.npy", None),
    ],
)
def test_every_lossless_format(samples, tmp_path, source, name, bits):
    out = save(samples / source, tmp_path / name, Recipe(method="bilateral", strength=0.5), bits=bits)
    found = replay(out)
    assert (found.equal, found.largest_difference, found.count_different) == (True, 0.0, 0), found.message


def test_gaps_and_regions(tmp_path):
    values = noisy(30, 40)[0]
    values[4, 5], values[7] = np.nan, np.inf
    np.save(tmp_path / "data.npy", values)
    recipe = bilateral(region(Ellipse(20, 15, 9, 6, 30), feather=5, sigma_x=4.0, strength=0.5))
    assert replay(save(tmp_path / "data.npy", tmp_path / "out.npy", recipe)).equal


def test_a_changed_pixel(data, tmp_path):
    out = save(data, tmp_path / "out.npy")
    values = np.load(out)
    values[2, 3] += 0.25
    np.save(out, values)
    found = replay(out)
    assert (found.equal, found.count_different) == (False, 1)
    assert found.largest_difference == pytest.approx(0.25, abs=1e-6)
    assert found.message.endswith("the file was changed after it was saved.")


def test_a_changed_size(data, tmp_path):
    out = save(data, tmp_path / "out.npy")
    np.save(out, np.load(out)[:-1])
    found = replay(out)
    assert (found.equal, found.largest_difference) == (False, None)
    assert "has 40 x 29 x 1 pixels, the record makes 40 x 30 x 1" in found.message


def test_what_is_not_as_it_was_is_told(data, tmp_path):
    out = save(data, tmp_path / "out.npy")
    beside = record_path(out)
    body = json.loads(beside.read_bytes())
    body["software"]["numpy"] = "1.0"
    body["device"]["class"] = "cuda"
    body["recipe"]["parameters"]["sigma_r"] *= 2
    beside.write_text(json.dumps(body))
    message = replay(out).message
    assert "numpy 1.0 then, " in message
    assert "device cuda then, cpu now" in message
    assert "changed after" not in message


def test_jpeg(samples, tmp_path):
    out = save(samples / "photo.png", tmp_path / "a.jpg", quality=60)
    found = replay(out)
    assert (found.equal, found.largest_difference) == (True, None)
    assert "before JPEG coding" in found.message


def test_input(data, tmp_path):
    out = save(data, tmp_path / "out.npy")
    moved = data.rename(tmp_path / "moved.npy")
    with pytest.raises(RecipeError, match="does not exist; give it with --input"):
        replay(out)
    assert replay(out, moved).equal
    np.save(moved, np.load(moved) + 1)
    with pytest.raises(RecipeError, match=r"moved\.npy is not the file that out.npy was made from"):
        replay(out, moved)
    with pytest.raises(RecipeError, match=r"none.npy does not exist\.$"):
        replay(out, tmp_path / "none.npy")
    body = json.loads(record_path(out).read_bytes())
    record_path(out).write_text(json.dumps(body | {"input": None}))
    with pytest.raises(RecipeError, match="names no input file"):
        replay(out)


def test_unknown_format_in_the_record(data, tmp_path):
    out = save(data, tmp_path / "out.npy")
    text = record_path(out).read_text()
    record_path(out).write_text(text.replace('"format": "npy"', '"format": "exr"'))
    with pytest.raises(RecipeError, match="unknown format 'exr'"):
        replay(out)
