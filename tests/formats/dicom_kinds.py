"""DICOM files of every kind that is read, made by pydicom, GDCM and imagecodecs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pytest
from format_files import ct_dataset, mr_dataset
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)


def anatomy(shape: tuple[int, int], low: int, high: int, seed: int = 0) -> np.ndarray:
    """Whole numbers of a smooth scene with noise and an edge, from low to high."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    scene = 0.5 + 0.3 * np.sin(x / 9) * np.cos(y / 7) + 0.15 * (x > y) + rng.normal(0, 0.02, shape)
    return np.rint(low + (high - low) * scene.clip(0, 1)).astype(np.int64)


def by_gdcm(source: Path, syntax: str, quality: float = 0.0) -> None:
    """Compress a file in place with GDCM; `syntax` is the name of its constant."""
    gdcm = pytest.importorskip("gdcm", reason="python-gdcm makes these files")
    reader = gdcm.ImageReader()
    reader.SetFileName(str(source))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
    if quality:
        codec = gdcm.JPEGCodec() if syntax.startswith("JPEG") and "2000" not in syntax else None
        if codec is not None:
            codec.SetLossless(False)
            codec.SetQuality(quality)
            change.SetUserCodec(codec)
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(source))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


@dataclass(frozen=True)
class PixelKind:
    """A way in which pixels are stored.

    Args:
        name: what a reader of the table looks for.
        make: writes a file and returns the stored samples, `(H, W)` or `(frames, H, W)`.
        error: largest difference of a sample that the coding may make; 0 for lossless ones.
    """

    name: str
    make: Callable[[Path], np.ndarray]
    error: int = 0


def _plain(dtype: str, bits: int, low: int, high: int, make=ct_dataset) -> Callable[[Path], np.ndarray]:
    def write(path: Path) -> np.ndarray:
        stored = anatomy((40, 52), low, high).astype(dtype)
        make(stored, BitsStored=bits, HighBit=bits - 1).save_as(path, enforce_file_format=True)
        return stored

    return write


def _syntax(uid: str) -> Callable[[Path], np.ndarray]:
    def write(path: Path) -> np.ndarray:
        stored = anatomy((40, 52), -1000, 2000).astype(np.int16)
        data = ct_dataset(stored)
        if uid == ExplicitVRBigEndian:
            data.PixelData = stored.astype(">i2").tobytes()
        data.file_meta.TransferSyntaxUID = uid
        little, implicit = uid != ExplicitVRBigEndian, uid == ImplicitVRLittleEndian
        data.save_as(path, implicit_vr=implicit, little_endian=little, enforce_file_format=True)
        return stored

    return write


def _coded(syntax: str, dtype: str, bits: int, low: int, high: int, quality: float = 0.0):
    def write(path: Path) -> np.ndarray:
        stored = _plain(dtype, bits, low, high)(path)
        by_gdcm(path, syntax, quality)
        return stored

    return write


def _other(uid: str, encode: Callable[[np.ndarray], bytes], dtype: str, bits: int, low: int, high: int):
    """With a codestream that imagecodecs makes: kinds that GDCM does not write."""

    def write(path: Path) -> np.ndarray:
        stored = anatomy((40, 52), low, high).astype(dtype)
        data = ct_dataset(stored, BitsStored=bits, HighBit=bits - 1)
        data.PixelData = encapsulate([encode(stored)])
        data["PixelData"].is_undefined_length = True
        data.file_meta.TransferSyntaxUID = f"1.2.840.10008.1.2.4.{uid}"
        data.save_as(path, enforce_file_format=True)
        return stored

    return write


def _rle(frames: int) -> Callable[[Path], np.ndarray]:
    def write(path: Path) -> np.ndarray:
        stored = np.stack([anatomy((40, 52), -1000, 2000, seed) for seed in range(frames)]).astype(np.int16)
        data = ct_dataset(stored[0])
        if frames > 1:
            data.NumberOfFrames = frames
        data.PixelData = stored.tobytes()
        data.compress(RLELossless, generate_instance_uid=False)
        data.save_as(path, enforce_file_format=True)
        return stored if frames > 1 else stored[0]

    return write


