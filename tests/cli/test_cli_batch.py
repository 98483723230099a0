"""`batch`: the real program over folders, ended early, run again."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from batch_files import data, photo, slice_of_ct, tree

from denoise_studio.cli import batch_printing
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe, to_json
from denoise_studio.engine.batch import Entry, Report
from denoise_studio.engine.record import read_recipe


@pytest.fixture
def source(tmp_path):
    root = tmp_path / "in"
    data(root / "a.npy")
    photo(root / "sub" / "b.png")
    return root


def test_a_folder_through_the_real_program(command, source, tmp_path):
    slice_of_ct(source / "sub" / "slice.dcm")
    (source / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    out = tmp_path / "new" / "out"
    words = ("batch", source, "-o", out, "-r", "--jobs", 2)
    first = command(*words)
    assert first.code == 1
    assert first.err.endswith("\ndenoise-studio: 1 of 4 files failed: broken.png.\n")
    assert first.err.count("\n[") == 3
    assert first.err.startswith("[1/4] ")
    assert "4 files: 3 done, 1 failed, in " in first.out
    assert "sub/slice.dcm: done, adaptive-bilateral, noise sd " in first.out
    assert f"report: {out / 'batch-report.json'}\n" in first.out
    assert tree(out) == ["a.npy", "sub/b.png", "sub/slice.dcm"]
    assert command("replay", out / "sub" / "slice.dcm").code == 0
    (source / "broken.png").unlink()
    assert "3 files: 0 done, 3 skipped, in " in command(*words).out


def test_json_lines(run, source, tmp_path):
    done = run("batch", source / "**" / "*", source, "-o", tmp_path / "out", "--method", "nlm", "--json")
    assert (done.code, done.err) == (0, "")
    *files, end = map(json.loads, done.out.splitlines())
    assert [(item["event"], item["input"], item["status"]) for item in files] == [
        ("file", "a.npy", "done"),
        ("file", "sub/b.png", "done"),
    ]
    assert end["event"] == "end"
    assert end["totals"]["done"] == 2
    assert end["format"] == "denoise-studio-batch-report"
    assert "files" not in end


def test_options_reach_every_picture(run, source, tmp_path):
    (tmp_path / "r.json").write_bytes(to_json(Recipe(method="nlm", strength=0.5)))
    out = tmp_path / "out"
    options = ("--format", "tif", "--bits", 32, "--suffix", "-x", "--set", "h=2", "--seed", 3)
    done = run("batch", source, "-r", "-o", out, "--recipe", tmp_path / "r.json", *options)
    assert done.code == 0
    assert "sub/b.png -> sub/b-x.tif: done, nlm" in done.out
    assert tree(out) == ["a-x.tif", "sub/b-x.tif"]
    recipe = read_recipe(out / "a-x.tif.recipe.json")
    assert (recipe.method, recipe.strength, recipe.parameters["h"], recipe.seed) == ("nlm", 0.5, 2.0, 3)
    assert json.loads((out / "sub/b-x.tif.recipe.json").read_text())["output"]["bits"] == 32


def test_misuse_and_what_cannot_begin(run, source, tmp_path):
    out = tmp_path / "out"
    assert "--output" in run("batch", source).misused()
    assert "IN..." in run("batch", "-o", out).misused()
    assert "magic" in run("batch", source, "-o", out, "--method", "magic").misused()
    assert "smoothing" in run("batch", source, "-o", out, "--method", "nlm", "--set", "smoothing=1").misused()
    assert "is a file" in run("batch", source, "-o", source / "a.npy").failed()
    assert "r.json does not exist" in run("batch", source, "-o", out, "--recipe", "r.json").failed()
    (tmp_path / "empty").mkdir()
    assert "--recursive" in run("batch", tmp_path / "empty", "-o", out).failed()
    assert "no.dcm does not exist" in run("batch", tmp_path / "no.dcm", "-o", out).failed()
    assert not out.exists()


def test_many_failures_are_one_line(run, tmp_path):
    for number in range(7):
        (tmp_path / f"{number}.png").touch()
    done = run("batch", tmp_path, "-o", tmp_path / "out")
    assert done.code == 1
    last = done.err.splitlines()[-1]
    assert last == "denoise-studio: 7 of 7 files failed: 0.png, 1.png, 2.png, 3.png, 4.png and 2 more."
    assert "failed: 6.png is empty." in done.out


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_what_is_done_and_tells_how_to_go_on(command, tmp_path, word):
    data(tmp_path / "in" / "a.npy")
    data(tmp_path / "in" / "b.npy", side=2500)  # minutes
    data(tmp_path / "in" / "c.npy")
    out = tmp_path / "out"
    words = ["batch", tmp_path / "in", "-o", out, "--method", "nlm", "--set", "search_radius=20"]
    child = subprocess.Popen(
        [sys.executable, "-m", "denoise_studio", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    ends = time.monotonic() + 60
    while not (out / "a.npy.recipe.json").exists():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < ends
        time.sleep(0.05)
    time.sleep(1)
    child.send_signal(word)
    told, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert err.splitlines()[-1] == (
        "denoise-studio: Cancelled; 1 of 3 files are through. Run the same command again to go on."
    )
    assert "3 files: 1 done, 2 left" in told
    assert tree(out) == ["a.npy"]
    report = json.loads((out / "batch-report.json").read_text())
    assert report["cancelled"] is True
    assert [entry["status"] for entry in report["files"]] == ["done", "left", "left"]
    data(tmp_path / "in" / "b.npy")
    again = command(*words)
    assert again.code == 0
    assert "3 files: 2 done, 1 skipped" in again.out


def test_one_line_at_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    files = [Entry(input=f"{n}.png", status="done" if n < 12 else "left") for n in range(40)]
    report = Report(files=[*files, Entry(input="x.png", status="failed", message="x.png is empty.")])
    report.seconds = 25.0
    line = batch_printing.OneLine(Progress())
    line.file(report.files[-1], report)
    line.tick(report, {"12.png": 0.5})
    out, err = capsys.readouterr()
    assert out == ""
    # What erases the rest of a line is written for terminals alone.
    line = "13 of 41, 1 failed; 30 a minute, about 55 s left; 12.png 50%"
    assert err == f"\rfailed: x.png is empty.\n\r{line}"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.96, "10 s"),
        (59.7, "1 min 0 s"),
        (61, "1 min 1 s"),
        (3599, "59 min 59 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations(seconds, text):
    assert batch_printing._duration(seconds) == text
