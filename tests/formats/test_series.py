"""Folders of slices become series; everything odd about them is said. The cases are the table `FOLDERS`."""

import random
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_kinds import enhanced, write_slices
from format_files import ct_dataset, mr_dataset
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from denoise_studio.core.errors import Cancelled, FormatError
from denoise_studio.core.picture import Kind
from denoise_studio.core.progress import Progress
from denoise_studio.formats import find_series, open_picture


@dataclass(frozen=True)
class Folder:
    """A folder and what must be found in it.

    Args:
        name: what a reader of the table looks for.
        make: fills the folder.
        positions: mm, of every series; None where the file tells none.
        notes: words of the sentences of the first series, in order.
    """

    name: str
    make: Callable[[Path], object]
    positions: list[list[float | None]]
    notes: list[str]


def shuffled(folder: Path) -> None:
    """500 slices whose file names have nothing to do with their order."""
    data = ct_dataset(np.zeros((2, 2), np.int16))
    heights = [k * 1.25 - 300 for k in range(500)]
    names = random.Random(7).sample(range(10_000), 500)
    for name, z in zip(names, heights, strict=True):
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        data.ImagePositionPatient = [-100, -120, z]
        data.InstanceNumber = name
        data.save_as(folder / f"{name}.dcm", enforce_file_format=True)


def tilted(degrees: float, tag: float | None = None, sheared: bool = True) -> Callable[[Path], object]:
    """A gantry that leans: planes are tilted, but the table moves straight (PS3.3 C.8.2.1.1.1)."""
    s, c = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    normal = np.cross([1, 0, 0], [0, c, s])

    def make(folder: Path) -> None:
        def place(k: int) -> list[float]:
            step = np.array([0, 0, 1]) if sheared else normal
            return [float(value) for value in [-100, 0, 0] + 5.0 * k * step]

        write_slices(
            folder,
            [0.0] * 4,
            ImageOrientationPatient=[1, 0, 0, 0, round(float(c), 8), round(float(s), 8)],
            ImagePositionPatient=place,
            GantryDetectorTilt=tag if tag is not None else "",
        )

    return make


def wandering(folder: Path) -> None:
    write_slices(folder, [0.0] * 4, ImagePositionPatient=lambda k: [-100 + (0, 3, -2, 0)[k], -120, 5 * k])


def copies(folder: Path) -> None:
    paths = write_slices(folder, [0, 5, 10])
    shutil.copy(paths[1], folder / "copy of 1.dcm")


def duplicates(folder: Path) -> None:
    write_slices(folder, [0, 5, 10, 15, 20, 10])


def in_folders(folder: Path) -> None:
    """Two series in folders inside each other, the second by number first by name."""
    write_slices(folder / "b", [0, 5], SeriesNumber=2)
    write_slices(folder / "a", [1, 2, 3], SeriesNumber=9)


def orientations(folder: Path) -> None:
    uid = generate_uid()
    write_slices(folder, [0, 5, 10], SeriesInstanceUID=uid, prefix="axial")
    sagittal = {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1], "InstanceNumber": lambda k: 10 + k}
    sagittal["ImagePositionPatient"] = lambda k: [-30 + 4 * k, 0, 0]
    write_slices(folder, [0, 0], SeriesInstanceUID=uid, prefix="sagittal", **sagittal)


def sizes(folder: Path) -> None:
    uid = generate_uid()
    write_slices(folder, [0, 5], SeriesInstanceUID=uid)
    write_slices(
        folder, [10, 15], (4, 4), SeriesInstanceUID=uid, prefix="small", InstanceNumber=lambda k: 10 + k
    )