def _frames(kind: str) -> Callable[[Path], np.ndarray]:
    """Several frames: uncompressed, deflated, or JPEG 2000 with or without a table of offsets."""

    def write(path: Path) -> np.ndarray:
        import imagecodecs

        stored = np.stack([anatomy((40, 52), 0, 4000, seed) for seed in range(5)]).astype(np.uint16)
        data = ct_dataset(stored[0], NumberOfFrames=5)
        if kind == "deflated":
            data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        data.PixelData = stored.tobytes()
        if kind in ("table", "no table"):
            coded = [
                imagecodecs.jpeg2k_encode(frame, codecformat="j2k", reversible=True, level=0)
                for frame in stored
            ]
            data.PixelData = encapsulate(coded, has_bot=kind == "table")
            data["PixelData"].is_undefined_length = True
            data.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
        data.save_as(path, enforce_file_format=True)
        return stored

    return write


def _ht(stored: np.ndarray) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.htj2k_encode(stored, reversible=True))


def _baseline(stored: np.ndarray) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.jpeg8_encode(stored, level=97))


def _extended(stored: np.ndarray) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.jpeg8_encode(stored, level=97, bitspersample=12))


_SV1 = "JPEGLosslessProcess14_1"
PIXEL_KINDS = [
    PixelKind("explicit little endian, 16 bits signed", _plain("i2", 16, -1000, 2000)),
    PixelKind("explicit little endian, 12 bits unsigned", _plain("u2", 12, 0, 4000)),
    PixelKind("explicit little endian, 8 bits", _plain("u1", 8, 0, 255)),
    PixelKind("MR, 12 bits", _plain("u2", 12, 0, 3000, mr_dataset)),
    PixelKind("implicit little endian", _syntax(ImplicitVRLittleEndian)),
    PixelKind("explicit big endian", _syntax(ExplicitVRBigEndian)),
    PixelKind("deflated", _syntax(DeflatedExplicitVRLittleEndian)),
    PixelKind("RLE", _rle(1)),
    PixelKind("RLE, several frames", _rle(4)),
    PixelKind("JPEG baseline, 8 bits, lossy", _other("50", _baseline, "u1", 8, 0, 255), 6),
    PixelKind("JPEG extended, 12 bits, lossy", _other("51", _extended, "u2", 12, 0, 4000), 60),
    PixelKind("JPEG lossless, process 14", _coded("JPEGLosslessProcess14", "u2", 12, 0, 4000)),
    PixelKind("JPEG lossless, first order, 12 bits", _coded(_SV1, "u2", 12, 0, 4000)),
    PixelKind("JPEG lossless, first order, 16 bits signed", _coded(_SV1, "i2", 16, -1000, 2000)),
    PixelKind("JPEG lossless, first order, 8 bits", _coded(_SV1, "u1", 8, 0, 255)),
    PixelKind("JPEG-LS lossless, 12 bits", _coded("JPEGLSLossless", "u2", 12, 0, 4000)),
    PixelKind("JPEG-LS lossless, 16 bits signed", _coded("JPEGLSLossless", "i2", 16, -1000, 2000)),
    PixelKind("JPEG-LS lossless, 8 bits", _coded("JPEGLSLossless", "u1", 8, 0, 255)),
    PixelKind("JPEG 2000 lossless, 12 bits", _coded("JPEG2000Lossless", "u2", 12, 0, 4000)),
    PixelKind("JPEG 2000 lossless, 16 bits signed", _coded("JPEG2000Lossless", "i2", 16, -1000, 2000)),
    PixelKind("JPEG 2000 lossless, 12 bits signed", _coded("JPEG2000Lossless", "i2", 12, -1000, 2000)),
    PixelKind("JPEG 2000, lossy", _coded("JPEG2000", "u2", 12, 0, 4000), 200),
    PixelKind("JPEG 2000 lossless, high throughput", _other("201", _ht, "u2", 16, 0, 4000)),
    PixelKind("several frames, uncompressed", _frames("plain")),
    PixelKind("several frames, deflated", _frames("deflated")),
    PixelKind("several frames, JPEG 2000 with a table of offsets", _frames("table")),
    PixelKind("several frames, JPEG 2000 without a table of offsets", _frames("no table")),
]  # fmt: skip


