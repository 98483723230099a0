"""`denoise` and `replay`: files out of files, again and again the same."""

import json
import resource

import numpy as np
import pydicom
import pytest
from builders import bilateral, region

import denoise_studio as ds
from denoise_studio.core.recipe import from_dict, to_json
from denoise_studio.core.region import Box
from denoise_studio.engine.record import pixels_sha256, read_recipe
from denoise_studio.formats.files import file_sha256

RECORD = {
    "format", "version", "recipe", "method", "software", "device", "precision", "seed", "tile",
    "milliseconds", "input", "output", "created", "fit",
}  # fmt: skip


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_ct_slice_through_the_real_program(command, samples, tmp_path):
    out = tmp_path / "out.dcm"
    text = command("denoise", samples / "ct-phantom.dcm", "-o", out, "--set", "smoothing=1.1").done()
    assert "adaptive-bilateral" in text
    assert "smoothing=1.1" in text
    assert "record: " in text
    assert "HU in soft tissue, correlated" in text
    fit = json.loads((tmp_path / "out.dcm.recipe.json").read_bytes())["fit"]
    assert fit["note"] in text
    low, middle, high = fit["maps"]["sigma_r_1"]
    assert low < middle < high
    assert files(tmp_path) == ["out.dcm", "out.dcm.recipe.json"]
    before, after = ds.open(samples / "ct-phantom.dcm"), ds.open(out)
    assert after.unit == "HU"
    clean = ds.open(samples / "ct-phantom-clean.dcm")
    assert ds.measure(after, clean)["rmse"].value < 0.75 * ds.measure(before, clean)["rmse"].value
    assert pydicom.dcmread(out).SOPInstanceUID != pydicom.dcmread(samples / "ct-phantom.dcm").SOPInstanceUID
    assert command("replay", out).done() == "All 262144 pixels are equal.\n"
    # Nothing of a person or a machine is in the record.
    assert json.loads((tmp_path / "out.dcm.recipe.json").read_bytes())["input"]["path"].startswith("..")


def test_json_is_the_record(run, npy, tmp_path):
    out = tmp_path / "out.npy"
    found = json.loads(run("denoise", npy, "-o", out, "--seed", 7, "--json").done())
    assert found.pop("path") == str(out)
    beside = found.pop("record_path")
    assert beside == f"{out}.recipe.json"
    assert found == json.loads((tmp_path / "out.npy.recipe.json").read_bytes())
    assert set(found) == RECORD
    assert (found["format"], found["version"], found["seed"]) == ("denoise-studio-record", 1, 7)
    recipe = from_dict(found["recipe"])
    assert recipe.device in ("cpu", "cuda", "mps")
    assert set(recipe.parameters) == {"sigma_x", "sigma_y", "sigma_r"}
    assert found["method"] == {"id": "bilateral", "version": 1, "weights_sha256": None}
    assert found["input"] == {"path": "data.npy", "sha256": file_sha256(npy)}
    assert found["output"]["name"] == "out.npy"
    assert found["output"]["pixels_sha256"] == pixels_sha256(ds.open(out).pixels)
    assert {"denoise_studio", "python", "torch", "numpy", "opencv", "numba"} == set(found["software"])


@pytest.mark.parametrize("name", ["out.png", "out.tif", "out.npy"])
def test_the_record_makes_the_same_file_again(run, png, tmp_path, name):
    out, again = tmp_path / name, tmp_path / f"again-{name}"
    run("denoise", png, "-o", out, "--set", "sigma_x=2", "--strength", 0.7).done()
    run("denoise", png, "-o", again, "--recipe", f"{out}.recipe.json").done()
    np.testing.assert_array_equal(ds.open(out).pixels, ds.open(again).pixels)
    if name != "out.tif":
        assert out.read_bytes() == again.read_bytes()
    assert run("replay", out).done()


def test_regions_travel_in_a_recipe(run, npy, tmp_path):
    recipe = bilateral(region(Box(5, 5, 20, 20), sigma_r=1.0), region(Box(30, 10, 45, 30), strength=0.0))
    (tmp_path / "r.json").write_bytes(to_json(recipe))
    out = tmp_path / "out.npy"
    run("denoise", npy, "-o", out, "--recipe", tmp_path / "r.json").done()
    expected = ds.render(ds.open(npy), recipe)
    np.testing.assert_array_equal(ds.open(out).pixels, expected.pixels)
    np.testing.assert_array_equal(np.load(out)[10:30, 30:45], np.load(npy)[10:30, 30:45])


