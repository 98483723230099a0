"""Makes the pictures of `resources/samples`, bit for bit: `python -m denoise_studio.training.make_samples`.

Everything is drawn from fixed seeds, and dates and identifiers are constants, so that a second
run with the same versions (constraints.txt) changes no byte.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from denoise_studio.core.types import FloatArray
from denoise_studio.noise.ct_dose import Scan, inscribed_circle, simulate_dose
from denoise_studio.noise.phantom import FIELD_OF_VIEW, phantom

SIZE = 512
PADDING_STORED = -2000
"""Stored value outside the scanned circle, as GE and Siemens mark it."""
INTERCEPT = -1024
LOW_DOSE = Scan(photons=2e5, electronic=12.0, views=720, kernel="hann")
CT_SEED = 1

ELECTRONS = 250.0
"""Electrons of a white pixel's green channel: a small sensor near ISO 12800."""
READ_NOISE = 3.0
"""sd in electrons."""
WHITE_BALANCE = (1.9, 1.0, 1.6)
"""Gains of red, green and blue by which the sensor saw less than the picture shows."""
PHOTO_SEED = 2

_DATE, _TIME = "20260101", "120000"
_UID_ROOT = "2.25.249296009084791872139058366815539334971"


def make_samples(folder: Path) -> list[Path]:
    """Write all sample pictures into an existing folder and return their paths."""
    clean = phantom(SIZE)
    noisy = simulate_dose(clean, FIELD_OF_VIEW / SIZE, LOW_DOSE, seed=CT_SEED)
    photo = clean_photo()
    return [
        _save_ct(folder / "ct-phantom.dcm", noisy, series=1, name="Phantom, low dose"),
        _save_ct(folder / "ct-phantom-clean.dcm", clean, series=2, name="Phantom, without noise"),
        _save_photo(folder / "photo.png", add_camera_noise(photo, PHOTO_SEED), "with simulated sensor noise"),
        _save_photo(folder / "photo-clean.png", photo, "as the photographer gave it"),
    ]


def stored_ct(hu: FloatArray) -> Any:
    """`(H, W)` HU as int16 stored values, the padding outside the circle included."""
    stored = np.rint(hu).astype(np.int16) - np.int16(INTERCEPT)
    return np.where(inscribed_circle(hu.shape[0]), stored, np.int16(PADDING_STORED))


def clean_photo() -> Any:
    """`(H, W, 3)` uint8 sRGB: the cup of coffee by Rachel Michetti (CC0) that scikit-image ships."""
    from skimage.data import coffee

    return coffee()


