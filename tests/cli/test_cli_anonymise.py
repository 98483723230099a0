"""`denoise --anonymise`: no name goes on, in the files, in their records, in what is printed."""

import json

import numpy as np
import pydicom
import pytest
from series_builders import write_frames, write_series

from denoise_studio.engine.record import read_record

WORD = "Wunderlich"


@pytest.fixture
def source(tmp_path):
    write_series(tmp_path / WORD, 3, 32, name=f"{WORD}^Kim", StudyDescription=WORD)
    return tmp_path / WORD


def named(folder):
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and (WORD in path.name or WORD.encode() in path.read_bytes())
    ]


def test_a_picture(run, source, tmp_path):
    (tmp_path / "out").mkdir()
    scan, out = next(iter(sorted(source.iterdir()))), tmp_path / "out" / "a.dcm"
    run("denoise", scan, "-o", out, "--method", "bilateral", "--anonymise").done()
    assert not named(out.parent)
    data = pydicom.dcmread(out)
    assert data.PatientIdentityRemoved == "YES"
    assert data.ImageType[-1] == "DENOISED"
    assert read_record(out.with_name("a.dcm.recipe.json")).input is None
    # It can be made again by who has the source.
    assert "--input" in run("replay", out).failed()
    run("replay", out, "--input", scan).done()


def test_a_series(run, source, tmp_path):
    out = run("denoise", source, "-o", tmp_path / "out", "--method", "identity", "--anonymise")
    assert out.code == 0
    assert not named(tmp_path / "out")
    files = [pydicom.dcmread(path) for path in sorted((tmp_path / "out").glob("*.dcm"))]
    assert [path.name for path in sorted((tmp_path / "out").glob("*.dcm"))] == [
        f"IM000{n}.dcm" for n in (1, 2, 3)
    ]
    for keyword in ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID", "PatientID"):
        assert len({str(data[keyword].value) for data in files}) == 1, keyword
    assert len({data.SOPInstanceUID for data in files}) == 3


def test_what_was_saved_with_names_does_not_do(run, source, tmp_path):
    """The second run must not skip what the first has left, nor lie beside it: it holds names."""
    words = ("denoise", source, "-o", tmp_path / "out", "--method", "identity")
    assert run(*words).code == 0
    assert named(tmp_path / "out")
    refused = run(*words, "--anonymise")
    assert refused.code == 1
    assert "another folder" in refused.err
    assert "3 done" in run(*words, "--anonymise", "--force").out
    assert not [name for name in named(tmp_path / "out") if name.endswith(".dcm")]


def test_a_file_of_several_frames(run, tmp_path):
    (tmp_path / "out").mkdir()
    samples = write_frames(tmp_path / f"{WORD}.dcm", 3, 24)
    out = tmp_path / "out" / "a.dcm"
    run("denoise", tmp_path / f"{WORD}.dcm", "-o", out, "--method", "identity", "--anonymise").done()
    assert not named(out.parent)
    data = pydicom.dcmread(out)
    assert data.PatientIdentityRemoved == "YES"
    np.testing.assert_array_equal(data.pixel_array, samples)


def test_other_formats_of_a_scan_hold_no_name_anyway(run, source, tmp_path):
    (tmp_path / "out").mkdir()
    scan = next(iter(sorted(source.iterdir())))
    for ending in ("tif", "npy"):
        run(
            "denoise", scan, "-o", tmp_path / "out" / f"a.{ending}", "--method", "identity", "--anonymise"
        ).done()
    assert not named(tmp_path / "out")


def test_photographs_are_refused(run, samples, tmp_path):
    out = run(
        "denoise", samples / "photo.png", "-o", tmp_path / "a.png", "--anonymise", "--method", "identity"
    )
    assert "Only DICOM and NIfTI are anonymised" in out.failed()
    assert not list(tmp_path.iterdir())


def test_annotation_in_the_pixels_is_warned_of(run, source, tmp_path):
    scan = next(iter(sorted(source.iterdir())))
    data = pydicom.dcmread(scan)
    data.BurnedInAnnotation = "YES"
    data.save_as(scan)
    words = ("denoise", scan, "-o", tmp_path / "a.dcm", "--method", "identity")
    assert "burned into" in run(*words, "--anonymise").done()
    assert "burned into" not in run(*words).done()


def test_the_recipe_is_inside_unless_anonymised(run, source, tmp_path):
    from denoise_studio.formats.dicom_recipe import recipe_inside

    scan = next(iter(sorted(source.iterdir())))
    run("denoise", scan, "-o", tmp_path / "a.dcm", "--method", "bilateral", "--strength", "0.5").done()
    inside = json.loads(recipe_inside(pydicom.dcmread(tmp_path / "a.dcm")) or "")
    assert inside == json.loads((tmp_path / "a.dcm.recipe.json").read_text())["recipe"]
