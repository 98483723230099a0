"""The two colour profiles that developed camera raw is saved with."""

import functools
import struct

import numpy as np

_D50 = (0.9642, 1.0, 0.8249)
_D65 = (0.3127, 0.3290)
_REC2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
"""x, y of red, green and blue (ITU-R BT.2020)."""
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_HEADER = 128


@functools.cache
def srgb_profile() -> bytes:
    """The sRGB profile of Little CMS."""
    from PIL import ImageCms

    return bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())


@functools.cache
def linear_profile() -> bytes:
    """A matrix profile (ICC.1:2001-04): primaries of Rec. 2020, D65, linear light."""
    columns = _adapted_primaries()
    names = (b"rXYZ", b"gXYZ", b"bXYZ")
    tags = {
        b"desc": _description("Linear Rec. 2020"),
        b"cprt": b"text" + bytes(4) + b"Public domain\0",
        b"wtpt": _xyz(_D50),
        **{name: _xyz(columns[:, index]) for index, name in enumerate(names)},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), b"curv" + bytes(4) + struct.pack(">I", 0)),
    }
    table, data = struct.pack(">I", len(tags)), b""
    start = _HEADER + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    body = table + data
    return _header(_HEADER + len(body)) + body


def _adapted_primaries() -> np.ndarray:  # type: ignore[type-arg]
    """XYZ of the primaries at full strength, adapted from D65 to D50 (Bradford), as columns."""
    primaries = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in _REC2020]).T
    x, y = _D65
    white = np.array([x / y, 1.0, (1 - x - y) / y])
    xyz = primaries * np.linalg.solve(primaries, white)
    gains = (_BRADFORD @ np.array(_D50)) / (_BRADFORD @ white)
    return np.asarray(np.linalg.inv(_BRADFORD) @ np.diag(gains) @ _BRADFORD @ xyz)


def _header(size: int) -> bytes:
    return (
        struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02400000, b"mntr", b"RGB ", b"XYZ ")
        + struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
        + b"acsp"
        + bytes(28)
        + _fixed(_D50)
        + bytes(48)
    )


def _xyz(values: object) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(values)


def _fixed(values: object) -> bytes:
    return struct.pack(">3i", *(round(float(value) * 65536) for value in values))  # type: ignore[attr-defined]


def _description(text: str) -> bytes:
    content = text.encode("ascii") + b"\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(content)) + content + bytes(78)
