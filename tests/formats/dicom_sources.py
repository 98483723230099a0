"""DICOM files in every transfer syntax, made by encoders that the program does not use for DICOM."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from format_files import ct_dataset
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

PLAIN = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "big endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
}
Encoder = Callable[[np.ndarray], bytes]
PACKED: dict[str, tuple[str, Encoder]] = {
    "JPEG lossless": (JPEGLosslessSV1, lambda a: imagecodecs.ljpeg_encode(a.view(f"u{a.itemsize}"))),
    "JPEG-LS": (JPEGLSLossless, lambda a: imagecodecs.jpegls_encode(a.view(f"u{a.itemsize}"))),
    "JPEG 2000": (
        JPEG2000Lossless,
        lambda a: imagecodecs.jpeg2k_encode(a, reversible=True, codecformat="j2k", level=0),
    ),
}
SYNTAXES = [*PLAIN, "RLE", *PACKED]


def in_syntax(data: Dataset, stored: np.ndarray, name: str) -> Dataset:
    """The same image in another transfer syntax; `stored` are its samples, `(H, W)` or `(frames, H, W)`."""
    frames = stored if stored.ndim == 3 else stored[None]
    if name in PLAIN:
        data.file_meta.TransferSyntaxUID = PLAIN[name]
        order = ">" if name == "big endian" else "<"
        data.PixelData = _even(
            np.ascontiguousarray(frames).astype(stored.dtype.newbyteorder(order)).tobytes()
        )
        return data
    if name == "RLE":
        data.compress(RLELossless, generate_instance_uid=False)
        return data
    syntax, encoder = PACKED[name]
    data.file_meta.TransferSyntaxUID = syntax
    data.PixelData = encapsulate([_even(encoder(np.ascontiguousarray(frame))) for frame in frames])
    data["PixelData"].VR = "OB"
    return data


def write_source(path: Path, stored: np.ndarray, name: str = "explicit", **changes: Any) -> Path:
    """A CT slice of these samples in a transfer syntax of `SYNTAXES`."""
    in_syntax(ct_dataset(stored, **changes), stored, name).save_as(path, enforce_file_format=True)
    return path


def _even(data: bytes) -> bytes:
    return data + bytes(len(data) % 2)


def enhanced_ct(stored: np.ndarray, **changes: Any) -> Dataset:
    """An Enhanced CT object of `(frames, H, W)` samples; the frames lie 2 mm apart, last one first."""
    data = ct_dataset(stored[0])
    for name in (
        *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "KVP"),
        *("WindowCenter", "WindowWidth", "WindowCenterWidthExplanation"),
        *("RescaleIntercept", "RescaleSlope", "RescaleType"),
    ):
        delattr(data, name)
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    data.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    data.NumberOfFrames = len(stored)
    data.InstanceNumber = 1
    data.PixelData = _even(stored.astype(stored.dtype.newbyteorder("<")).tobytes())
    data.AcquisitionDateTime, data.AcquisitionDuration = "20200102101113", 2.0
    data.PixelPresentation, data.VolumetricProperties = "MONOCHROME", "VOLUME"
    data.VolumeBasedCalculationTechnique, data.ContentQualification = "NONE", "PRODUCT"
    data.BurnedInAnnotation, data.LossyImageCompression = "NO", "00"
    data.PresentationLUTShape, data.DeviceSerialNumber, data.SoftwareVersions = "IDENTITY", "12", "1"
    data.AcquisitionContextSequence = Sequence()
    organisation = generate_uid()
    data.DimensionOrganizationSequence = Sequence([_item(DimensionOrganizationUID=organisation)])
    data.DimensionIndexSequence = Sequence(
        _item(
            DimensionOrganizationUID=organisation,
            DimensionIndexPointer=pointer,
            FunctionalGroupPointer=0x00209111,
        )
        for pointer in (0x00209056, 0x00209057)
    )
    data.SharedFunctionalGroupsSequence = Sequence([_shared()])
    data.PerFrameFunctionalGroupsSequence = Sequence(_frame(n, len(stored)) for n in range(len(stored)))
    for name, value in changes.items():
        setattr(data, name, value)
    return data


def _shared() -> Dataset:
    anatomy = _item(CodeValue="51185008", CodingSchemeDesignator="SCT", CodeMeaning="Chest")
    kinds = _item(
        FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
        PixelPresentation="MONOCHROME",
        VolumetricProperties="VOLUME",
        VolumeBasedCalculationTechnique="NONE",
    )
    return _item(
        CTImageFrameTypeSequence=Sequence([kinds]),
        PixelMeasuresSequence=Sequence([_item(PixelSpacing=[0.75, 0.5], SliceThickness=2)]),
        PlaneOrientationSequence=Sequence([_item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]),
        FrameAnatomySequence=Sequence(
            [_item(AnatomicRegionSequence=Sequence([anatomy]), FrameLaterality="U")]
        ),
        IrradiationEventIdentificationSequence=Sequence([_item(IrradiationEventUID=generate_uid())]),
        FrameVOILUTSequence=Sequence([_item(WindowCenter=40, WindowWidth=400)]),
    )


def _frame(index: int, count: int) -> Dataset:
    content = _item(
        FrameReferenceDateTime="20200102101113",
        FrameAcquisitionDateTime="20200102101113",
        FrameAcquisitionDuration=1.0,
        FrameAcquisitionNumber=1,
        StackID="1",
        InStackPositionNumber=count - index,
        DimensionIndexValues=[1, count - index],
    )
    return _item(
        FrameContentSequence=Sequence([content]),
        PlanePositionSequence=Sequence([_item(ImagePositionPatient=[-100, -120, 2.0 * (count - index)])]),
        PixelValueTransformationSequence=Sequence(
            [_item(RescaleIntercept=-1024 + index, RescaleSlope=1, RescaleType="HU")]
        ),
    )


def _item(**values: Any) -> Dataset:
    data = Dataset()
    for name, value in values.items():
        setattr(data, name, value)
    return data
