"""The recipe inside a derived file: a private block that disturbs nobody and is never about other pixels."""

import json

import numpy as np
import pydicom
import pytest
from dicom_sources import SYNTAXES, write_source
from format_files import noise
from pydicom.dataset import Dataset

from denoise_studio.core.errors import RecipeError
from denoise_studio.core.recipe import Recipe
from denoise_studio.engine.export import export
from denoise_studio.engine.record import read_recipe
from denoise_studio.engine.render import render_in_full
from denoise_studio.formats import SaveOptions, open_picture, save_picture
from denoise_studio.formats.dicom_recipe import put_recipe, recipe_inside, told

TEXT = '{"method": "bilateral", "strength": 0.5, "name": "weich für Köpfe 🧠 \\\\ ½"}'


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_it_comes_back_as_it_was_put(tmp_path, syntax):
    dtype = np.uint16 if syntax == "JPEG lossless" else np.int16
    write_source(tmp_path / "a.dcm", noise((6, 5), dtype) // 4, syntax)
    picture = open_picture(tmp_path / "a.dcm")
    save_picture(picture, tmp_path / "b.dcm", SaveOptions(recipe=TEXT.encode()))
    data = pydicom.dcmread(tmp_path / "b.dcm")
    assert json.loads(recipe_inside(data) or "") == json.loads(TEXT)
    assert data[0x0071, 0x0010].value == "DENOISE STUDIO"
    assert data[0x0099, 0x0010].value == "TEST MAKER"


def test_it_survives_a_program_that_keeps_no_types(tmp_path):
    write_source(tmp_path / "a.dcm", noise((6, 5), np.int16))
    save_picture(open_picture(tmp_path / "a.dcm"), tmp_path / "b.dcm", SaveOptions(recipe=TEXT.encode()))
    data = pydicom.dcmread(tmp_path / "b.dcm")
    data.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    data.save_as(tmp_path / "c.dcm", implicit_vr=True)
    assert json.loads(recipe_inside(pydicom.dcmread(tmp_path / "c.dcm")) or "") == json.loads(TEXT)


def test_a_later_one_replaces_it_and_none_takes_it_out():
    data = Dataset()
    for text in ("{}", TEXT):
        put_recipe(data, text.encode())
    assert len([tag for tag in data.keys() if tag.group == 0x71]) == 3  # noqa: SIM118
    assert json.loads(recipe_inside(data) or "")["strength"] == 0.5
    put_recipe(data, None)
    assert len(data) == 0
    assert recipe_inside(data) is None


def test_another_vendors_block_in_the_same_group_stays():
    data = Dataset()
    data.private_block(0x0071, "SOMEBODY", create=True).add_new(1, "LO", "theirs")
    put_recipe(data, TEXT.encode())
    assert data.private_block(0x0071, "SOMEBODY")[1].value == "theirs"
    put_recipe(data, None)
    assert data.private_block(0x0071, "SOMEBODY")[1].value == "theirs"
    assert recipe_inside(data) is None


@pytest.mark.parametrize("value", ["", "no JSON", "[1]", '{"method": 1}', '{"method": "x", "strength": "y"}'])
def test_what_is_no_recipe_is_not_told(value):
    data = Dataset()
    put_recipe(data, value.encode())
    assert told(data) == ""


def test_the_window_and_info_can_tell_what_was_done_before(tmp_path):
    write_source(tmp_path / "a.dcm", noise((6, 5), np.int16) // 64)
    first = render_in_full(open_picture(tmp_path / "a.dcm"), Recipe(method="bilateral", strength=0.5))
    export(first, tmp_path / "b.dcm")
    assert "denoised before" not in open_picture(tmp_path / "a.dcm").source.summary
    assert open_picture(tmp_path / "b.dcm").source.summary["denoised before"] == "bilateral, strength 0.5"


def test_a_derived_file_is_a_recipe_file_too(tmp_path):
    write_source(tmp_path / "a.dcm", noise((6, 5), np.int16) // 64)
    rendering = render_in_full(open_picture(tmp_path / "a.dcm"), Recipe(method="bilateral", strength=0.5))
    export(rendering, tmp_path / "b.dcm")
    assert read_recipe(tmp_path / "b.dcm") == rendering.recipe
    with pytest.raises(RecipeError, match=r"a\.dcm has no recipe inside"):
        read_recipe(tmp_path / "a.dcm")
    with pytest.raises(RecipeError, match="does not exist"):
        read_recipe(tmp_path / "c.dcm")
