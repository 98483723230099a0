"""Which files a batch takes, and where their outputs go."""

import os

import pytest
from batch_files import data, photo, slice_of_ct

from denoise_studio.core.errors import FormatError
from denoise_studio.engine.batch.inputs import find_inputs
from denoise_studio.engine.batch.names import plan


def names(*inputs, folder, **more):
    return [item.name for item in find_inputs(inputs, folder, **more)]


@pytest.fixture
def scans(tmp_path):
    root = tmp_path / "scans"
    slice_of_ct(root / "a.dcm")
    slice_of_ct(root / "sub" / "IM0001")
    slice_of_ct(root / "sub" / "1.2.840.7")
    photo(root / "b.PNG".lower())
    for name in (".hidden.png", "~b.png", "notes.txt", "r.recipe.json", "sub/DICOMDIR", ".git/c.png", "IM2"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("no picture")
    return root


def test_a_folder_gives_its_pictures(scans, tmp_path):
    assert names(scans, folder=tmp_path / "out") == ["a.dcm", "b.png"]
    everything = ["a.dcm", "b.png", "sub/1.2.840.7", "sub/IM0001"]
    assert names(scans, folder=tmp_path / "out", recursive=True) == everything
    assert names(str(scans), scans / "a.dcm", scans, folder=tmp_path, recursive=True) == everything


def test_a_named_file_is_always_tried(scans, tmp_path):
    named = [scans / "notes.txt", scans / ".hidden.png", scans / "r.recipe.json"]
    assert names(*named, folder=tmp_path / "out") == ["notes.txt", ".hidden.png"]


def test_patterns_keep_what_lies_below_their_fixed_part(scans, tmp_path):
    assert names(scans / "**" / "*.dcm", folder=tmp_path / "out") == ["a.dcm"]
    assert names(tmp_path / "*" / "sub" / "IM*", folder=tmp_path / "out") == ["scans/sub/IM0001"]
    photo(scans / "x[1].png")
    assert names(scans / "x[1].png", folder=tmp_path / "out") == ["x[1].png"]


def test_what_is_not_there_is_a_problem_of_its_own(scans, tmp_path):
    found = find_inputs([scans / "no.dcm", scans / "*.raf", scans / "a.dcm"], tmp_path)
    assert [item.problem for item in found] == [
        "no.dcm does not exist.",
        "Nothing fits the pattern *.raf.",
        "",
    ]


def test_outputs_are_no_inputs(scans, tmp_path):
    (scans / "b.png.recipe.json").touch()
    assert names(scans, folder=tmp_path / "out") == ["a.dcm"]
    assert names(scans / "*.png", folder=tmp_path / "out") == []
    assert names(scans / "b.png", folder=tmp_path / "out") == ["b.png"]
    assert names(scans / "b.png", folder=scans) == []
    inside = scans / "out"
    photo(inside / "c.png")
    assert names(scans, folder=inside, recursive=True) == ["a.dcm", "sub/1.2.840.7", "sub/IM0001"]


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_links_count_once_and_are_not_followed_into_folders(scans, tmp_path):
    (scans / "a-again.dcm").symlink_to(scans / "a.dcm")
    (scans / "loop").symlink_to(scans)
    found = names(scans, folder=tmp_path / "out", recursive=True)
    assert found == ["a-again.dcm", "b.png", "sub/1.2.840.7", "sub/IM0001"]


def outputs(tmp_path, *paths, ending="same", suffix=""):
    found = find_inputs([tmp_path / path for path in paths], tmp_path / "out")
    return [task.output for task in plan(found, tmp_path / "out", ending, suffix)]


def test_names_that_would_clash_are_told_apart(tmp_path):
    data(tmp_path / "a.npy")
    for name in ("a.png", "a.tif", "1/a.png", "2/A.png"):
        photo(tmp_path / name)
    assert outputs(tmp_path, "a.png", "a.tif", "a.npy") == ["a.png", "a.tif", "a.npy"]
    assert outputs(tmp_path, "a.npy", "a.png", "a.tif", ending="png") == ["a.npy.png", "a.png", "a.tif.png"]
    assert outputs(tmp_path, "a.png", "1/a.png", "2/A.png") == ["a.png", "a-2.png", "A-3.png"]
    photo(tmp_path / "a-2.png")
    assert outputs(tmp_path, "a.png", "1/a.png", "a-2.png") == ["a.png", "a-3.png", "a-2.png"]
    assert outputs(tmp_path, "a.png", "a.npy", ending="tif", suffix="-x") == ["a-x.png.tif", "a-x.npy.tif"]


def test_the_format_is_that_of_the_content(tmp_path):
    slice_of_ct(tmp_path / "1.2.840.7")
    slice_of_ct(tmp_path / "odd.png")
    (tmp_path / "broken.tif").write_text("no")
    (tmp_path / "notes.txt").write_text("no")
    names = ("1.2.840.7", "odd.png", "broken.tif", "notes.txt")
    assert outputs(tmp_path, *names) == ["1.2.840.7.dcm", "odd.dcm", "broken.tif", ""]


def test_no_output_lies_over_a_source(tmp_path):
    photo(tmp_path / "in" / "a.png")
    photo(tmp_path / "in" / "a-x.png")
    found = find_inputs([tmp_path / "in"], tmp_path / "in")
    assert all("over a source file" in task.problem for task in plan(found, tmp_path / "in"))
    tasks = plan(found, tmp_path / "in", suffix="-x")
    assert [bool(task.problem) for task in tasks] == [False, True]
    assert tasks[0].output == "a-x-x.png"


def test_a_suffix_cannot_leave_the_folder(tmp_path):
    with pytest.raises(FormatError, match="cannot be part of a file name"):
        plan([], tmp_path, suffix="/../x")
