"""`simulate --dose`: slices and series of CT with less dose."""

import re
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest

from denoise_studio.formats import find_series, open_picture

sys.path.append(str(Path(__file__).parents[1] / "formats"))
from format_files import ct_dataset

SIZE, SPACING = 128, 2.6
LINE = (np.arange(SIZE) - (SIZE - 1) / 2) * SPACING
FLAT = (LINE[None, :] / 110) ** 2 + (LINE[:, None] / 80) ** 2 < 1
BODY = (LINE[None, :] / 145) ** 2 + (LINE[:, None] / 105) ** 2 <= 1


def stored(seed: int, sd: float = 10.0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, sd, (SIZE, SIZE))
    return np.rint(np.where(BODY, 40.0, -1000.0) + noise + 1024).astype(np.int16)


def write(path: Path, seed: int = 1, sd: float = 10.0, mas: int | None = 120, **changes: object) -> Path:
    facts = {"PixelSpacing": [SPACING, SPACING], "RescaleIntercept": -1024}
    data = ct_dataset(stored(seed, sd), **{**facts, **changes})
    if mas is not None:
        data.Exposure = mas
    data.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    return write(tmp_path / "slice.dcm")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    whole = tmp_path / "series"
    whole.mkdir()
    uid = pydicom.uid.generate_uid()
    for number in range(3):
        write(
            whole / f"{number}.dcm",
            1,
            SeriesInstanceUID=uid,
            InstanceNumber=number + 1,
            ImagePositionPatient=[-100, -120, 5.0 * number],
        )
    return whole


def test_a_quarter_of_the_dose_is_twice_the_noise(run, ct, tmp_path):
    out = tmp_path / "low.dcm"
    text = run("simulate", ct, "--dose", "0.25", "--electronic", "0", "-o", out).done()
    full, low = (float(re.search(rf"{word} ([\d.]+) HU", text)[1]) for word in ("full dose", "simulated"))
    assert low == pytest.approx(2 * full, rel=0.01)
    before, after = (open_picture(path).pixels[0] for path in (ct, out))
    assert after[FLAT].std() / before[FLAT].std() == pytest.approx(2, rel=0.15)
    assert after[FLAT].mean() == pytest.approx(before[FLAT].mean(), abs=0.5)


def test_the_file_says_that_it_is_simulated(run, ct, tmp_path):
    out = tmp_path / "low.dcm"
    run("simulate", ct, "--dose", "0.1", "--seed", "3", "-o", out).done()
    source, data = pydicom.dcmread(ct), pydicom.dcmread(out)
    assert "simulated dose of 10 %" in data.DerivationDescription
    assert "seed 3" in data.DerivationDescription
    assert "DENOISED" not in data.SeriesDescription
    assert data.SeriesDescription == "Thorax 5.0 B30f | SIMULATED 10 % DOSE"
    assert list(data.ImageType) == ["DERIVED", "SECONDARY", "AXIAL", "SIMULATED"]
    assert "DerivationCodeSequence" not in data or not data.DerivationCodeSequence
    assert data.SOPInstanceUID != source.SOPInstanceUID
    assert data.SeriesInstanceUID != source.SeriesInstanceUID
    assert data.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert data.Exposure == 120
    # Denoised afterwards it says both.
    clean = tmp_path / "clean.dcm"
    run("denoise", out, "--method", "identity", "-o", clean).done()
    assert "SIMULATED" in pydicom.dcmread(clean).SeriesDescription


def test_seeds_and_options(run, ct, tmp_path):
    def pixels(name: str, *words: object) -> np.ndarray:
        run("simulate", ct, "--dose", "0.5", "-o", tmp_path / name, *words).done()
        return open_picture(tmp_path / name).pixels[0]

    first = pixels("a.dcm")
    np.testing.assert_array_equal(first, pixels("b.dcm", "--seed", "0"))
    assert (pixels("c.dcm", "--seed", "1") != first).mean() > 0.5
    for name, *words in (
        ("d.dcm", "--kernel", "soft"),
        ("e.dcm", "--photons", "header"),
        ("f.dcm", "--photons", "2e5"),
        ("g.dcm", "--full-noise", "30"),
        ("h.dcm", "--bow-tie", "0.1"),
        ("i.dcm", "--clean"),
    ):
        assert (pixels(name, *words) != first).mean() > 0.3, name


def test_bow_tie_needs_no_number(run, ct, tmp_path):
    run("simulate", ct, "--dose", "0.5", "--bow-tie", "-o", tmp_path / "a.dcm").done()
    assert "bow-tie to 0.15" in pydicom.dcmread(tmp_path / "a.dcm").DerivationDescription


def test_a_folder_becomes_a_new_series_with_a_seed_for_every_slice(run, folder, tmp_path):
    out = tmp_path / "low"
    text = run("simulate", folder, "--dose", "0.25", "-o", out).done()
    assert "3 slices" in text
    (series,) = find_series(out)
    assert len(series) == 3
    noises = []
    for index, path in enumerate(sorted(out.glob("*.dcm"))):
        found = open_picture(path)
        assert pydicom.dcmread(path).ImagePositionPatient[2] == 5.0 * index
        noises.append(found.pixels[0][FLAT] - open_picture(folder / f"{index}.dcm").pixels[0][FLAT])
    assert abs(np.corrcoef(noises)[np.triu_indices(3, 1)]).max() < 0.1
    assert "not empty" in run("simulate", folder, "--dose", "0.25", "-o", out).failed()


def test_the_source_is_never_written_to(run, ct):
    before = ct.read_bytes()
    assert "never" in run("simulate", ct, "--dose", "0.5", "-o", ct).failed()
    assert ct.read_bytes() == before


def test_what_does_not_fit(run, ct, png, tmp_path):
    out = tmp_path / "out.dcm"
    assert "not a CT slice" in run("simulate", png, "--dose", "0.5", "-o", tmp_path / "o.png").failed()
    assert (
        "--iso is for camera raw" in run("simulate", ct, "--dose", "0.5", "--iso", "800", "-o", out).misused()
    )
    assert "--kernel needs --dose" in run("simulate", ct, "--kernel", "soft", "-o", out).misused()
    assert "--dose" in run("simulate", ct, "--dose", "0", "-o", out).misused()
    assert (
        "one way"
        in run("simulate", ct, "--dose", "0.5", "--full-noise", "9", "--photons", "1e5", "-o", out).misused()
    )
    assert "neither auto" in run("simulate", ct, "--dose", "0.5", "--photons", "many", "-o", out).misused()
    bare = write(tmp_path / "bare.dcm", mas=None)
    assert "no exposure" in run("simulate", bare, "--dose", "0.5", "--photons", "header", "-o", out).failed()
    assert not out.exists()
