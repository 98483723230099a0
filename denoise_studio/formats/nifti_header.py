"""The header of NIfTI-1 (348 bytes) and NIfTI-2 (540 bytes), as nifti1.h and nifti2.h define it."""

import math
import zlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from denoise_studio.core.errors import FormatError

_NIFTI1 = np.dtype(
    {
        "names": ["sizeof_hdr", "dim", "datatype", "bitpix", "pixdim", "vox_offset", "scl_slope",
                  "scl_inter", "xyzt_units", "cal_max", "cal_min", "qform_code", "sform_code", "quatern",
                  "qoffset", "srow", "magic"],
        "formats": ["i4", "8i2", "i2", "i2", "8f4", "f4", "f4", "f4", "u1", "f4", "f4", "i2", "i2", "3f4",
                    "3f4", "(3,4)f4", "S4"],
        "offsets": [0, 40, 70, 72, 76, 108, 112, 116, 123, 124, 128, 252, 254, 256, 268, 280, 344],
        "itemsize": 348,
    }
)  # fmt: skip
_NIFTI2 = np.dtype(
    {
        "names": ["sizeof_hdr", "magic", "datatype", "bitpix", "dim", "pixdim", "vox_offset", "scl_slope",
                  "scl_inter", "cal_max", "cal_min", "qform_code", "sform_code", "quatern", "qoffset",
                  "srow", "xyzt_units"],
        "formats": ["i4", "S8", "i2", "i2", "8i8", "8f8", "i8", "f8", "f8", "f8", "f8", "i4", "i4", "3f8",
                    "3f8", "(3,4)f8", "i4"],
        "offsets": [0, 4, 12, 14, 16, 104, 168, 176, 184, 192, 200, 344, 348, 352, 376, 400, 500],
        "itemsize": 540,
    }
)  # fmt: skip
_TYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
_REFUSED = {
    1: "single bits", 32: "complex numbers", 128: "colours", 1536: "128-bit numbers",
    1792: "complex numbers", 2048: "complex numbers", 2304: "colours",
}  # fmt: skip
Doubles = npt.NDArray[np.float64]
_UNITS = {1: 1000.0, 2: 1.0, 3: 0.001}
HEAD = 540


@dataclass(frozen=True, eq=False)
class Header:
    """What a NIfTI file says of its volume.

    Args:
        version: 1 or 2.
        order: of the bytes of its numbers, "<" or ">".
        shape: columns (i), rows (j), slices (k), volumes (all further dimensions together).
        dtype: of a stored voxel, with its byte order.
        offset: of the first voxel.
        slope: `value = stored * slope + intercept`.
        intercept: see there.
        affine: `(4, 4)`, voxel index to mm, x to the right, y to the front, z to the head; None
            where the file does not tell.
        method: which of the header's transforms `affine` is: "sform", "qform" or "".
        size: of a voxel along i, j, k, mm.
        window: darkest and brightest value that the file wants shown, or None.
    """

    version: int
    order: str
    shape: tuple[int, int, int, int]
    dtype: Any
    offset: int
    slope: float
    intercept: float
    affine: Doubles | None
    method: str
    size: tuple[float, float, float]
    window: tuple[float, float] | None

    @property
    def slices(self) -> int:
        """Slices of all volumes."""
        return self.shape[2] * self.shape[3]

    @property
    def slice_bytes(self) -> int:
        return self.shape[0] * self.shape[1] * int(self.dtype.itemsize)

    @property
    def need(self) -> int:
        """Bytes up to the end of the last voxel."""
        return self.offset + self.slices * self.slice_bytes


def plain_head(head: bytes) -> bytes:
    """The first bytes of a file, inflated where they are a gzip's; empty where those are damaged."""
    if head[:2] != b"\x1f\x8b":
        return head[:HEAD]
    try:
        return zlib.decompressobj(31).decompress(head, HEAD)
    except zlib.error:
        return b""


def is_nifti(head: bytes) -> bool:
    """Whether inflated bytes begin as NIfTI or as one of a pair of NIfTI files."""
    return _layout(head) is not None


def _layout(head: bytes) -> tuple[int, Literal["<", ">"], bool] | None:
    """Version, byte order, and whether the voxels are in the same file."""
    orders: tuple[Literal["<"], Literal[">"]] = ("<", ">")
    for order in orders:
        size = int(np.frombuffer(head[:4], order + "i4")[0]) if len(head) >= 348 else 0
        if size == 348 and head[344:348] in (b"n+1\0", b"ni1\0"):
            return 1, order, head[344:348] == b"n+1\0"
        if size == 540 <= len(head) and head[4:8] in (b"n+2\0", b"ni2\0"):
            return 2, order, head[4:8] == b"n+2\0"
    return None


