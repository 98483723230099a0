"""A series slice by slice: one derived series, resumed, never half-written."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pydicom
import pytest
from builders import bilateral
from series_builders import phantom_slice, write_series

from denoise_studio.core.errors import FormatError
from denoise_studio.core.progress import Progress
from denoise_studio.engine import batch
from denoise_studio.engine.batch.series import folder_for
from denoise_studio.engine.record import read_record, record_path
from denoise_studio.engine.render import render
from denoise_studio.engine.wishes import Wishes
from denoise_studio.formats import SaveOptions, find_series, open_picture
from denoise_studio.formats.files import remove_leftovers, replacing

SIZE = 32
WISH = Wishes(recipe=bilateral(sigma_r=40.0))


@pytest.fixture
def source(tmp_path):
    write_series(tmp_path / "in", 6, SIZE)
    return tmp_path / "in"


@pytest.fixture
def series(source):
    (found,) = find_series(source)
    return found


def run(series, out, **more):
    return batch.run_series(series, out, wishes=WISH, **more)


def outputs(out):
    return sorted(path for path in out.iterdir() if path.suffix == ".dcm" and not path.name.startswith("."))


def test_every_slice_is_denoised_and_they_are_one_new_series(series, source, tmp_path):
    before = {path: path.read_bytes() for path in source.iterdir()}
    report = run(series, tmp_path / "out")
    assert report.totals.done == 6
    paths = outputs(tmp_path / "out")
    assert [path.name for path in paths] == [f"IM{n:04d}.dcm" for n in range(1, 7)]
    heads = [pydicom.dcmread(path) for path in paths]
    old = [pydicom.dcmread(info.path) for info in series.slices]
    assert len({head.SeriesInstanceUID for head in heads}) == 1
    assert heads[0].SeriesInstanceUID != old[0].SeriesInstanceUID
    assert len({head.SOPInstanceUID for head in (*heads, *old)}) == 12
    for index, (new, was) in enumerate(zip(heads, old, strict=True)):
        assert new.ImagePositionPatient == was.ImagePositionPatient
        assert new.SourceImageSequence[0].ReferencedSOPInstanceUID == was.SOPInstanceUID
        expected = render(open_picture(series.slices[index].path), WISH.recipe).pixels[0]
        saved = new.pixel_array * float(new.RescaleSlope) + float(new.RescaleIntercept)
        assert np.abs(saved - expected).max() <= 0.5 + 1e-3
    assert {path: path.read_bytes() for path in source.iterdir()} == before


def test_the_new_series_opens_as_a_series_in_the_same_order(series, tmp_path):
    run(series, tmp_path / "out")
    (found,) = find_series(tmp_path / "out")
    assert [info.position for info in found.slices] == [info.position for info in series.slices]


def test_with_identity_the_values_are_the_sources(series, tmp_path):
    batch.run_series(series, tmp_path / "out", wishes=Wishes(method="identity"))
    (found,) = find_series(tmp_path / "out")
    for index in range(6):
        assert np.array_equal(found.open(index).pixels[0], phantom_slice(index, SIZE))


def test_a_cancelled_run_goes_on_as_the_same_series(series, tmp_path):
    class Stop:
        progress = Progress()

        def file(self, entry, report):
            if report.totals.done == 2:
                self.progress.cancel()

        def tick(self, report, running): ...

    stop = Stop()
    first = run(series, tmp_path / "out", progress=stop.progress, watcher=stop)
    assert first.cancelled
    assert 2 <= first.totals.done < 6
    kept = {path: path.stat().st_mtime_ns for path in outputs(tmp_path / "out")}
    second = run(series, tmp_path / "out")
    assert second.totals.skipped == len(kept)
    assert second.totals.done == 6 - len(kept)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    uids = {pydicom.dcmread(path).SeriesInstanceUID for path in outputs(tmp_path / "out")}
    assert len(uids) == 1
    third = run(series, tmp_path / "out")
    assert third.totals.skipped == 6


KILLED = """
import sys
from pathlib import Path
from denoise_studio.engine import batch
from denoise_studio.engine.batch.series import folder_for
from denoise_studio.engine.wishes import Wishes
from denoise_studio.formats import find_series
(series,) = find_series(Path(sys.argv[1]))
batch.run_series(series, Path(sys.argv[2]), wishes=Wishes(method="nlm"))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs a signal that nothing can catch")
def test_a_killed_run_leaves_whole_files_and_the_next_one_goes_on(tmp_path):
    write_series(tmp_path / "in", 40, 160)
    out = tmp_path / "out"
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "in"), str(out)])
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (out.is_dir() and len(outputs(out)) >= 2):
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait(30)
    written = outputs(out)
    assert 2 <= len(written) < 40
    for path in written:
        assert pydicom.dcmread(path).pixel_array.shape == (160, 160)
    (series,) = find_series(tmp_path / "in")
    report = batch.run_series(series, out, wishes=Wishes(method="nlm"))
    assert report.totals.done + report.totals.skipped == 40
    assert report.totals.skipped >= len(written) - 1, "the last one's record may have been missing"
    assert not [path for path in out.iterdir() if ".part" in path.name]
    assert len({pydicom.dcmread(path).SeriesInstanceUID for path in outputs(out)}) == 1


