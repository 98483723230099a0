"""Batches: every file has its result or its sentence, and what is done stays done."""

import json
import os
from threading import Barrier

import msgspec
import numpy as np
import pydicom
import pytest
from batch_files import data, photo, slice_of_ct, statuses, tree
from builders import bilateral, region

import denoise_studio as ds
from denoise_studio.core.errors import Cancelled, FormatError, RecipeError, StudioError
from denoise_studio.core.progress import Progress
from denoise_studio.core.region import Box
from denoise_studio.engine import batch
from denoise_studio.engine.batch.memory import Budget, budget_bytes, guess_bytes
from denoise_studio.engine.record import read_record, record_path
from denoise_studio.engine.replay import replay
from denoise_studio.engine.wishes import Wishes
from denoise_studio.formats import SaveOptions

NLM = Wishes(method="nlm")
BILATERAL = Wishes(recipe=bilateral())


class Calls:
    """What a watcher hears; may do something at a file."""

    def __init__(self, then=lambda: None):
        self.files, self.ticks, self._then = [], 0, then

    def file(self, entry, report):
        self.files.append(entry)
        self._then()

    def tick(self, report, running):
        self.ticks += 1
        assert all(0 <= share <= 1 for share in running.values())


@pytest.fixture
def source(tmp_path):
    root = tmp_path / "in"
    data(root / "a.npy")
    photo(root / "sub" / "b.png")
    photo(root / "sub" / "c.tif", seed=1)
    return root


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out" / "deep"


def done(source, out, **more):
    return batch.run([source], out, recursive=True, **more)


def test_every_kind_of_file_through_the_one_road(source, out):
    slice_of_ct(source / "ct" / "slice.dcm")
    calls = Calls()
    report = done(source, out, watcher=calls)
    assert set(statuses(report).values()) == {"done"}
    assert tree(out) == ["a.npy", "ct/slice.dcm", "sub/b.png", "sub/c.tif"]
    assert [entry.input for entry in report.files] == tree(out)
    assert sorted(entry.input for entry in calls.files) == tree(out)
    assert calls.ticks
    for name in tree(out):
        assert replay(out / name).equal
    methods = {entry.input: entry.method for entry in report.files}
    assert methods["ct/slice.dcm"] == "adaptive-bilateral"
    assert methods["a.npy"] == "bilateral"
    expected = ds.render(ds.open(source / "a.npy"), ds.Recipe(method="bilateral"))
    np.testing.assert_array_equal(np.load(out / "a.npy"), expected.pixels[0])


def test_the_report_tells_what_was_done_and_names_nobody(source, out):
    slice_of_ct(source / "slice.dcm")
    report = done(source, out, wishes=NLM)
    text = (out / batch.REPORT_NAME).read_text()
    assert "Secret" not in text
    assert str(out.parent.parent) not in text
    found = json.loads(text)
    assert (found["format"], found["version"]) == ("denoise-studio-batch-report", 1)
    assert found["totals"] == {"files": 4, "done": 4, "skipped": 0, "failed": 0, "left": 0}
    first = found["files"][0]
    assert 0.03 < first["noise_sd"] < 0.07
    assert first["seconds"] > 0
    assert batch.read_report(out) == report


def test_again_skips_all_and_keeps_its_facts(source, out):
    first = done(source, out, wishes=NLM)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.suffix in (".npy", ".png")}
    again = done(source, out, wishes=NLM, jobs=2)
    assert set(statuses(again).values()) == {"skipped"}
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert again.files == [msgspec.structs.replace(entry, status="skipped") for entry in first.files]
    assert again.id == first.id


@pytest.mark.parametrize(
    "changed",
    [
        {"wishes": Wishes(method="bilateral")},
        {"wishes": Wishes(method="nlm", strength=0.5)},
        {"wishes": Wishes(method="nlm", settings=(("h", "2"),))},
        {"wishes": NLM, "options": SaveOptions(quality=50)},
        {"wishes": NLM, "force": True},
    ],
)
def test_another_wish_is_rendered_anew(source, out, changed):
    first = done(source, out, wishes=NLM)
    again = done(source, out, **changed)
    assert set(statuses(again).values()) == {"done"}
    assert again.id != first.id


def test_only_what_changed_is_rendered_anew(source, out):
    for name in ("d.npy", "e.npy", "f.npy", "g.npy"):
        data(source / name)
    done(source, out, wishes=NLM)
    data(source / "a.npy", seed=5)
    (out / "d.npy").unlink()
    np.save(out / "e.npy", np.zeros((32, 32), np.float32))  # the same size, another time
    (out / "f.npy").write_bytes((out / "f.npy").read_bytes())  # touched, but the same
    os.utime(out / "f.npy", ns=(2**62, 2**62))
    (out / "g.npy.recipe.json").write_text("{}")
    again = done(source, out, wishes=NLM)
    anew = {entry.input: entry.message for entry in again.files if entry.status == "done"}
    assert anew == {
        "a.npy": "the input has changed",
        "d.npy": "",
        "e.npy": "the output was changed",
        "g.npy": "its record cannot be read",
    }
    assert again.totals.skipped == 3


