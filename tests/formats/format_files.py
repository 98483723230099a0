"""Small files and pictures that the format tests make themselves."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid


def ct_dataset(stored: np.ndarray, **changes: Any) -> Dataset:
    """A complete CT slice; keyword arguments replace attributes, None removes them."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = CTImageStorage
    data.SOPInstanceUID = generate_uid()
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.StudyDate, data.StudyTime, data.AccessionNumber = "20200102", "101112", ""
    data.ContentDate, data.ContentTime = "20200102", "101113"
    data.Modality, data.Manufacturer, data.ManufacturerModelName = "CT", "Maker", "Scanner 1"
    data.ReferringPhysicianName = ""
    data.PatientName, data.PatientID = "Secret^Name", "ID-4711"
    data.PatientBirthDate, data.PatientSex = "19500101", "O"
    data.StudyInstanceUID, data.SeriesInstanceUID = generate_uid(), generate_uid()
    data.FrameOfReferenceUID, data.PositionReferenceIndicator = generate_uid(), ""
    data.StudyID, data.SeriesNumber, data.AcquisitionNumber, data.InstanceNumber = "1", 3, 1, 7
    data.SeriesDescription = "Thorax 5.0 B30f"
    data.PatientPosition = "HFS"
    data.ImagePositionPatient, data.ImageOrientationPatient = [-100, -120, 35], [1, 0, 0, 0, 1, 0]
    data.PixelSpacing, data.SliceThickness, data.KVP = [0.75, 0.5], 5, 120
    data.WindowCenter, data.WindowWidth = [40, -600], [400, 1500]
    data.WindowCenterWidthExplanation = ["SOFT", "LUNG"]
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = -1024, 1, "HU"
    block = data.private_block(0x0099, "TEST MAKER", create=True)
    block.add_new(0x01, "LO", "kept as it is")
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = stored.shape
    allocated = stored.dtype.itemsize * 8
    data.BitsAllocated, data.BitsStored, data.HighBit = allocated, allocated, allocated - 1
    data.PixelRepresentation = int(stored.dtype.kind == "i")
    little = stored.astype(stored.dtype.newbyteorder("<")).tobytes()
    data.add_new(0x7FE00010, "OW" if allocated > 8 else "OB", little + bytes(len(little) % 2))
    for name, value in changes.items():
        if value is None:
            delattr(data, name)
        else:
            setattr(data, name, value)
    return data


def mr_dataset(stored: np.ndarray, **changes: Any) -> Dataset:
    data = ct_dataset(
        stored, RescaleIntercept=None, RescaleSlope=None, RescaleType=None, KVP=None, Modality="MR", **changes
    )
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = MRImageStorage
    return data


def noise(shape: tuple[int, ...], dtype: Any, seed: int = 1) -> np.ndarray:
    """Samples over the whole range of a type (floats: standard normal)."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype=dtype.newbyteorder("="), endpoint=True)


def exif_block(orientation: int = 6, thumbnail: bool = True, order: str = "<") -> bytes:
    """An EXIF block with Make, orientation, a maker note at a known place, GPS and a thumbnail."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    make, note, thumb = b"Camera\0", b"MakerNote bytes!", b"\xff\xd8thumb\xff\xd9"
    ifd0, exif_ifd, gps_ifd, ifd1, values = 8, 100, 140, 180, 240

    def entry(tag: int, kind: int, count: int, value: bytes) -> bytes:
        return struct.pack(order + "HHI", tag, kind, count) + value.ljust(4, b"\0")

    def long(value: int) -> bytes:
        return struct.pack(order + "I", value)

    def short(value: int) -> bytes:
        return struct.pack(order + "H", value)

    def ifd(entries: list[bytes], following: int) -> bytes:
        return short(len(entries)) + b"".join(entries) + long(following)

    parts = {
        0: mark + long(ifd0),
        ifd0: ifd(
            [
                entry(271, 2, len(make), long(values)),
                entry(274, 3, 1, short(orientation)),
                entry(0x8769, 4, 1, long(exif_ifd)),
                entry(0x8825, 4, 1, long(gps_ifd)),
            ],
            ifd1 if thumbnail else 0,
        ),
        exif_ifd: ifd([entry(0x8827, 3, 1, short(3200)), entry(0x927C, 7, len(note), long(values + 16))], 0),
        gps_ifd: ifd([entry(1, 2, 2, b"N\0")], 0),
        ifd1: ifd([entry(0x0201, 4, 1, long(values + 40)), entry(0x0202, 4, 1, long(len(thumb)))], 0),
        values: make,
        values + 16: note,
        values + 40: thumb,
    }
    block = bytearray(values + 60)
    for at, data in parts.items():
        block[at : at + len(data)] = data
    return bytes(block)


def icc_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def pillow(path: Path) -> Any:
    """Pillow's view of a file, without leaving it open."""
    return Image.open(io.BytesIO(path.read_bytes()))
