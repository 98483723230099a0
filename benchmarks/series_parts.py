"""A made CT series on disk, for the benchmark of series."""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid


def write_series(folder: Path, count: int, size: int) -> None:
    """Water with a rod and noise of 20 HU, a slice every millimetre, files in a shuffled order."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    order = random.permutation(count)
    y, x = np.mgrid[0:size, 0:size] - (size - 1) / 2
    body = np.where(np.hypot(x, y) < 0.45 * size, 0.0, -1000.0)
    study, series = generate_uid(), generate_uid()
    for index in range(count):
        hu = body.copy()
        hu[np.hypot(x - size / 6, y) < size / 20 + index % 20] = 100.0
        hu += 20 * random.standard_normal(hu.shape)
        dataset = _head(study, series, index)
        dataset.Rows, dataset.Columns = hu.shape
        dataset.PixelData = (np.rint(hu) + 1024).astype("<i2").tobytes()
        dataset.save_as(folder / f"IM{order[index]:05d}", enforce_file_format=True)


def _head(study: str, series: str, index: int) -> Dataset:
    dataset = pydicom.Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.ImageType, dataset.Modality = ["ORIGINAL", "PRIMARY", "AXIAL"], "CT"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
    dataset.SeriesNumber, dataset.InstanceNumber = 2, index + 1
    dataset.PixelSpacing, dataset.SliceThickness = [0.7, 0.7], 1.0
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.ImagePositionPatient = [-179.0, -179.0, float(index)]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 1
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, -1024, "HU"
    return dataset