def add_camera_noise(photo: Any, seed: int) -> Any:
    """Noise of a one-chip colour camera, `(H, W, 3)` uint8 sRGB in and out.

    Shot and read noise are drawn at every site of a Bayer mosaic (RGGB) from the linear light
    there, and the noise alone goes through bilinear demosaicing, which is linear: so it is
    signal-dependent, coarse in colour and finer in brightness, and the picture stays sharp.
    """
    import cv2

    linear = _to_linear(photo / 255.0)
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(photo.shape[:2]) % 2
    sites = ((rows == 0) & (columns == 0), rows != columns, (rows == 1) & (columns == 1))
    cross = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4.0
    square = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4.0
    noisy = np.empty_like(linear)
    for channel, (site, gain) in enumerate(zip(sites, WHITE_BALANCE, strict=True)):
        electrons = linear[..., channel] * (ELECTRONS / gain)
        counted = rng.poisson(electrons) + READ_NOISE * rng.standard_normal(electrons.shape)
        error = np.where(site, (counted - electrons) * (gain / ELECTRONS), 0.0)
        kernel = cross if channel == 1 else square
        # Mirrored about the outermost pixels, the mosaic goes on in step.
        noise = cv2.filter2D(error, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
        noisy[..., channel] = linear[..., channel] + noise
    return np.rint(_to_srgb(np.clip(noisy, 0.0, 1.0)) * 255.0).astype(np.uint8)


def _to_linear(v: Any) -> Any:
    """Inverse of the sRGB transfer curve, IEC 61966-2-1."""
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def _to_srgb(v: Any) -> Any:
    return np.where(v <= 0.0031308, v * 12.92, 1.055 * v ** (1 / 2.4) - 0.055)


def _save_photo(path: Path, pixels: Any, how: str) -> Path:
    from PIL import Image, ImageCms, PngImagePlugin

    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # The header's creation date (12 bytes, six 16-bit numbers) would differ with every run.
    profile[24:36] = b"".join(number.to_bytes(2, "big") for number in (2026, 1, 1, 12, 0, 0))
    exif = Image.Exif()
    exif[0x010E] = f"Cup of coffee, {how}"
    exif[0x0112] = 1
    exif[0x013B] = "Rachel Michetti"
    exif[0x8298] = "CC0 1.0, public domain"
    exif.get_ifd(0x8769)[0x8827] = 12800
    text = PngImagePlugin.PngInfo()
    text.add_text("Description", f"Cup of coffee, {how}; CC0 1.0")
    picture = Image.fromarray(pixels)
    picture.save(path, icc_profile=bytes(profile), exif=exif.tobytes(), pnginfo=text, compress_level=9)
    return path


def _save_ct(path: Path, hu: FloatArray, series: int, name: str) -> Path:
    """Write a CT Image Storage object; DICOM PS3.3, A.3 and the modules it names."""
    from pydicom import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    data = Dataset()
    data.SOPClassUID = CTImageStorage
    data.SOPInstanceUID = f"{_UID_ROOT}.{series}.1"
    data.StudyInstanceUID = f"{_UID_ROOT}.10"
    data.SeriesInstanceUID = f"{_UID_ROOT}.{series}"
    data.FrameOfReferenceUID = f"{_UID_ROOT}.20"
    for keyword, value in _CT_HEADER.items():
        setattr(data, keyword, value)
    data.SeriesNumber, data.SeriesDescription = series, name
    if series == 1:
        data.ConvolutionKernel = LOW_DOSE.kernel.upper()
        data.KVP, data.ExposureTime, data.XRayTubeCurrent, data.Exposure = 120, 500, 60, 30
    spacing = FIELD_OF_VIEW / SIZE
    corner = (spacing - FIELD_OF_VIEW) / 2
    data.PixelSpacing, data.ImagePositionPatient = [spacing, spacing], [corner, corner, 0]
    data.Rows = data.Columns = SIZE
    data.PixelData = stored_ct(hu).astype("<i2").tobytes()
    data["PixelData"].VR = "OW"

    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.ImplementationClassUID = f"{_UID_ROOT}.30"
    data.file_meta.ImplementationVersionName = "DENOISE_STUDIO"
    data.save_as(path, enforce_file_format=True)
    return path


_CT_HEADER: dict[str, Any] = {
    "SpecificCharacterSet": "ISO_IR 192",
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "StudyDate": _DATE, "StudyTime": _TIME, "SeriesDate": _DATE, "SeriesTime": _TIME,
    "AcquisitionDate": _DATE, "AcquisitionTime": _TIME, "ContentDate": _DATE, "ContentTime": _TIME,
    "AccessionNumber": "", "Modality": "CT", "Manufacturer": "Denoise Studio",
    "ManufacturerModelName": "Simulated parallel-beam CT", "DeviceSerialNumber": "1", "SoftwareVersions": "1",
    "ReferringPhysicianName": "", "StudyDescription": "Phantom of an upper abdomen",
    "PatientName": "PHANTOM^ABDOMEN", "PatientID": "PHANTOM", "PatientBirthDate": "", "PatientSex": "O",
    "BodyPartExamined": "ABDOMEN", "SliceThickness": 5, "KVP": "", "DataCollectionDiameter": FIELD_OF_VIEW,
    "ReconstructionDiameter": FIELD_OF_VIEW, "GantryDetectorTilt": 0, "PatientPosition": "HFS",
    "StudyID": "1", "AcquisitionNumber": 1, "InstanceNumber": 1, "PositionReferenceIndicator": "",
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "SliceLocation": 0, "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15,
    "PixelRepresentation": 1, "PixelPaddingValue": PADDING_STORED, "BurnedInAnnotation": "NO",
    "WindowCenter": [40, -600], "WindowWidth": [400, 1500], "RescaleIntercept": INTERCEPT, "RescaleSlope": 1,
    "RescaleType": "HU", "WindowCenterWidthExplanation": ["Soft tissue", "Lung"],
    "LossyImageCompression": "00",
}  # fmt: skip


def main() -> None:
    here = Path(__file__).resolve().parents[2] / "resources" / "samples"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder", nargs="?", type=Path, default=here, help="where to write (default: %(default)s)"
    )
    make_samples(parser.parse_args().folder)


if __name__ == "__main__":
    main()