@pytest.mark.skipif(os.name != "posix", reason="only there a process can be asked for")
def test_only_what_ended_processes_left_is_taken_away(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = tmp_path / f".IM0001-{gone.pid}-abc.part.dcm"
    own = tmp_path / ".notes.part.txt"
    for path in (left, own):
        path.write_text("x")
    with replacing(tmp_path / "IM0002.dcm") as temporary:
        temporary.write_text("y")
        remove_leftovers(tmp_path)
        assert temporary.exists()
    assert not left.exists()
    assert own.exists()


def test_a_broken_slice_costs_one_sentence(series, tmp_path):
    broken = series.slices[2].path
    broken.write_bytes(broken.read_bytes()[:700])
    report = run(series, tmp_path / "out")
    assert report.totals.failed == 1
    assert report.totals.done == 5
    assert report.files[2].message


def test_the_sources_folder_is_refused(series, source):
    with pytest.raises(FormatError, match="never written"):
        run(series, source)


def test_anonymised_slices_name_nobody(series, tmp_path):
    report = run(series, tmp_path / "out", options=SaveOptions(anonymise=True))
    assert report.totals.done == 6
    text = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    assert b"Doe" not in text
    assert b"4711" not in text
    for info in series.slices:
        assert info.path.name.encode() not in text
    assert len({pydicom.dcmread(path).SeriesInstanceUID for path in outputs(tmp_path / "out")}) == 1


def test_maps_may_be_smoothed_along_the_series(series, tmp_path):
    wish = Wishes(method="adaptive-bilateral", across="smoothed", device="cpu")
    report = batch.run_series(series, tmp_path / "out", wishes=wish)
    assert report.totals.done == 6
    record = read_record(record_path(outputs(tmp_path / "out")[1]))
    assert record.recipe.across == "smoothed"
    assert "smoothed along 4 slices" in record.fit.note


def test_another_series_is_not_mixed_into_the_same_folder(series, tmp_path):
    write_series(tmp_path / "other", 3, SIZE)
    (other,) = find_series(tmp_path / "other")
    run(series, tmp_path / "out")
    before = {path: path.read_bytes() for path in outputs(tmp_path / "out")}
    with pytest.raises(FormatError, match="another series"):
        run(other, tmp_path / "out")
    assert {path: path.read_bytes() for path in outputs(tmp_path / "out")} == before


def test_the_folder_that_is_proposed_holds_no_other_series(source, tmp_path):
    write_series(source, 3, SIZE, prefix="THIN", SeriesNumber=7)
    thin, thick = sorted(find_series(source), key=len)
    first = folder_for(thick)
    run(thick, first)
    assert folder_for(thick) == first
    assert folder_for(thin) != first
    run(thin, folder_for(thin))
    assert len(outputs(first)) + len(outputs(folder_for(thin))) == len(thin) + len(thick)


class StopAfter:
    """Cancels a run once so many slices are done."""

    def __init__(self, count):
        self.progress, self.count = Progress(), count

    def file(self, entry, report):
        if report.totals.done >= self.count:
            self.progress.cancel()

    def tick(self, report, running): ...


def uids(out):
    return {pydicom.dcmread(path).SeriesInstanceUID for path in outputs(out)}


def test_going_back_to_an_earlier_wish_gives_one_series(series, tmp_path):
    out = tmp_path / "out"
    run(series, out)
    stop = StopAfter(2)
    batch.run_series(series, out, wishes=Wishes(method="identity"), progress=stop.progress, watcher=stop)
    run(series, out)
    assert len(uids(out)) == 1


def test_after_a_forced_run_that_was_ended_the_next_gives_one_series(series, tmp_path):
    out = tmp_path / "out"
    run(series, out)
    stop = StopAfter(2)
    run(series, out, force=True, progress=stop.progress, watcher=stop)
    run(series, out)
    assert len(uids(out)) == 1


def test_smoothed_slices_are_made_anew_when_a_neighbour_has_changed(series, tmp_path):
    wish = Wishes(method="adaptive-bilateral", across="shared", device="cpu")
    batch.run_series(series, tmp_path / "out", wishes=wish)
    again = batch.run_series(series, tmp_path / "out", wishes=wish)
    assert again.totals.skipped == 6
    path = series.slices[0].path
    path.write_bytes(series.slices[1].path.read_bytes()[:-64] + bytes(64))
    (changed,) = find_series(path.parent)
    anew = batch.run_series(changed, tmp_path / "out", wishes=wish, force=False)
    assert anew.totals.skipped == 0


def test_an_anonymised_report_names_no_file(series, tmp_path):
    broken = series.slices[2].path
    broken.write_bytes(broken.read_bytes()[:-300])
    report = run(series, tmp_path / "out", options=SaveOptions(anonymise=True))
    assert report.totals.failed == 1
    assert "slice 3" in report.files[2].message
    assert broken.name.encode() not in (tmp_path / "out" / "batch-report.json").read_bytes()


def test_anonymised_slices_of_two_runs_are_not_mixed(series, tmp_path):
    options = SaveOptions(anonymise=True)
    run(series, tmp_path / "out", options=options)
    with pytest.raises(FormatError, match="anonymised"):
        run(series, tmp_path / "out", options=options)
    assert run(series, tmp_path / "out", options=options, force=True).totals.done == 6