def parse(head: bytes, name: str) -> Header:
    """Read a header.

    Args:
        head: the file's first 540 bytes, inflated.
        name: the file's, for messages.

    Raises:
        FormatError: no NIfTI, or of a kind that is not read; one sentence.
    """
    found = _layout(head)
    if found is None:
        raise FormatError(f"{name} is not a NIfTI file, or its header is cut short.")
    version, order, single = found
    if not single:
        raise FormatError(
            f"{name} is half of a NIfTI pair (.hdr and .img); only single .nii files are opened."
        )
    layout = (_NIFTI1 if version == 1 else _NIFTI2).newbyteorder(order)
    fields = np.frombuffer(head, layout, 1)[0]
    size = _voxel_size(fields)
    affine, method = _affine(fields, size)
    slope, intercept = _scaling(fields)
    low, high = float(fields["cal_min"]), float(fields["cal_max"])
    return Header(
        version=version,
        order=order,
        shape=_shape(fields, name),
        dtype=_dtype(int(fields["datatype"]), order, name),
        offset=_offset(fields, version, name),
        slope=slope,
        intercept=intercept,
        affine=affine,
        method=method,
        size=size,
        window=(low, high) if math.isfinite(low) and math.isfinite(high) and low < high else None,
    )


def _shape(fields: Any, name: str) -> tuple[int, int, int, int]:
    dims = [int(value) for value in fields["dim"]]
    if not 2 <= dims[0] <= 7:
        raise FormatError(f"{name} has {dims[0]} dimensions; NIfTI pictures and volumes have 2 to 7.")
    used = [*dims[1 : dims[0] + 1], 1, 1][: max(3, dims[0])]
    if min(used) < 1:
        raise FormatError(f"{name} has no voxels ({' x '.join(map(str, used))}).")
    return used[0], used[1], used[2], math.prod(used[3:])


def _dtype(code: int, order: str, name: str) -> Any:
    if code not in _TYPES:
        what = _REFUSED.get(code, f"voxels of an unknown type ({code})")
        raise FormatError(f"{name} holds {what}, which are not opened as a volume.")
    return np.dtype(order + _TYPES[code])


def _offset(fields: Any, version: int, name: str) -> int:
    value, least = float(fields["vox_offset"]), 352 if version == 1 else 544
    if value == 0:
        return least
    if not least - 4 <= value < 2**40 or value != int(value):
        raise FormatError(f"{name} is damaged: its voxels begin at byte {value:g}.")
    return int(value)


def _scaling(fields: Any) -> tuple[float, float]:
    """A slope of 0 means that there is none (nifti1.h, "DATA SCALING")."""
    slope, intercept = float(fields["scl_slope"]), float(fields["scl_inter"])
    if slope == 0 or not math.isfinite(slope):
        return 1.0, 0.0
    return slope, intercept if math.isfinite(intercept) else 0.0


def _voxel_size(fields: Any) -> tuple[float, float, float]:
    unit = _UNITS.get(int(fields["xyzt_units"]) & 7, 1.0)
    sizes = [abs(float(value)) * unit for value in fields["pixdim"][1:4]]
    i, j, k = (size if math.isfinite(size) and size > 0 else 1.0 for size in sizes)
    return i, j, k


def _affine(fields: Any, size: tuple[float, float, float]) -> tuple[Doubles | None, str]:
    """The sform if the file has one, else the qform (nifti1.h, "METHOD 2" and "METHOD 3")."""
    unit = _UNITS.get(int(fields["xyzt_units"]) & 7, 1.0)
    if int(fields["sform_code"]) > 0:
        affine = np.eye(4)
        affine[:3] = np.asarray(fields["srow"], np.float64) * unit
        if np.isfinite(affine).all() and abs(np.linalg.det(affine[:3, :3])) > 1e-9:
            return affine, "sform"
    if int(fields["qform_code"]) > 0:
        affine = np.eye(4)
        rotation = _rotation(np.asarray(fields["quatern"], np.float64))
        sign = -1.0 if float(fields["pixdim"][0]) < 0 else 1.0
        affine[:3, :3] = rotation * np.array([size[0], size[1], size[2] * sign])
        affine[:3, 3] = np.asarray(fields["qoffset"], np.float64) * unit
        if np.isfinite(affine).all():
            return affine, "qform"
    return None, ""


def _rotation(bcd: Doubles) -> Doubles:
    """Of a unit quaternion whose first part is left out and not negative (nifti1.h)."""
    b, c, d = bcd
    rest = 1.0 - float(bcd @ bcd)
    if rest < 1e-7:  # rounding of a half turn
        b, c, d = bcd / np.linalg.norm(bcd)
        rest = 0.0
    a = math.sqrt(rest)
    return np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