def test_options_win_over_the_recipe(run, npy, tmp_path):
    (tmp_path / "r.json").write_bytes(to_json(bilateral(sigma_x=2.0, strength=0.5)))
    options = ("--set", "sigma_x=1", "--set", "sigma_x=3", "--strength", 0.25, "--noise-level", 0.1)
    out = tmp_path / "out.npy"
    run("denoise", npy, "-o", out, "--recipe", tmp_path / "r.json", *options, "--device", "cpu").done()
    recipe = read_recipe(tmp_path / "out.npy.recipe.json")
    assert recipe.parameters["sigma_x"] == 3.0
    assert recipe.parameters["sigma_r"] == 0.15
    assert (recipe.strength, recipe.noise_level, recipe.device) == (0.25, 0.1, "cpu")


def test_another_method_starts_with_its_own_parameters(run, npy, tmp_path):
    (tmp_path / "r.json").write_bytes(to_json(bilateral()))
    out = tmp_path / "out.npy"
    run("denoise", npy, "-o", out, "--recipe", tmp_path / "r.json", "--method", "nlm", "--set", "h=2").done()
    recipe = read_recipe(tmp_path / "out.npy.recipe.json")
    assert recipe.method == "nlm"
    assert recipe.parameters["h"] == 2.0


def test_bits_and_identity(run, png, tmp_path):
    out = tmp_path / "out.png"
    run("denoise", png, "-o", out, "--method", "identity", "--bits", 16).done()
    assert ds.open(out).stored.dtype == "uint16"
    np.testing.assert_array_equal(ds.open(out).pixels, ds.open(png).pixels * 257)
    assert run("replay", out).done()


def test_replay_tells_a_changed_file(run, npy, tmp_path):
    out = tmp_path / "out.npy"
    run("denoise", npy, "-o", out).done()
    pixels = np.load(out)
    pixels[3, 4] += 0.5
    pixels[7, 8] -= 0.125
    np.save(out, pixels)
    line = run("replay", out).failed()
    assert "2 of 2000 pixels differ; the largest difference is 0.5;" in line
    found = run("replay", out, "--json")
    assert found.code == 1
    assert json.loads(found.out)["largest_difference"] == pytest.approx(0.5, abs=1e-6)


def test_replay_of_a_jpeg_compares_before_coding(run, png, tmp_path):
    out = tmp_path / "out.jpg"
    run("denoise", png, "-o", out, "--quality", 80).done()
    assert "before JPEG coding" in run("replay", out).done()
    record = tmp_path / "out.jpg.recipe.json"
    record.write_text(record.read_text().replace('"strength": 1.0', '"strength": 0.5'))
    assert "before JPEG coding differ" in run("replay", out).failed()


def test_replay_finds_a_moved_input_only_if_told(run, npy, tmp_path):
    out = tmp_path / "out.npy"
    run("denoise", npy, "-o", out).done()
    moved = npy.rename(tmp_path / "moved.npy")
    assert "does not exist; give it with --input" in run("replay", out).failed()
    assert run("replay", out, "--input", moved).done()
    np.save(moved, np.zeros((40, 50), np.float32))
    assert "is not the file that out.npy was made from" in run("replay", out, "--input", moved).failed()


def test_both_files_can_be_moved_together(run, npy, tmp_path):
    out = tmp_path / "out.npy"
    run("denoise", npy, "-o", out).done()
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    for path in (npy, out, tmp_path / "out.npy.recipe.json"):
        path.rename(folder / path.name)
    assert run("replay", folder / "out.npy").done()


def test_replay_needs_a_record(run, npy, tmp_path):
    assert "has no record beside it" in run("replay", npy).failed()
    assert "does not exist" in run("replay", tmp_path / "none.npy").failed()
    (tmp_path / "data.npy.recipe.json").write_bytes(to_json(bilateral()))
    assert "is not the record of an output" in run("replay", npy).failed()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--set", "sigma_x=99"], "sigma_x must be between 0.2 and 8 px, not 99"),
        (["--recipe", "none.json"], "none.json does not exist"),
    ],
)
def test_values_that_do_not_fit_fail(run, npy, tmp_path, options, text):
    assert text in run("denoise", npy, "-o", tmp_path / "out.npy", *options).failed()
    assert files(tmp_path) == ["data.npy"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--method", "wavelet"], "no method 'wavelet'"),
        (["--set", "sigma=3"], "no parameter 'sigma'"),
        (["--set", "sigma_x=wide"], "sigma_x must be a number, not 'wide'"),
        (["--set", "sigma_x=nan"], "sigma_x must be a number"),
        (["--strength", "1.5"], "1.5 is not in the range 0<=x<=1"),
        (["--noise-level", "-1"], "-1.0 is not in the range"),
        (["--seed", "-1"], "-1 is not in the range"),
    ],
)
def test_what_no_picture_could_make_right_is_misuse(run, npy, tmp_path, options, text):
    assert text in run("denoise", npy, "-o", tmp_path / "out.npy", *options).misused()
    assert files(tmp_path) == ["data.npy"]


