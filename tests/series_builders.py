"""Series made in memory, and real DICOM series on disk, for tests."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Kind, Picture, Scale, Stored
from denoise_studio.core.plane import Plane
from denoise_studio.core.series import Place, Series, SliceInfo


class InMemory:
    """A series whose slices come from a function; counts how often each was opened."""

    def __init__(self, count: int, make: Callable[[int], np.ndarray], broken: tuple[int, ...] = ()) -> None:
        self.opened: list[int] = []
        self.make, self.broken = make, broken
        shape = make(0).shape
        slices = tuple(SliceInfo(Path(f"{i}.dcm"), None, 2.0 * i, 2.0, i + 1) for i in range(count))
        self.series = Series(slices, shape, Kind.CT, self.open, "CT", 2.0)

    def open(self, series, index, progress):
        progress.check()
        self.opened.append(index)
        if index in self.broken:
            raise FormatError(f"{index}.dcm is cut short.")
        return Picture(
            np.asarray(self.make(index), np.float32)[None],
            scale=Scale.HU,
            unit="HU",
            nominal_range=(-1024.0, 3071.0),
            stored=Stored("int16", 16),
            spacing=(0.7, 0.7),
            plane=Plane((0.0, 0.0, 2.0 * index), (1, 0, 0), (0, 1, 0), 2.0),
            place=Place(series, index),
            name=f"{index}.dcm",
        )


def phantom_slice(index: int, size: int, seed: int = 0) -> np.ndarray:
    """`(size, size)` int16: water in air with a rod that grows with the index, noise of 20 HU."""
    rng = np.random.default_rng((seed, index))
    y, x = np.mgrid[0:size, 0:size] - (size - 1) / 2
    hu = np.where(np.hypot(x, y) < 0.45 * size, 0.0, -1000.0)
    hu[np.hypot(x - size / 6, y) < size / 20 + index % 7] = 100.0
    return np.asarray(np.rint(hu + rng.normal(0, 20, hu.shape)), np.int16)


def write_series(
    folder: Path,
    count: int,
    size: int = 64,
    step: float = 2.0,
    name: str = "Doe^Jane",
    prefix: str = "IM",
    **tags: object,
) -> list[Path]:
    """A CT series of real files, in an order of names that is not that of the slices."""
    folder.mkdir(parents=True, exist_ok=True)
    study, series, frame = (generate_uid(entropy_srcs=[str(folder), prefix, word]) for word in "abc")
    order = np.random.default_rng(1).permutation(count)
    paths = []
    for index in range(count):
        path = folder / f"{prefix}{order[index]:05d}.dcm"
        dataset = ct_dataset(phantom_slice(index, size), index, step)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = (
            study,
            series,
            frame,
        )
        dataset.PatientName = name
        for keyword, value in tags.items():
            setattr(dataset, keyword, value)
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def ct_dataset(samples: np.ndarray, index: int, step: float = 2.0) -> Dataset:
    """A CT image with samples in HU + 1024, int16."""
    meta = FileMetaDataset()
    dataset = pydicom.Dataset()
    dataset.file_meta = meta
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.Modality, dataset.PatientID, dataset.PatientName = "CT", "4711", "Doe^Jane"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.SeriesNumber, dataset.InstanceNumber, dataset.SeriesDescription = 3, index + 1, "Thorax"
    dataset.PixelSpacing, dataset.SliceThickness, dataset.KVP = [0.7, 0.7], step, 120
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.ImagePositionPatient = [-100.0, -100.0, -50.0 + step * index]
    dataset.SliceLocation = -50.0 + step * index
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 1
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, -1024, "HU"
    dataset.Rows, dataset.Columns = samples.shape
    dataset.PixelData = (samples.astype(np.int32) + 1024).astype("<i2").tobytes()
    return dataset


def write_frames(path: Path, count: int, size: int = 64) -> np.ndarray:
    """An enhanced CT file with so many frames 2 mm apart; returns its `(count, size, size)` samples."""
    samples = np.stack([phantom_slice(index, size) for index in range(count)]).astype(np.int32) + 1024
    samples = samples.astype("<i2")
    dataset = ct_dataset(phantom_slice(0, size), 0)
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceLocation"):
        delattr(dataset, keyword)
    for keyword in ("RescaleSlope", "RescaleIntercept", "RescaleType", "SliceThickness"):
        delattr(dataset, keyword)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    dataset.NumberOfFrames = count
    shared = Dataset()
    shared.PixelMeasuresSequence = [_item(PixelSpacing=[0.7, 0.7], SliceThickness=2.0)]
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]
    shared.PixelValueTransformationSequence = [
        _item(RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU")
    ]
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = [
        _item(PlanePositionSequence=[_item(ImagePositionPatient=[-100.0, -100.0, 2.0 * index])])
        for index in range(count)
    ]
    dataset.PixelData = samples.tobytes()
    dataset.save_as(path, enforce_file_format=True)
    return samples


def _item(**values: object) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def without_place(picture: Picture) -> Picture:
    """The same picture, of no series."""
    return dataclasses.replace(picture, place=None)