def localizers(folder: Path) -> None:
    uid = generate_uid()
    scout = {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"], "InstanceNumber": lambda k: 10 + k}
    write_slices(folder, [0, 5, 10], SeriesInstanceUID=uid)
    write_slices(folder, [2], SeriesInstanceUID=uid, prefix="scout", **scout)


def echoes(folder: Path) -> None:
    """Two MR echoes of magnitude and phase: two marks must be tried, one after the other."""
    uid, count = generate_uid(), 0
    folder.mkdir(exist_ok=True)
    for z in (0, 4, 8):
        for echo in (5, 20):
            for kind in ("M", "P"):
                count += 1
                data = mr_dataset(np.zeros((4, 4), np.uint16), SeriesInstanceUID=uid, InstanceNumber=count)
                data.FrameOfReferenceUID = uid
                data.ImageType, data.EchoTime = ["ORIGINAL", "PRIMARY", kind], echo
                data.ImagePositionPatient = [0, 0, z]
                data.save_as(folder / f"{count}.dcm", enforce_file_format=True)


def passes(folder: Path) -> None:
    """The same places thrice, told apart by nothing but numbers."""
    write_slices(folder, [0, 5, 10] * 3)


def broken(folder: Path) -> None:
    paths = write_slices(folder, [0, 5, 10, 15])
    paths[1].write_bytes(paths[1].read_bytes()[:-20])
    paths[2].write_bytes(paths[2].read_bytes()[:300])
    (folder / "notes.txt").write_text("not a picture")


def others(folder: Path) -> None:
    """A report and a colour screen shot in the same series."""
    write_slices(folder, [0, 5])
    colour = ct_dataset(np.zeros((4, 4), np.uint8), SamplesPerPixel=3, PhotometricInterpretation="RGB")
    colour.PlanarConfiguration, colour.PixelData = 0, colour.PixelData * 3
    colour.save_as(folder / "dose.dcm", enforce_file_format=True)
    report = Dataset()
    report.file_meta = colour.file_meta
    report.SOPClassUID, report.Modality = "1.2.840.10008.5.1.4.1.1.88.11", "SR"
    report.save_as(folder / "report.dcm", enforce_file_format=True)


def radial(folder: Path) -> None:
    """Slices around an axis: each has its own direction."""

    def direction(k: int) -> list[float]:
        angle = np.radians(20 * k)
        return [round(float(np.cos(angle)), 8), round(float(np.sin(angle)), 8), 0, 0, 0, -1]

    write_slices(folder, [0.0] * 9, ImageOrientationPatient=direction, ImagePositionPatient=[0, 0, 0])


def unordered(folder: Path) -> None:
    write_slices(folder, [0, 0, 0], ImagePositionPatient=None, InstanceNumber=lambda k: (3, 1, 2)[k])


def leaning(degrees: float) -> list[float]:
    """Distances along the normal of slices that step straight by 5 mm."""
    return [5 * k * float(np.cos(np.radians(degrees))) for k in range(4)]


def mixed_syntaxes(folder: Path) -> None:
    """Uncompressed, deflated and implicit files of one series."""
    paths = write_slices(folder, [0, 5, 10])
    data = pydicom.dcmread(paths[1])
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data.save_as(paths[1], enforce_file_format=True)
    data = pydicom.dcmread(paths[2])
    data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    data.save_as(paths[2], implicit_vr=True, little_endian=True)


FOLDERS = [
    Folder("500 slices under shuffled names", shuffled, [[k * 1.25 - 300 for k in range(500)]], []),
    Folder("a gap of one slice", lambda f: write_slices(f, [0, 5, 10, 20, 25]), [[0, 5, 10, 20, 25]],
           ["1 slice is missing: there is a gap between slices 3 and 4 (10 mm instead of 5 mm)"]),
    Folder("gaps of several slices", lambda f: write_slices(f, [0, 2, 4, 10, 12, 14, 20]),
           [[0, 2, 4, 10, 12, 14, 20]],
           ["4 slices are missing: there is a gap between slices 3 and 4, 6 and 7"]),
    Folder("varying spacing", lambda f: write_slices(f, [0, 5, 10, 15, 22, 29.5]), [[0, 5, 10, 15, 22, 29.5]],
           ["distance of slices varies between 5 and 7.5 mm"]),
    Folder("duplicates: another instance at the same position", duplicates, [[0, 5, 10, 15, 20]],
           ["1 slice at the same position as another is left out: 5.dcm"]),
    Folder("copies: the same instance twice", copies, [[0, 5, 10]],
           ["1 file is a copy of others and left out: copy of 1.dcm"]),
    Folder("mixed orientation", orientations, [[0, 5, 10], [26, 30]],
           ["mixed orientation", "shown as 2 stacks"]),
    Folder("mixed size", sizes, [[0, 5], [10, 15]], ["different size", "shown as 2 stacks"]),
    Folder("localizer mixed in", localizers, [[0, 5, 10], [2]], ["mixes localizers", "shown as 2 stacks"]),
    Folder("gantry tilt, declared and in the geometry", tilted(15, 15), [leaning(15)],
           ["The gantry was tilted by 15 degrees: each slice is shifted sideways by 0.268 mm"]),
    Folder("gantry tilt in the geometry alone", tilted(-8), [leaning(8)],
           ["The gantry was tilted by 8 degrees"]),
    Folder("gantry tilt declared, slices straight", tilted(12, 12, sheared=False), [[0, 5, 10, 15]],
           ["declare a gantry tilt of 12 degrees, but their slices lie straight"]),
    Folder("slices that wander sideways", wandering, [[0, 5, 10, 15]], ["wander sideways by"]),
    Folder("no positions: by instance number", unordered, [[None, None, None]],
           ["tell no position, so they are sorted by instance"]),
    Folder("two series in folders inside the folder", in_folders, [[0, 5], [1, 2, 3]], []),
    Folder("MR: two echoes, magnitude and phase", echoes, [[0, 4, 8]] * 4,
           ["differ in image type", "differ in echo time", "shown as 4 stacks"]),
    Folder("three passes told apart by numbers alone", passes, [[0, 5, 10]] * 3,
           ["Each place has 3 slices, which only their numbers tell apart", "shown as 3 stacks"]),
    Folder("unreadable files", broken, [[0, 15]],
           ["1.dcm is cut short: 20 bytes of pixels are missing.",
            "2.dcm is cut short: its header ends before the picture."]),
    Folder("a report and a colour picture beside them", others, [[0, 5]],
           ["dose.dcm is a colour DICOM image (RGB); only grey ones are opened."]),
    Folder("radial slices", radial, [[None] * 9], ["Every slice has its own direction"]),
    Folder("mixed transfer syntaxes", mixed_syntaxes, [[0, 5, 10]], []),
    Folder("enhanced CT", lambda f: enhanced(f / "e.dcm", [10, 0, 5]), [[0, 5, 10]], []),
    Folder("enhanced CT, two phases", lambda f: enhanced(f / "e.dcm", [0, 5, 0, 5], phase=lambda k: k // 2),
           [[0, 5], [0, 5]], ["differ in temporal index", "shown as 2 stacks"]),
    Folder("enhanced MR, two echoes",
           lambda f: enhanced(f / "e.dcm", [0, 0, 5, 5], phase=lambda k: k % 2, mr=True),
           [[0, 5], [0, 5]], ["differ in effective echo time", "shown as 2 stacks"]),
    Folder("enhanced CT, a gap", lambda f: enhanced(f / "e.dcm", [0, 5, 10, 20]), [[0, 5, 10, 20]],
           ["1 slice is missing"]),
]  # fmt: skip


@pytest.mark.parametrize("case", FOLDERS, ids=lambda case: case.name)
def test_every_kind_of_folder(case, tmp_path):
    case.make(tmp_path)
    found = find_series(tmp_path)
    assert len(found) == len(case.positions)
    for series, expected in zip(found, case.positions, strict=True):
        positions = [info.position for info in series.slices]
        if None in expected:
            assert positions == expected
        else:
            np.testing.assert_allclose(positions, expected, atol=1e-5)
        picture = series.open(len(series) - 1)
        assert (picture.place.series, picture.place.index) == (series, len(series) - 1)
        assert picture.pixels.shape[1:] == series.shape
        assert picture.kind is series.kind
    notes = found[0].notes
    assert len(notes) == len(case.notes), notes
    for note, words in zip(notes, case.notes, strict=True):
        assert words in note
        assert note[0].isupper() or note[0].isdigit() or ".dcm" in note
        assert note.endswith(".")


def test_each_slice_opens_its_own_file(tmp_path):
    write_slices(tmp_path, [20, 0, 10])
    (series,) = find_series(tmp_path)
    assert [float(series.open(k).pixels[0, 0, 0]) + 1024 for k in range(3)] == [1, 2, 0]
    assert [series.open(k).plane.position for k in range(3)] == [0, 10, 20]
    assert [info.number for info in series.slices] == [2, 3, 1]
    assert series.step == 10
    assert {path.name for path in series.files} == {"0.dcm", "1.dcm", "2.dcm"}
    with pytest.raises(IndexError):
        series.open(3)


def test_tilt_is_a_number_too(tmp_path):
    for degrees in (15.0, -20.0):
        folder = tmp_path / str(degrees)
        folder.mkdir()
        tilted(degrees)(folder)
        (series,) = find_series(folder)
        assert series.tilt == pytest.approx(abs(degrees), abs=1e-4)
    write_slices(tmp_path / "straight", [0, 5])
    assert find_series(tmp_path / "straight")[0].tilt == 0


def test_equal_numbers_fall_back_to_names_as_people_count(tmp_path):
    write_slices(tmp_path, [0.0] * 12, ImagePositionPatient=None, InstanceNumber=1)
    (series,) = find_series(tmp_path)
    assert [info.path.name for info in series.slices] == [f"{k}.dcm" for k in range(12)]


def test_two_runs_that_meet_are_one_stack_with_a_duplicate(tmp_path):
    write_slices(tmp_path, [*range(20), *range(19, 40)], AcquisitionNumber=lambda k: 1 + (k > 19))
    (series,) = find_series(tmp_path)
    assert [info.position for info in series.slices] == list(range(40))
    assert "1 slice at the same position" in series.notes[0]


def test_directions_that_differ_by_rounding_are_one_stack_at_exact_distances(tmp_path):
    rng = np.random.default_rng(1)

    def direction(_: int) -> list[float]:
        return [
            1,
            *rng.normal(0, 1e-5, 2).round(7).tolist(),
            0,
            1,
            round(rng.normal(0, 1e-5), 7),
        ]

    write_slices(
        tmp_path,
        [float(k) for k in range(30)],
        ImageOrientationPatient=direction,
        ImagePositionPatient=lambda k: [-250, -400, 1000 + k],
    )
    (series,) = find_series(tmp_path)
    assert series.notes == ()
    assert series.step == pytest.approx(1, abs=1e-4)


def test_label_and_key_hold_no_patient_and_nothing_that_a_person_typed(tmp_path):
    write_slices(
        tmp_path,
        [0, 5],
        ConvolutionKernel="B30f",
        SeriesDescription="Thorax Secret",
        ProtocolName="Secret^Name",
    )
    (series,) = find_series(tmp_path)
    assert series.label == "CT, series 3, B30f, 2 slices of 5 mm"
    for secret in ("Secret", "4711", "Thorax"):
        assert secret not in series.label + series.key + "".join(series.notes)


def test_a_dicomdir_gives_the_files_it_lists(tmp_path):
    folder = tmp_path / "slices"
    write_slices(folder, [0, 5, 10], ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])
    files = FileSet()
    for path in sorted(folder.iterdir()):
        files.add(path)
    files.write(tmp_path / "disc")
    files._stage["t"].cleanup()
    (tmp_path / "disc" / "stray.dcm").write_bytes((folder / "0.dcm").read_bytes())
    directory = tmp_path / "disc" / "DICOMDIR"
    (series,) = find_series(directory)
    assert [info.position for info in series.slices] == [0, 5, 10]
    assert series.notes == ()
    with pytest.raises(
        FormatError, match=r"^DICOMDIR is a DICOMDIR, which lists series: open it as a series\.$"
    ):
        open_picture(directory)
    series.slices[1].path.unlink()
    assert find_series(directory)[0].notes[-1] == "Of the files that the DICOMDIR lists, 1 cannot be found."
    shutil.rmtree(tmp_path / "disc" / "PT000000", ignore_errors=True)
    for path in series.files:
        path.unlink(missing_ok=True)
    with pytest.raises(FormatError, match=r"None of the 3 files that DICOMDIR lists is there\."):
        find_series(directory)


def test_a_dicomdir_leads_to_no_file_outside_its_folder(tmp_path):
    write_slices(tmp_path, [0])
    files = FileSet()
    files.add(tmp_path / "0.dcm")
    files.write(tmp_path / "disc")
    files._stage["t"].cleanup()
    directory = tmp_path / "disc" / "DICOMDIR"
    data = pydicom.dcmread(directory)
    for record in data.DirectoryRecordSequence:
        if "ReferencedFileID" in record:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                record.ReferencedFileID = ["..", "0.dcm"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data.save_as(directory)
    with pytest.raises(FormatError, match="None of the 1 files"):
        find_series(directory)


def test_one_file_is_a_series_of_that_file_alone(tmp_path):
    first, *_ = write_slices(tmp_path, [0, 5, 10])
    (series,) = find_series(first)
    assert [info.path for info in series.slices] == [first]


def test_kinds(tmp_path):
    write_slices(tmp_path / "ct", [0, 5])
    write_slices(tmp_path / "us", [0, 5], RescaleType="US")
    assert find_series(tmp_path / "ct")[0].kind is Kind.CT
    assert find_series(tmp_path / "us")[0].kind is find_series(tmp_path / "us")[0].open(0).kind is Kind.MR


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.mkdir(), "x holds no series of slices."),
        (lambda path: path.write_text("words"), "x holds no series of slices."),
    ],
)
def test_nothing_there(tmp_path, make, words):
    make(tmp_path / "x")
    with pytest.raises(FormatError) as caught:
        find_series(tmp_path / "x")
    assert words in str(caught.value)


def test_a_folder_of_broken_files_says_why(tmp_path):
    for path in write_slices(tmp_path, [0, 5]):
        path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(FormatError, match=r"holds no series that can be read: 0\.dcm is cut short: 8 bytes"):
        find_series(tmp_path)


def test_a_file_that_has_gone_is_one_sentence(tmp_path):
    paths = write_slices(tmp_path, [0, 5])
    (series,) = find_series(tmp_path)
    paths[1].unlink()
    with pytest.raises(FormatError, match=r"1\.dcm does not exist\.$"):
        series.open(1)


def test_the_search_tells_progress_and_can_be_stopped(tmp_path):
    write_slices(tmp_path, [0, 5, 10, 15])
    told: list[float] = []
    find_series(tmp_path, Progress(lambda fraction, text: told.append(fraction)))
    assert told == sorted(told)
    assert told[-1] == 1.0
    progress = Progress(lambda fraction, text: fraction >= 0.5 and progress.cancel())
    with pytest.raises(Cancelled):
        find_series(tmp_path, progress)