@pytest.mark.parametrize(
    "options",
    [
        ["--set", "sigma_x"],
        ["--set", "=3"],
        ["--strength", "half"],
        ["--bits", "12"],
        ["--quality", "0"],
        ["--device", "tpu"],
        ["--frobnicate"],
        ["another.npy"],
    ],
)
def test_malformed_options_are_misuse(run, npy, tmp_path, options):
    text = run("denoise", npy, "-o", tmp_path / "out.npy", *options).misused()
    assert text.count("\n") <= 5
    assert files(tmp_path) == ["data.npy"]


def test_output_is_needed(run, npy):
    assert "--output" in run("denoise", npy).misused()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", "no valid JSON"),
        ('{"format": "other"}', "not a Denoise Studio recipe"),
        ('{"format": "denoise-studio-recipe", "version": 2}', "has version 2"),
        ('{"format": "denoise-studio-record", "version": 9}', "version 9"),
        ('{"format": "denoise-studio-record", "version": 1}', "not a Denoise Studio recipe"),
        ('{"format": "denoise-studio-recipe", "version": 1, "sharpness": 1}', "sharpness"),
        ('{"format": "denoise-studio-recipe", "version": 1, "strength": 2}', "strength"),
    ],
)
def test_bad_recipes_fail_in_one_line(run, npy, tmp_path, content, text):
    path = tmp_path / "r.json"
    path.write_text(content)
    assert text in run("denoise", npy, "-o", tmp_path / "out.npy", "--recipe", path).failed()
    assert files(tmp_path) == ["data.npy", "r.json"]


def test_bad_input_leaves_nothing(run, npy, tmp_path):
    (tmp_path / "empty.dcm").touch()
    (tmp_path / "short.npy").write_bytes(npy.read_bytes()[:300])
    (tmp_path / "text.png").write_text("no picture")
    np.save(tmp_path / "nan.npy", np.full((4, 4), np.nan, np.float32))
    np.save(tmp_path / "none.npy", np.zeros((0, 4), np.float32))
    np.save(tmp_path / "stack.npy", np.zeros((9, 4, 4), np.float32))
    before = files(tmp_path)
    for name in ("empty.dcm", "short.npy", "text.png", "nan.npy", "none.npy", "stack.npy", "missing.dcm"):
        assert name in run("denoise", tmp_path / name, "-o", tmp_path / "out.npy").failed()
    assert "no series" in run("denoise", tmp_path, "-o", tmp_path / "out.npy").failed()
    assert files(tmp_path) == before


def test_a_missing_folder_is_not_made(run, npy, tmp_path):
    assert "does not exist" in run("denoise", npy, "-o", tmp_path / "new" / "out.npy").failed()
    assert files(tmp_path) == ["data.npy"]


def test_the_source_is_never_overwritten(run, npy, tmp_path):
    content = npy.read_bytes()
    assert "is the source file" in run("denoise", npy, "-o", npy).failed()
    link = tmp_path / "link.npy"
    link.hardlink_to(npy)
    assert "is the source file" in run("denoise", npy, "-o", link).failed()
    assert npy.read_bytes() == content
    assert files(tmp_path) == ["data.npy", "link.npy"]


def test_an_unknown_ending_fails_before_the_work(run, npy, tmp_path):
    assert "out.xyz" in run("denoise", npy, "-o", tmp_path / "out.xyz").failed()
    (tmp_path / "folder.npy").mkdir()
    assert "is a folder" in run("denoise", npy, "-o", tmp_path / "folder.npy").failed()
    assert files(tmp_path) == ["data.npy", "folder.npy"]


def test_a_full_disk_keeps_what_was_there(command, tmp_path):
    source, out = tmp_path / "data.npy", tmp_path / "out.npy"
    np.save(source, np.ones((200, 200), np.float32))
    out.write_bytes(b"older")
    options = ("--method", "identity", "--json")

    def no_more_than_64_kb():
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))

    line = command("denoise", source, "-o", out, *options, preexec_fn=no_more_than_64_kb).failed()
    assert "Cannot write" in line
    assert out.read_bytes() == b"older"
    assert files(tmp_path) == ["data.npy", "out.npy"]
