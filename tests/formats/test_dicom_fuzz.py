"""A hundred and more broken DICOM files: no crash, no hang, no memory, one clear sentence each."""

import json
import subprocess
import sys
from pathlib import Path

import dicom_fuzz
import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="memory is limited and measured as Linux does"
)
SECONDS, MEGABYTES = 5.0, 1024
SENTENCES = ("opened", "saved")


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    """The files, and what a process of their own said of each; the signal that ended it, if one did."""
    folder = tmp_path_factory.mktemp("fuzz")
    names = dicom_fuzz.write_all(folder)
    program = [sys.executable, dicom_fuzz.__file__, str(folder)]
    run = subprocess.run(program, capture_output=True, check=False, timeout=300)
    lines = [json.loads(line) for line in run.stdout.decode().splitlines()]
    results = {line["name"]: line for line in lines if "name" in line}
    begun = [line["begun"] for line in lines if "begun" in line]
    return folder, names, results, begun, run


def name_of(names, file):
    return names[int(Path(file).stem)]


def test_there_are_more_than_a_hundred_and_always_the_same(fuzzed, tmp_path):
    folder, names, _, _, _ = fuzzed
    assert len(names) == len(set(names)) > 150
    again = tmp_path / "again"
    again.mkdir()
    dicom_fuzz.write_all(again)
    for path in sorted(again.iterdir()):
        assert path.read_bytes() == (folder / path.name).read_bytes(), name_of(names, path.name)


def test_no_file_ends_the_program(fuzzed):
    _, names, results, begun, run = fuzzed
    assert run.returncode == 0, (name_of(names, begun[-1]) if begun else "", run.stderr.decode()[-2000:])
    assert len(results) == len(names)


def test_no_file_takes_five_seconds_or_a_gigabyte(fuzzed):
    """Seconds are those that the processor worked: another process may have been waiting for it."""
    _, names, results, _, _ = fuzzed
    for file, result in results.items():
        assert result["seconds"] < SECONDS, (name_of(names, file), result)
        assert result["peak"] < MEGABYTES * 1024, (name_of(names, file), result)


def test_each_is_opened_or_refused_in_one_clear_sentence(fuzzed):
    _, names, results, _, _ = fuzzed
    for file, result in results.items():
        for said in result["said"]:
            if said in SENTENCES:
                continue
            what = (name_of(names, file), said)
            assert "\n" not in said, what
            assert said.endswith("."), what
            assert 20 < len(said) < 240, what
            assert "more memory" not in said, what
            assert file in said or said.startswith("a.dcm: The DICOM source is damaged"), what


def test_no_sentence_quotes_the_patient(fuzzed):
    _, names, results, _, _ = fuzzed
    for file, result in results.items():
        for said in result["said"]:
            for word in ("Secret", "ID-4711", "19500101", "b'", 'b"', "TEST MAKER"):
                assert word not in said, (name_of(names, file), said)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("65535 x 65535", "claims 65535 x 65535 pixels"),
        ("a billion frames, RLE", "claims 1000000000 frames"),
        ("a billion frames", "missing"),
        ("16384 x 16384, JPEG 2000", "cannot hold"),
        ("absurd codestream, JPEG 2000", "do not match its header"),
        ("absurd codestream, JPEG-LS", "do not match its header"),
        ("12 bits allocated", "12 bits a sample"),
        ("zip bomb, pixels", "cannot hold"),
        ("zip bomb, frames", "cannot hold"),
        ("zip bomb, header", "cut short"),
        ("1000 sequences deep, no lengths", "damaged"),
        ("text of 4 GB", "longer than the file"),
        ("unknown transfer syntax", "unknown transfer syntax"),
        ("slope 0", "rescale slope of 0"),
        *(
            (f"slope {text}", "rescale slope is no number")
            for text in ("nan", "inf", "1e400", "one", "1\\2", "-")
        ),
        ("intercept inf", "rescale intercept is no number"),
    ],
)
def test_the_reason_is_the_right_one(fuzzed, name, expected):
    _, names, results, _, _ = fuzzed
    said = results[f"{names.index(name):04d}.dcm"]["said"]
    assert expected in said[0]


def test_sound_files_beside_them_open(fuzzed):
    """The files are refused for their damage: undamaged ones of the same makers open."""
    from denoise_studio.formats import open_picture

    folder, _, _, _, _ = fuzzed
    for syntax in dicom_fuzz.FLIPPED:
        path = folder / "sound.dcm"
        path.write_bytes(dicom_fuzz.source(syntax))
        assert open_picture(path).width == dicom_fuzz.SIDE
        path.unlink()
