"""The two colour profiles that developed camera raw is saved with: sRGB, and linear Rec. 2020.

ICC.1:2001-04 (version 2), class display, three colorants and three curves. The bytes are the same
every time: no date of today, no name of this machine.
"""

import functools
import struct
from typing import Any

import numpy as np

_D50 = (0.9642, 1.0, 0.8249)
"""White of the profile connection space."""
_D65 = (0.3127, 0.3290)
_SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_REC_2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
"""x and y of red, green and blue: IEC 61966-2-1 and ITU-R BT.2020."""
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_CURVE_STEPS = 1024
_HEADER = 128
_COPYRIGHT = "No copyright, use freely"


@functools.cache
def srgb_profile() -> bytes:
    """Of sRGB (IEC 61966-2-1)."""
    code = np.linspace(0.0, 1.0, _CURVE_STEPS)
    light = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    samples = np.rint(light * 65535).astype(">u2")
    return _profile("sRGB (Denoise Studio)", _SRGB, struct.pack(">I", samples.size) + samples.tobytes())


@functools.cache
def linear_profile() -> bytes:
    """Linear light, primaries of ITU-R BT.2020: values are proportional to the light of the scene."""
    return _profile("Linear Rec. 2020 (Denoise Studio)", _REC_2020, struct.pack(">I", 0))


def colorants(primaries: Any) -> Any:
    """XYZ of red, green and blue as columns `(3, 3)`, adapted from D65 to D50 (Bradford).

    Args:
        primaries: x and y of red, green and blue.
    """
    xyz = np.array([_from_xy(*pair) for pair in primaries]).T
    white = _from_xy(*_D65)
    native = xyz * np.linalg.solve(xyz, white)
    cones = (_BRADFORD @ np.array(_D50)) / (_BRADFORD @ white)
    return np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD @ native


def _from_xy(x: float, y: float) -> Any:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _profile(name: str, primaries: Any, curve: bytes) -> bytes:
    fixed = _fixed(colorants(primaries))
    # Rounding must not tint white: blue takes what is left.
    fixed[:, 2] = _fixed(_D50) - fixed[:, 0] - fixed[:, 1]
    shared = _padded(b"curv" + bytes(4) + curve)
    tags = [
        (b"desc", _description(name)),
        (b"cprt", _padded(b"text" + bytes(4) + _COPYRIGHT.encode() + b"\0")),
        (b"wtpt", _place(_fixed(_D50))),
        *((channel + b"XYZ", _place(fixed[:, i])) for i, channel in enumerate((b"r", b"g", b"b"))),
        *((channel + b"TRC", shared) for channel in (b"r", b"g", b"b")),
    ]
    return _assembled(tags)


def _assembled(tags: list[tuple[bytes, bytes]]) -> bytes:
    """Header, table and data; equal data is stored once."""
    start = _HEADER + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    places: dict[bytes, int] = {}
    for signature, content in tags:
        if content not in places:
            places[content] = start + len(data)
            data += content
        table += signature + struct.pack(">II", places[content], len(content))
    header = struct.pack(">I4sI", start + len(data), bytes(4), 0x02400000) + b"mntrRGB XYZ "
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(24) + struct.pack(">I", 1)
    header += b"".join(struct.pack(">i", int(value)) for value in _fixed(_D50))
    return header.ljust(_HEADER, b"\0") + table + data


def _fixed(values: Any) -> Any:
    """s15Fixed16Number."""
    return np.rint(np.asarray(values) * 65536).astype(np.int64)


def _place(values: Any) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(int(value) for value in values))


def _description(name: str) -> bytes:
    text = name.encode("ascii") + b"\0"
    # No Unicode and no ScriptCode form: their places stay empty.
    return _padded(b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(4 + 4 + 2 + 1 + 67))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