def test_another_version_of_the_method_is_rendered_anew(source, out):
    done(source, out, wishes=NLM)
    beside = record_path(out / "a.npy")
    found = json.loads(beside.read_text())
    found["method"]["version"] += 1
    beside.write_text(json.dumps(found))
    again = done(source, out, wishes=NLM)
    assert statuses(again) == {"a.npy": "done", "sub/b.png": "skipped", "sub/c.tif": "skipped"}
    assert again.files[0].message == "the method has changed"


def test_one_bad_file_costs_one_sentence(source, out):
    (source / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (source / "empty.dcm").touch()
    (source / "words.npy").write_text("no picture")
    report = batch.run([source, source / "gone.tif"], out, recursive=True, wishes=NLM)
    assert report.totals == batch.Totals(files=7, done=3, skipped=0, failed=4, left=0)
    for entry in report.failures:
        assert entry.input in entry.message
        assert entry.message.endswith(".")
        assert str(source) not in entry.message
    assert tree(out) == ["a.npy", "sub/b.png", "sub/c.tif"]


def test_what_does_not_fit_one_picture_fails_there_alone(source, out):
    slice_of_ct(source / "slice.dcm")
    report = done(source, out, ending="jpg", wishes=NLM)
    assert statuses(report)["slice.dcm"] == "failed"
    assert statuses(report)["sub/b.png"] == "done"
    report = done(source, out, wishes=Wishes(settings=(("smoothing", "1.2"),)))
    assert [entry.input for entry in report.files if entry.status == "done"] == ["slice.dcm"]
    assert "no parameter 'smoothing'" in report.failures[0].message


def test_a_wish_that_fits_nothing_is_told_at_once(source, out):
    for wishes in (Wishes(method="magic"), Wishes(method="nlm", settings=(("x", "1"),))):
        with pytest.raises(RecipeError):
            done(source, out, wishes=wishes)
    (source / "empty").mkdir()
    with pytest.raises(FormatError, match="no picture to denoise"):
        batch.run([source / "empty"], out)
    with pytest.raises(FormatError, match="is a file"):
        done(source, source / "a.npy")
    with pytest.raises(FormatError, match="Cannot make"):
        done(source, source / "a.npy" / "out")


def test_slices_of_a_series_stay_one_series_over_an_interruption(tmp_path, out):
    for number in range(3):
        slice_of_ct(tmp_path / "in" / f"{number}.dcm", row=150 + 60 * number)
    progress = Progress()
    report = batch.run([tmp_path / "in"], out, progress=progress, watcher=Calls(progress.cancel))
    assert report.cancelled
    assert report.totals.done >= 1
    assert report.totals.left >= 1
    report = batch.run([tmp_path / "in"], out)
    assert report.totals.done >= 1
    assert report.totals.skipped >= 1
    slices = [pydicom.dcmread(out / f"{number}.dcm") for number in range(3)]
    assert len({data.SeriesInstanceUID for data in slices}) == 1
    assert len({data.SOPInstanceUID for data in slices}) == 3
    batch.run([tmp_path / "in"], out, force=True)
    assert pydicom.dcmread(out / "0.dcm").SeriesInstanceUID != slices[0].SeriesInstanceUID


def test_regions_outside_a_picture_are_told(source, out):
    regions = (region(Box(500, 500, 600, 600), sigma_r=1.0), region(Box(0, 0, 9, 9), sigma_r=1.0))
    report = done(source, out, wishes=Wishes(recipe=bilateral(*regions)))
    assert report.files[0].notes == ("Outside this picture of 32 x 32 pixels, so without effect: Region 1.",)


def test_two_at_a_time_make_the_same_files(source, out, tmp_path, monkeypatch):
    for number in range(4):
        data(source / f"{number}.npy", seed=number)
    done(source, out, wishes=NLM)
    both = Barrier(2, timeout=20)  # breaks if two are never rendered at once
    from denoise_studio.engine.batch import work

    original = work.render_in_full

    def meeting(*arguments):
        if not met:
            both.wait()
            met.append(True)
        return original(*arguments)

    met = []
    monkeypatch.setattr(work, "render_in_full", meeting)
    report = done(source, tmp_path / "two", wishes=NLM, jobs=2)
    assert set(statuses(report).values()) == {"done"}
    assert met
    assert tree(tmp_path / "two") == tree(out)
    for name in tree(out):
        if not name.endswith(".tif"):  # these carry the time
            assert (out / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_too_little_memory_means_one_at_a_time_not_none(source, out):
    report = done(source, out, wishes=NLM, jobs=4, memory=1)
    assert set(statuses(report).values()) == {"done"}


def test_a_budget_keeps_within_its_limit_and_ends_when_told():
    budget, stop = Budget(100), Progress()
    budget.open("a", 60, stop)
    budget.work("a", 500, stop)  # alone, whatever it takes
    stop.cancel()
    with pytest.raises(Cancelled):
        budget.open("b", 1, stop)
    budget.close("a")
    budget.open("b", 1, Progress())
    budget.opened("b", 90)
    budget.work("b", 95, stop)
    with pytest.raises(Cancelled):
        budget.open("c", 6, stop)
    budget.open("c", 5, stop)
    with pytest.raises(Cancelled):
        budget.work("c", 6, stop)


def test_memory_is_guessed(source):
    assert 2**20 < budget_bytes() < 2**50
    assert guess_bytes(source / "a.npy") > 32 * 32 * 4
    assert guess_bytes(source / "gone.npy") == 0


def test_somebodys_own_files_are_left_alone(source, out):
    out.mkdir(parents=True)
    (out / "a.npy").write_bytes(b"mine")
    report = done(source, out, wishes=NLM)
    assert statuses(report)["a.npy"] == "failed"
    assert "--force" in report.failures[0].message
    assert (out / "a.npy").read_bytes() == b"mine"
    assert statuses(done(source, out, wishes=NLM, force=True))["a.npy"] == "done"
    (out / batch.REPORT_NAME).write_text("mine")
    with pytest.raises(FormatError, match="no report of a batch"):
        done(source, out, wishes=NLM)


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_a_link_leads_no_output_out_of_the_folder(source, out, tmp_path):
    out.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (out / "sub").symlink_to(tmp_path / "elsewhere")
    report = done(source, out, wishes=NLM)
    assert statuses(report) == {"a.npy": "done", "sub/b.png": "failed", "sub/c.tif": "failed"}
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_into_the_folder_of_the_sources(source):
    report = batch.run([source / "sub"], source / "sub", wishes=NLM)
    assert statuses(report) == {"b.png": "failed", "c.tif": "failed"}
    assert "over a source file" in report.failures[0].message
    report = batch.run([source / "sub"], source / "sub", wishes=NLM, suffix="-clean")
    assert statuses(report) == {"b.png": "done", "c.tif": "done"}
    again = batch.run([source / "sub"], source / "sub", wishes=NLM, suffix="-clean")
    assert statuses(again) == {"b.png": "skipped", "c.tif": "skipped"}
    assert tree(source / "sub") == ["b-clean.png", "b.png", "c-clean.tif", "c.tif"]


def test_a_full_disk_ends_it_and_the_rest_is_left(source, out, monkeypatch):
    done(source, out, wishes=NLM)
    original, full = os.fsync, []

    def fsync(handle):
        if full:
            raise OSError(28, "No space left on device")
        original(handle)

    monkeypatch.setattr("os.fsync", fsync)
    report = done(source, out, wishes=BILATERAL, watcher=Calls(lambda: full.append(1)))
    assert "no space left on device" in report.stopped
    assert report.totals.left >= 1
    assert not report.cancelled
    assert all(not name.startswith(".") for name in tree(out))
    full.clear()
    assert set(statuses(done(source, out, wishes=BILATERAL)).values()) <= {"done", "skipped"}


def test_one_output_too_large_for_the_disk_fails_alone(source, out, monkeypatch):
    from denoise_studio.engine.batch import work

    original = work.export

    def export(rendering, path, *arguments, **more):
        if path.name == "b.png":
            raise FormatError(f"Cannot write {path}: no space left on device.")
        return original(rendering, path, *arguments, **more)

    monkeypatch.setattr(work, "export", export)
    report = done(source, out, wishes=NLM)
    assert statuses(report) == {"a.npy": "done", "sub/b.png": "failed", "sub/c.tif": "done"}
    assert report.failures[0].message == "Cannot write sub/b.png: no space left on device."


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "There is not enough memory for a picture of this size."),
        (StudioError("Too dark."), "Too dark."),
        (PermissionError(13, "Permission denied"), "a.npy: permission denied."),
        (RuntimeError("odd"), "Unexpected error (RuntimeError: odd)."),
    ],
)
def test_whatever_a_file_throws(source, out, monkeypatch, error, sentence):
    from denoise_studio.engine.batch import work

    original = work.render_in_full

    def fail(picture, *more):
        if picture.name == "a.npy" or picture.source.path.name == "a.npy":
            raise error
        return original(picture, *more)

    monkeypatch.setattr(work, "render_in_full", fail)
    report = done(source, out, wishes=NLM)
    assert [entry.message for entry in report.failures] == [sentence]
    assert report.totals.done == 2


def test_a_keyboard_interrupt_in_python_leaves_a_report(source, out):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        done(source, out, wishes=NLM, watcher=Calls(interrupt))
    report = batch.read_report(out)
    assert report.totals.done >= 1
    assert all(not name.startswith(".") for name in tree(out))
    for name in tree(out):
        assert read_record(record_path(out / name)).asked == report.asked