def write_slices(
    folder: Path, positions: list[float], size: tuple[int, int] = (6, 8), **changes
) -> list[Path]:
    """Axial slices at these heights, in this order; slice k holds the sample k everywhere.

    A value of `changes` may be a function of k.
    """
    folder.mkdir(exist_ok=True)
    uid = changes.pop("SeriesInstanceUID", generate_uid())
    reference = f"{uid[:60]}.1"
    prefix = changes.pop("prefix", "")
    paths = []
    for k, z in enumerate(positions):
        data = ct_dataset(np.full(size, k, np.int16), SeriesInstanceUID=uid, InstanceNumber=k + 1)
        data.ImagePositionPatient, data.FrameOfReferenceUID = [-100, -120, z], reference
        for name, value in changes.items():
            value = value(k) if callable(value) else value
            if value is None:
                delattr(data, name)
            else:
                setattr(data, name, value)
        paths.append(folder / f"{prefix}{k}.dcm")
        data.save_as(paths[-1], enforce_file_format=True)
    return paths


def enhanced(
    path: Path,
    positions: list[float],
    slope: Callable[[int], float] = lambda frame: 1.0,
    phase: Callable[[int], int] | None = None,
    size: tuple[int, int] = (6, 8),
    mr: bool = False,
) -> np.ndarray:
    """An enhanced CT or MR image whose facts are in functional groups; the samples `(frames, H, W)`."""
    stored = np.stack([anatomy(size, 0, 4000, seed) for seed in range(len(positions))]).astype(np.uint16)
    removed = (
        *("RescaleSlope", "RescaleIntercept", "RescaleType", "PixelSpacing", "SliceThickness"),
        *("WindowCenter", "WindowWidth", "WindowCenterWidthExplanation"),
        *("ImagePositionPatient", "ImageOrientationPatient"),
    )
    data = ct_dataset(stored[0], NumberOfFrames=len(positions), **dict.fromkeys(removed))
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    if mr:
        data.Modality = "MR"
        data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    shared = Dataset()
    shared.PlaneOrientationSequence = Sequence([_item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])])
    shared.PixelMeasuresSequence = Sequence([_item(PixelSpacing=[0.7, 0.6], SliceThickness=2.5)])
    data.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = []
    for frame, z in enumerate(positions):
        group = Dataset()
        group.PlanePositionSequence = Sequence([_item(ImagePositionPatient=[-90, -80, z])])
        group.PixelValueTransformationSequence = Sequence(
            [_item(RescaleSlope=slope(frame), RescaleIntercept=-1024, RescaleType="HU")]
        )
        group.FrameVOILUTSequence = Sequence([_item(WindowCenter=40 + frame, WindowWidth=400)])
        if mr:
            del group.PixelValueTransformationSequence
            group.MREchoSequence = Sequence([_item(EffectiveEchoTime=5.0 + 15 * (phase or int)(frame))])
        elif phase is not None:
            group.FrameContentSequence = Sequence([_item(TemporalPositionIndex=phase(frame))])
        groups.append(group)
    data.PerFrameFunctionalGroupsSequence = Sequence(groups)
    data.PixelData = stored.tobytes()
    data.save_as(path, enforce_file_format=True)
    return stored


def _item(**values) -> Dataset:
    item = Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    return item
