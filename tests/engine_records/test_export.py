"""Saving a result with its record: both or neither, and never over the source."""

import json
import os
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from builders import bilateral, noisy, picture

from denoise_studio.core.errors import FormatError, RecipeError
from denoise_studio.core.recipe import Recipe
from denoise_studio.engine.export import export
from denoise_studio.engine.record import (
    make_record,
    pixels_sha256,
    read_recipe,
    read_record,
    record_path,
    to_dict,
)
from denoise_studio.engine.render import render_in_full
from denoise_studio.formats import SaveOptions, encode_for, open_picture
from denoise_studio.formats.files import file_sha256


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in" / "data.npy"
    path.parent.mkdir()
    np.save(path, noisy(30, 40)[0])
    return path


@pytest.fixture
def rendering(source):
    return render_in_full(open_picture(source), bilateral(strength=0.8))


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "result.npy"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_picture_and_record(rendering, source, out):
    report = export(rendering, out)
    assert names(out.parent) == ["result.npy", "result.npy.recipe.json"]
    np.testing.assert_array_equal(open_picture(out).pixels, rendering.picture.pixels)
    assert report.record_path == record_path(out)
    assert (report.path, report.format, report.clipped) == (out, "npy", 0)
    record = read_record(report.record_path)
    assert record == report.record
    assert record.recipe == rendering.recipe == read_recipe(report.record_path)
    assert record.input.path == "../in/data.npy"
    assert record.input.sha256 == file_sha256(source)
    assert record.output.pixels_sha256 == pixels_sha256(encode_for(rendering.picture, out).pixels)
    assert (record.device.kind, record.tile) == (rendering.device.kind, rendering.tile)
    assert datetime.fromisoformat(record.created).tzinfo is not None
    assert json.loads(report.record_path.read_bytes())["device"]["class"] == "cpu"


def test_options_are_recorded(rendering, out):
    export(rendering, out.with_suffix(".tif"), SaveOptions(bits=32, quality=70))
    record = read_record(record_path(out.with_suffix(".tif")))
    assert (record.output.bits_asked, record.output.quality, record.output.dtype) == (32, 70, "float32")


def test_a_picture_without_a_file_has_no_input(out):
    export(render_in_full(picture(20, 20), Recipe()), out)
    assert read_record(record_path(out)).input is None


def test_an_older_result_is_replaced(rendering, out):
    out.write_bytes(b"older")
    record_path(out).write_text("older")
    export(rendering, out)
    assert names(out.parent) == ["result.npy", "result.npy.recipe.json"]
    assert read_record(record_path(out)).recipe == rendering.recipe


def test_without_a_record_no_stale_one_stays(rendering, out):
    export(rendering, out)
    report = export(rendering, out, write_record=False)
    assert (report.record, report.record_path) == (None, None)
    assert names(out.parent) == ["result.npy"]
    record_path(out).write_text("somebody's own")
    export(rendering, out, write_record=False)
    assert record_path(out).read_text() == "somebody's own"


@pytest.mark.parametrize("before", [None, b"older"])
@pytest.mark.parametrize("victim", ["result.npy", "result.npy.recipe.json"])
def test_a_failing_rename_leaves_all_as_it_was(rendering, out, monkeypatch, before, victim):
    if before is not None:
        out.write_bytes(before)
        record_path(out).write_bytes(before)
    replace = os.replace

    def failing(self, target):
        if os.path.basename(target) == victim and self.suffix != ".before":
            raise PermissionError(13, "Permission denied")
        replace(self, target)
        return target

    monkeypatch.setattr("pathlib.Path.replace", failing)
    with pytest.raises(FormatError, match=r"Cannot write .*permission denied"):
        export(rendering, out)
    if before is None:
        assert names(out.parent) == []
    else:
        assert names(out.parent) == ["result.npy", "result.npy.recipe.json"]
        assert out.read_bytes() == record_path(out).read_bytes() == before


@pytest.mark.parametrize("call", [1, 2])
def test_a_full_disk_leaves_all_as_it_was(rendering, out, monkeypatch, call):
    out.write_bytes(b"older")
    calls = []

    def full(handle):
        calls.append(handle)
        if len(calls) == call:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FormatError, match="no space left on device"):
        export(rendering, out)
    assert names(out.parent) == ["result.npy"]
    assert out.read_bytes() == b"older"


def test_a_disk_without_links(rendering, out, monkeypatch):
    out.write_bytes(b"older")

    def no_links(*args):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", no_links)
    export(rendering, out)
    assert names(out.parent) == ["result.npy", "result.npy.recipe.json"]
    assert read_record(record_path(out)).recipe == rendering.recipe


def test_the_source_is_refused(rendering, source, out):
    content = source.read_bytes()
    with pytest.raises(FormatError, match="is the source file"):
        export(rendering, source)
    beside = record_path(out)
    beside.hardlink_to(source)
    with pytest.raises(FormatError, match="would replace the source file"):
        export(rendering, out)
    assert source.read_bytes() == beside.read_bytes() == content
    assert names(source.parent) == ["data.npy"]


@pytest.mark.parametrize("fate", ["gone", "changed"])
def test_the_record_names_the_source_as_it_was_when_it_was_opened(rendering, source, out, fate):
    opened = file_sha256(source)
    if fate == "gone":
        source.unlink()
    else:
        source.write_bytes(b"something else")
    assert export(rendering, out).record.input.sha256 == opened


def test_a_picture_whose_file_was_never_read_and_is_gone_cannot_be_recorded(rendering, source, out):
    picture = rendering.picture
    unread = replace(picture, source=replace(picture.source, sha256=""))
    source.unlink()
    with pytest.raises(FormatError, match="source file can no longer be read"):
        export(replace(rendering, picture=unread), out)
    assert names(out.parent) == []


@pytest.mark.parametrize("name", ["none/a.npy", "a.xyz", "a"])
def test_bad_targets(rendering, out, name):
    with pytest.raises(FormatError):
        export(rendering, out.parent / name)
    assert names(out.parent) == []


def test_a_record_in_the_way_that_is_a_folder(rendering, out):
    record_path(out).mkdir()
    with pytest.raises(FormatError, match="is a folder"):
        export(rendering, out)
    assert names(out.parent) == ["result.npy.recipe.json"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"format": "x"}, "not the record of an output"),
        ({"version": 2}, "version 2; this program reads version 1"),
        ({"recipe": {}}, "not a Denoise Studio recipe"),
        ({"tile": "large"}, "not a valid record: .*tile"),
        ({"input": {"path": 3}}, "not a valid record"),
    ],
)
def test_broken_records(rendering, out, tmp_path, change, text):
    body = to_dict(make_record(rendering, out, "npy", encode_for(rendering.picture, out), SaveOptions()))
    path = tmp_path / "r.json"
    path.write_text(json.dumps(body))
    assert read_record(path).recipe == rendering.recipe
    path.write_text(json.dumps(body | change))
    with pytest.raises(RecipeError, match=text):
        read_record(path)


def test_files_that_are_no_recipes(tmp_path):
    path = tmp_path / "r.json"
    for content in (b"", b"[]", b"7", b"\xff\xfe", b"[" * 100_000):
        path.write_bytes(content)
        with pytest.raises(RecipeError, match=r"r\.json"):
            read_recipe(path)
    with pytest.raises(RecipeError, match="is a folder"):
        read_recipe(tmp_path)
    with pytest.raises(RecipeError, match="does not exist"):
        read_recipe(tmp_path / "none.json")
