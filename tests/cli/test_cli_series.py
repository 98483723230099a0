"""Series on the command line: a folder in, a derived series out; files with several slices."""

import json

import numpy as np
import pydicom
import pytest
from series_builders import write_frames, write_series

from denoise_studio.formats import find_series


@pytest.fixture
def source(tmp_path):
    write_series(tmp_path / "in", 4, 32)
    return tmp_path / "in"


def test_a_folder_becomes_a_derived_series(run, source, tmp_path):
    out = run("denoise", source, "-o", tmp_path / "out", "--method", "bilateral")
    assert out.code == 0
    assert "4 done" in out.out
    assert "Doe" not in out.out + out.err
    (found,) = find_series(tmp_path / "out")
    assert len(found) == 4
    again = run("denoise", source, "-o", tmp_path / "out", "--method", "bilateral")
    assert "4 skipped" in again.out


def test_json_tells_every_slice_and_the_end(run, source, tmp_path):
    out = run("denoise", source, "-o", tmp_path / "out", "--method", "identity", "--json")
    lines = [json.loads(line) for line in out.out.splitlines()]
    assert [line["event"] for line in lines] == ["file"] * 4 + ["end"]
    assert lines[-1]["totals"]["done"] == 4


def test_several_series_get_a_folder_each_and_one_can_be_chosen(run, source, tmp_path):
    write_series(source / "other", 3, 32, SeriesNumber=9)
    out = run("denoise", source, "-o", tmp_path / "out", "--method", "identity")
    assert out.code == 0
    assert sorted(len(list((tmp_path / "out" / f"series-{n}").glob("*.dcm"))) for n in (1, 2)) == [3, 4]
    one = run("denoise", source, "-o", tmp_path / "one", "--method", "identity", "--series", "2")
    assert one.code == 0
    assert len(list((tmp_path / "one").glob("*.dcm"))) == 3
    none = run("denoise", source, "-o", tmp_path / "none", "--series", "3")
    assert none.code == 1
    assert "no number 3" in none.err
    assert not (tmp_path / "none").exists()


def test_a_folder_inside_the_source_is_no_source_the_next_time(run, source):
    for expected in ("4 done", "4 skipped"):
        out = run("denoise", source, "-o", source / "denoise_studio", "--method", "identity")
        assert out.code == 0
        assert expected in out.out
    assert len(list((source / "denoise_studio").glob("*.dcm"))) == 4


def test_into_its_own_folder_is_refused(run, source):
    before = {path: path.read_bytes() for path in source.iterdir()}
    out = run("denoise", source, "-o", source)
    assert out.code == 1
    assert len(out.err.strip().splitlines()[-1:]) == 1
    assert "never written to" in out.err
    assert {path: path.read_bytes() for path in source.iterdir()} == before


def test_a_broken_slice_fails_alone(run, source, tmp_path):
    path = find_series(source)[0].slices[1].path
    path.write_bytes(path.read_bytes()[:-500])
    out = run("denoise", source, "-o", tmp_path / "out", "--method", "identity")
    assert out.code == 1
    assert path.name in out.err.splitlines()[-1]
    assert len(list((tmp_path / "out").glob("*.dcm"))) == 3


def test_a_folder_without_a_picture_says_so(run, tmp_path):
    (tmp_path / "empty").mkdir()
    out = run("denoise", tmp_path / "empty", "-o", tmp_path / "out")
    assert out.code == 1
    assert len(out.err.splitlines()) == 1


def test_a_file_with_several_frames_becomes_one_file(run, tmp_path):
    frames = write_frames(tmp_path / "in.dcm", 3, 32)
    out = run("denoise", tmp_path / "in.dcm", "-o", tmp_path / "out.dcm", "--method", "identity")
    assert out.code == 0, out.err
    assert "3 slices" in out.out
    saved = pydicom.dcmread(tmp_path / "out.dcm")
    assert saved.NumberOfFrames == 3
    assert np.array_equal(saved.pixel_array, frames)
    assert json.loads((tmp_path / "out.dcm.recipe.json").read_text())["method"] == "identity"


def test_one_slice_of_it_can_be_asked_for(run, tmp_path):
    frames = write_frames(tmp_path / "in.dcm", 3, 32)
    out = run(
        "denoise", tmp_path / "in.dcm", "-o", tmp_path / "o.npy", "--slice", "2", "--method", "identity"
    )
    assert out.code == 0, out.err
    assert np.array_equal(np.load(tmp_path / "o.npy"), frames[1].astype(np.float32) - 1024)
    out = run("denoise", tmp_path / "in.dcm", "-o", tmp_path / "o.npy", "--slice", "4")
    assert out.code == 1
    assert "no slice 4" in out.err


def test_maps_along_the_series_are_recorded(run, source, tmp_path):
    out = run("denoise", source, "-o", tmp_path / "out", "--across", "shared")
    assert out.code == 0
    records = [json.loads(path.read_text()) for path in sorted((tmp_path / "out").glob("IM*.json"))]
    assert {record["recipe"]["across"] for record in records} == {"shared"}
    assert len({json.dumps(record["fit"]["maps"]) for record in records}) == 1
    again = run("replay", tmp_path / "out" / "IM0002.dcm")
    assert again.code == 0, again.err


def test_info_lists_the_series_of_a_folder(run, source):
    write_series(source / "other", 3, 32, SeriesNumber=9)
    out = run("info", source)
    assert out.code == 0
    assert "4 slices" in out.out
    assert "3 slices" in out.out
    assert "Doe" not in out.out
    found = json.loads(run("info", source, "--json").out)
    assert sorted(len(each["slices"]) for each in found["series"]) == [3, 4]
