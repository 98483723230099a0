"""DICOM files in every transfer syntax, made by encoders that the program does not use for DICOM."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from format_files import ct_dataset
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
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
