"""The program as a whole: which command is meant, how it starts, how it fails."""

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

import denoise_studio
from denoise_studio.cli import app, window
from denoise_studio.core import resources

HEAVY = "{'torch', 'PySide6', 'qtpy', 'pyqtgraph', 'numba', 'cv2', 'numpy', 'skimage', 'pydicom', 'PIL'}"
NO_WINDOW = importlib.util.find_spec("denoise_studio.gui.launch") is None


@pytest.fixture
def opened(monkeypatch):
    """What the window was asked to open, instead of opening it."""
    calls = []
    monkeypatch.setattr(
        window.window, "callback", lambda files, sample: calls.append((list(files), sample)) or 0
    )
    return calls


@pytest.mark.parametrize(
    ("words", "files", "sample"),
    [
        ([], [], False),
        (["a.dcm"], ["a.dcm"], False),
        (["a.dcm", "info"], ["a.dcm", "info"], False),
        (["--", "info"], ["info"], False),
        (["--", "--help"], ["--help"], False),
        (["a.dcm", "--", "-b.png"], ["a.dcm", "-b.png"], False),
        (["--sample"], [], True),
        (["a.dcm", "--sample"], ["a.dcm"], True),
        (["./info"], ["info"], False),
    ],
)
def test_words_that_open_the_window(run, opened, words, files, sample):
    run(*words).done()
    assert opened == [([Path(name) for name in files], sample)]


def test_a_first_word_that_is_a_command_wins(run, opened):
    assert "info" in run("info").misused()
    assert run("info", "--", "missing.dcm").failed()
    assert "--frobnicate" in run("--frobnicate").misused()
    assert "--frobnicate" in run("a.dcm", "--frobnicate").misused()
    assert run("--sample", "methods").misused()
    assert opened == []


def test_the_windows_own_exit_code_is_the_programs(run, monkeypatch):
    monkeypatch.setattr(window.window, "callback", lambda files, sample: 3)
    assert run("a.dcm").code == 3


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="these always have a display")
def test_no_display_is_one_line(run, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert "There is no display" in run("a.dcm").failed()


def test_help_and_version(run):
    text = run("--help").done()
    for name in (
        "denoise",
        "info",
        "methods",
        "measure",
        "snapshot",
        "replay",
        "--sample",
        "Not for diagnosis",
    ):
        assert name in text
    assert run("--version").done() == f"Denoise Studio {denoise_studio.__version__}\n"
    for name in app.studio.commands:
        assert "Usage: denoise-studio" in run(name, "--help").done()


@pytest.mark.parametrize("words", [["--help"], ["denoise", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(words):
    code = (
        "import sys, atexit; from denoise_studio.cli import main; "
        f"sys.argv[1:] = {words!r}; "
        f"atexit.register(lambda: print('heavy:', *sorted({HEAVY} & set(sys.modules)))); main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("heavy:\n")


def test_the_installed_command_is_the_module(command):
    script = Path(sys.executable).with_name("denoise-studio")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=False)
    assert done.stdout == command("--version").done()


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (RuntimeError("a\nb"), 1, "Unexpected error (RuntimeError: a b)."),
        (MemoryError(), 1, "There is not enough memory for this."),
        (PermissionError(13, "Permission denied", "x.npy"), 1, "x.npy: permission denied."),
        (KeyboardInterrupt(), 130, "Cancelled."),
    ],
)
def test_every_failure_is_one_line(run, monkeypatch, error, code, text):
    def fail():
        raise error

    monkeypatch.setitem(app.studio.commands, "fail", click.command("fail")(fail))
    done = run("fail")
    assert (done.code, done.err.strip()) == (code, f"denoise-studio: {text}")


def test_a_traceback_for_those_who_ask(run, monkeypatch):
    def fail():
        raise RuntimeError("why")

    monkeypatch.setitem(app.studio.commands, "fail", click.command("fail")(fail))
    monkeypatch.setenv("DENOISE_STUDIO_TRACEBACK", "1")
    assert "Traceback" in run("fail").err


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_ctrl_c_cancels_in_one_line_and_leaves_nothing(tmp_path):
    source = tmp_path / "big.npy"
    np.save(source, np.random.default_rng(0).random((3000, 3000), np.float32))
    words = ["denoise", source, "-o", tmp_path / "out.npy", "--method", "nlm", "--set", "search_radius=20"]
    child = subprocess.Popen(
        [sys.executable, "-m", "denoise_studio", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(3)  # far into the work, minutes before its end
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err) == (130, "", "denoise-studio: Cancelled.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["big.npy"]


def test_a_reader_that_leaves_is_no_error(tmp_path):
    line = f"{sys.executable} -m denoise_studio methods --json | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_snapshot_says_what_is_wrong_before_a_window_is_made(run, samples, tmp_path):
    photo = samples / "photo.png"
    assert "does not exist" in run("snapshot", photo, "-o", tmp_path / "no" / "a.png").failed()
    assert "is a PNG file" in run("snapshot", photo, "-o", tmp_path / "a.jpg").failed()
    assert "does not exist" in run("snapshot", tmp_path / "b.png", "-o", tmp_path / "a.png").failed()
    assert (
        "no.json does not exist"
        in run("snapshot", photo, "-o", tmp_path / "a.png", "--recipe", "no.json").failed()
    )
    copy = tmp_path / "copy.png"
    copy.write_bytes(photo.read_bytes())
    assert "is the source file" in run("snapshot", copy, "-o", copy).failed()
    copy.unlink()
    assert "no size such as" in run("snapshot", photo, "-o", tmp_path / "a.png", "--size", "big").misused()
    assert run("snapshot", photo, "-o", tmp_path / "a.png", "--theme", "pink").misused()
    assert "--output" in run("snapshot", photo).misused()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(NO_WINDOW, reason="the window is not there yet")
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_snapshot_draws_the_window(command, samples, tmp_path, theme):
    out = tmp_path / "a.png"
    command("snapshot", samples / "photo.png", "-o", out, "--size", "1000x700", "--theme", theme).done()
    with Image.open(out) as image:
        assert image.size == (1000, 700)
        assert len(image.convert("RGB").getcolors(1 << 24)) > 500


@pytest.mark.skipif(NO_WINDOW, reason="the window is not there yet")
def test_snapshot_of_a_broken_file_fails_in_one_line(command, tmp_path):
    (tmp_path / "empty.png").touch()
    assert "empty" in command("snapshot", tmp_path / "empty.png", "-o", tmp_path / "a.png").failed()
    assert not (tmp_path / "a.png").exists()


def test_bundled_files_are_found_in_the_checkout_and_in_an_installed_package(monkeypatch, tmp_path):
    assert resources.resource("samples", "ct-phantom.dcm").is_file()
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "denoise_studio")
    assert resources.resource("a") == tmp_path / "resources" / "a"
    (tmp_path / "denoise_studio" / "resources").mkdir(parents=True)
    assert resources.resource("a", "b") == tmp_path / "denoise_studio" / "resources" / "a" / "b"
