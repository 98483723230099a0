"""Broken DICOM files, each from a seed: what a bad disk, a bad network or a bad person makes of them.

Also runs as a program, `python dicom_fuzz.py FOLDER`: opens every file of the folder as the program does
and prints a line of JSON for each. The test runs it in a process of its own, so that a decoder that
crashes is seen.
"""

import itertools
import json
import struct
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

Maker = Callable[[np.random.Generator], bytes]
SIDE = 48
FLIPPED = ("explicit", "implicit", "big endian", "deflated", "RLE", "JPEG lossless", "JPEG-LS", "JPEG 2000")


def phantom(dtype: str = "int16") -> np.ndarray:
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    return np.asarray(np.hypot(x, y) * 20 + rng.normal(0, 9, (SIDE, SIDE)) + 900, dtype)


def content(data: Any) -> bytes:
    from io import BytesIO

    out = BytesIO()
    data.save_as(out, enforce_file_format=True)
    return out.getvalue()


def source(syntax: str, enhanced: bool = False) -> bytes:
    """A sound file, before it is broken; always the same bytes."""
    from dicom_sources import enhanced_ct, in_syntax
    from format_files import ct_dataset

    stored = phantom("uint16" if syntax == "JPEG lossless" else "int16")
    if enhanced:
        stored = np.stack([stored, stored + 1, stored + 2])
    data = enhanced_ct(stored) if enhanced else ct_dataset(stored)
    numbers = itertools.count(1)

    def fix(dataset: Any, element: Any) -> None:
        if element.VR == "UI" and not str(element.value).startswith("1.2.840.10008"):
            element.value = f"1.2.826.0.1.3680043.8.498.{10**37 + next(numbers)}"

    data.walk(fix)
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    return content(in_syntax(data, stored, syntax))


def element(group: int, number: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    """An element in Explicit VR Little Endian, with a length that may be a lie."""
    size = len(value) if length is None else length
    if vr in (b"OB", b"OW", b"SQ", b"UN", b"UT"):
        return struct.pack("<HH2sHI", group, number, vr, 0, size) + value
    return struct.pack("<HH2sH", group, number, vr, size & 0xFFFF) + value


def in_front(data: bytes, *elements: bytes, before: tuple[int, int] = (0x7FE0, 0x0010)) -> bytes:
    """Elements put in before another one of a file in Explicit VR Little Endian."""
    at = data.rindex(struct.pack("<HH", *before))
    return data[:at] + b"".join(elements) + data[at:]


def deflated(*parts: bytes | int) -> bytes:
    """A file whose data set is these bytes, deflated; a number stands for that many megabytes of zeros."""
    engine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    out = content_of_meta("1.2.840.10008.1.2.1.99")
    for part in parts:
        if isinstance(part, bytes):
            out += engine.compress(part) + engine.flush(zlib.Z_FULL_FLUSH)
        else:
            mega = engine.compress(bytes(1 << 20)) + engine.flush(zlib.Z_FULL_FLUSH)
            out += mega * part  # after a full flush the next block knows nothing of the last
    return out + engine.flush()


def content_of_meta(syntax: str) -> bytes:
    uid = syntax.encode() + bytes(len(syntax) % 2)
    inner = element(2, 2, b"UI", b"1.2.840.10008.5.1.4.1.1.2\0") + element(2, 0x10, b"UI", uid)
    return bytes(128) + b"DICM" + element(2, 0, b"UL", struct.pack("<I", len(inner))) + inner


def plain_elements(rows: int = SIDE, columns: int = SIDE, frames: int | None = None) -> bytes:
    """The data set of a CT slice up to its pixels."""
    short = struct.Struct("<H").pack
    parts = [
        element(8, 0x16, b"UI", b"1.2.840.10008.5.1.4.1.1.2\0"),
        element(8, 0x18, b"UI", b"1.2.3.4\0"),
        element(8, 0x60, b"CS", b"CT"),
        element(0x28, 2, b"US", short(1)),
        element(0x28, 4, b"CS", b"MONOCHROME2 "),
    ]
    if frames is not None:
        text = str(frames).encode()
        parts.append(element(0x28, 8, b"IS", text + b" " * (len(text) % 2)))
    parts += [element(0x28, 0x10, b"US", short(rows)), element(0x28, 0x11, b"US", short(columns))]
    parts += [
        element(0x28, n, b"US", short(v)) for n, v in ((0x100, 16), (0x101, 16), (0x102, 15), (0x103, 1))
    ]
    return b"".join([*parts, element(0x28, 0x1052, b"DS", b"0 "), element(0x28, 0x1053, b"DS", b"1 ")])


# Makers, by kind


def flips(syntax: str, enhanced: bool = False) -> Maker:
    """A few bytes anywhere, of header and pixels alike, get other values."""

    def make(rng: np.random.Generator) -> bytes:
        data = bytearray(source(syntax, enhanced))
        for at in rng.integers(132, len(data), rng.integers(1, 30)):
            data[at] = rng.integers(256)
        return bytes(data)

    return make


def header_flips(syntax: str) -> Maker:
    """Bytes of the header alone."""

    def make(rng: np.random.Generator) -> bytes:
        data = bytearray(source(syntax))
        end = data.find(b"\xe0\x7f\x10\x00") if syntax != "deflated" else 1200
        for at in rng.integers(0, max(end, 600), rng.integers(1, 12)):
            data[at] = rng.integers(256)
        return bytes(data)

    return make


def pixel_flips(syntax: str) -> Maker:
    """Bytes of the compressed pixels, where decoders read lengths and tables."""

    def make(rng: np.random.Generator) -> bytes:
        data = bytearray(source(syntax))
        start = data.rfind(b"\xe0\x7f\x10\x00") + 12
        for at in rng.integers(start, min(len(data), start + 400), rng.integers(1, 20)):
            data[at] = rng.integers(256)
        return bytes(data)

    return make


def cut(syntax: str, enhanced: bool = False) -> Maker:
    def make(rng: np.random.Generator) -> bytes:
        data = source(syntax, enhanced)
        return data[: rng.integers(1, len(data))]

    return make


def wrong_vr(syntax: str) -> Maker:
    """A few elements say that they are of another type."""

    def make(rng: np.random.Generator) -> bytes:
        data = bytearray(source(syntax))
        found = [
            i for i in range(132, len(data) - 8) if bytes(data[i + 4 : i + 6]) in _VRS and data[i + 1] == 0
        ]
        for at in rng.choice(found, 5):
            data[at + 4 : at + 6] = rng.choice([*_VRS, b"ZZ", b"\0\0"])
        return bytes(data)

    return make


_VRS = (
    b"US",
    b"SS",
    b"DS",
    b"IS",
    b"CS",
    b"LO",
    b"UI",
    b"PN",
    b"SQ",
    b"OW",
    b"UN",
    b"FD",
    b"AT",
    b"UT",
    b"DA",
)


def patched(syntax: str, enhanced: bool = False, **values: object) -> Maker:
    """A sound file whose header says something else; as bytes, because no library writes that."""
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    def make(rng: np.random.Generator) -> bytes:
        data = source(syntax, enhanced)
        for keyword, value in values.items():
            tag = tag_for_keyword(keyword)
            vr = dictionary_VR(tag)[:2].encode()
            raw = struct.pack("<H", value) if vr in (b"US",) else str(value).encode()
            raw += b" " * (len(raw) % 2)
            key = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
            at = data.find(key)
            new = element(tag >> 16, tag & 0xFFFF, vr, raw)
            if at >= 0:
                size = struct.unpack_from("<H", data, at + 6)[0]
                data = data[:at] + new + data[at + 8 + size :]
            else:
                data = in_front(data, new, before=(0x0028, 0x0010))
        return data

    return make


def codestream_claims(syntax: str) -> Maker:
    """The codestream itself claims a picture of 65535 or 4 billion pixels a side."""

    def make(rng: np.random.Generator) -> bytes:
        data = bytearray(source(syntax))
        siz, sof = data.find(b"\xff\x4f\xff\x51"), data.find(b"\xff\xf7")
        sof = sof if sof >= 0 else data.find(b"\xff\xc3")
        if siz >= 0:
            struct.pack_into(">2I", data, siz + 8, 0xFFFFFFFF, 0xFFFFFFFF)
        elif sof >= 0:
            struct.pack_into(">HH", data, sof + 5, 65535, 65535)
        return bytes(data)

    return make


def claims(rows: int, columns: int, frames: int | None, held: int = 64) -> Maker:
    def make(rng: np.random.Generator) -> bytes:
        head = content_of_meta("1.2.840.10008.1.2.1") + plain_elements(rows, columns, frames)
        return head + element(0x7FE0, 0x10, b"OW", bytes(held))

    return make


def encapsulated(syntax: str, *fragments: bytes, table: bytes = b"", end: bool = True) -> Maker:
    def make(rng: np.random.Generator) -> bytes:
        parts = [struct.pack("<HHI", 0xFFFE, 0xE000, len(each)) + each for each in (table, *fragments)]
        data = b"".join(parts) + (struct.pack("<HHI", 0xFFFE, 0xE0DD, 0) if end else b"")
        return content_of_meta(syntax) + plain_elements() + element(0x7FE0, 0x10, b"OB", data, 0xFFFFFFFF)

    return make


def garbage(syntax: str, size: int = 5000, head: bytes = b"") -> Maker:
    def make(rng: np.random.Generator) -> bytes:
        return encapsulated(syntax, head + rng.bytes(size))(rng)

    return make


def nested(depth: int, defined: bool) -> Maker:
    """Sequences in sequences, with lengths or with delimiters."""

    def make(rng: np.random.Generator) -> bytes:
        data = b""
        for _ in range(depth):
            if defined:
                item = struct.pack("<HHI", 0xFFFE, 0xE000, len(data)) + data
                data = element(8, 0x1140, b"SQ", item)
            else:
                data = (
                    element(8, 0x1140, b"SQ", b"", 0xFFFFFFFF)
                    + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
                    + data
                )
        if not defined:
            close = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
            data += close * depth
        return in_front(source("explicit"), data, before=(0x0028, 0x0002))

    return make


def lies(*elements: bytes, before: tuple[int, int] = (0x0028, 0x0002)) -> Maker:
    def make(rng: np.random.Generator) -> bytes:
        return in_front(source("explicit"), *elements, before=before)

    return make


def bomb(kind: str) -> Maker:
    """Deflated files of two megabytes that inflate to two gigabytes."""
    size, plain = SIDE * SIDE * 2, plain_elements()

    def pixels(length: int, value: bytes = b"") -> bytes:
        return element(0x7FE0, 0x10, b"OW", value, length)

    def make(rng: np.random.Generator) -> bytes:
        if kind == "pixels":
            return deflated(plain_elements(20000, 20000), pixels(800_000_000), 763)
        if kind == "header":
            return deflated(
                element(8, 0x4000, b"UT", b"", 2000 << 20), 2000, plain, pixels(size, bytes(size))
            )
        if kind == "frames":
            return deflated(plain_elements(512, 512, 4000), pixels(4000 << 19), 2000)
        if kind == "sequence":
            return deflated(
                element(8, 0x1140, b"SQ", b"", 0xFFFFFFFF), 2000, plain, pixels(size, bytes(size))
            )
        return deflated(plain, pixels(size, bytes(size)), 2000)

    return make


J2K, JLS, JPEG, JPEG_LOSSLESS, RLE = (
    f"1.2.840.10008.1.2.{end}" for end in ("4.90", "4.80", "4.50", "4.70", "5")
)


def makers() -> Iterator[tuple[str, Maker]]:
    """A hundred and more kinds of damage, each with a name."""
    yield from _random()
    yield from _claims()
    yield from _contents()


def _random() -> Iterator[tuple[str, Maker]]:
    for syntax in FLIPPED:
        for n in range(3):
            yield f"flipped bytes {n}, {syntax}", flips(syntax)
        yield f"flipped header, {syntax}", header_flips(syntax)
        yield f"cut short, {syntax}", cut(syntax)
    for n in range(4):
        yield f"flipped header {n}", header_flips("explicit")
        yield f"flipped bytes {n}, enhanced", flips("explicit", enhanced=True)
        yield f"cut short {n}, enhanced", cut("RLE", enhanced=True)
        yield f"wrong types {n}", wrong_vr("explicit")
    for syntax in ("RLE", "JPEG lossless", "JPEG-LS", "JPEG 2000"):
        for n in range(3):
            yield f"flipped pixels {n}, {syntax}", pixel_flips(syntax)
        yield f"65535 x 65535, {syntax}", patched(syntax, Rows=65535, Columns=65535)
        yield f"16384 x 16384, {syntax}", patched(syntax, Rows=16384, Columns=16384)
        yield f"a billion frames, {syntax}", patched(syntax, NumberOfFrames=10**9)
    for syntax in ("JPEG lossless", "JPEG-LS", "JPEG 2000"):
        yield f"absurd codestream, {syntax}", codestream_claims(syntax)


def _claims() -> Iterator[tuple[str, Maker]]:
    """Headers that say what cannot be."""
    yield "65535 x 65535", claims(65535, 65535, None)
    yield "no pixels", claims(0, 0, None)
    yield "a billion frames", claims(SIDE, SIDE, 10**9, SIDE * SIDE * 2)
    yield "65535 x 65535 x a billion", claims(65535, 65535, 10**9)
    yield "minus one frame", claims(SIDE, SIDE, -1, SIDE * SIDE * 2)
    yield "frames that overflow", claims(SIDE, SIDE, 2**63, SIDE * SIDE * 2)
    for bits in (0, 1, 7, 12, 24, 64, 65535):
        yield f"{bits} bits allocated", patched("explicit", BitsAllocated=bits)
    for syntax in ("JPEG lossless", "JPEG-LS", "JPEG 2000", "RLE"):
        yield f"8 bits allocated, {syntax}", patched(syntax, BitsAllocated=8, BitsStored=8, HighBit=7)
        yield f"32 bits allocated, {syntax}", patched(syntax, BitsAllocated=32, BitsStored=32, HighBit=31)
        yield f"three samples, {syntax}", patched(syntax, SamplesPerPixel=3)
    yield "no bits stored", patched("explicit", BitsStored=0)
    yield "65535 bits stored", patched("explicit", BitsStored=65535)
    yield "high bit 65535", patched("explicit", HighBit=65535)
    yield "representation 7", patched("explicit", PixelRepresentation=7)
    yield "65535 samples", patched("explicit", SamplesPerPixel=65535)
    for text in ("nan", "inf", "1e400", "0", "1e-400", "one", "1\\2", "-"):
        yield f"slope {text}", patched("explicit", RescaleSlope=text)
    yield "intercept inf", patched("explicit", RescaleIntercept="inf")
    yield "spacing of words", patched("explicit", PixelSpacing="a\\b")
    yield "spacing nan", patched("explicit", PixelSpacing="nan\\nan")
    yield "window of words", patched("explicit", WindowCenter="x", WindowWidth="y")
    yield "position of words", patched("explicit", ImagePositionPatient="x\\y", ImageOrientationPatient="1")


def _contents() -> Iterator[tuple[str, Maker]]:
    """Pixels, sequences and lengths that are not what they should be."""
    yield "unknown transfer syntax", encapsulated("1.2.3.4.5", b"abcd")
    for name, syntax in (
        ("JPEG 2000", J2K),
        ("JPEG-LS", JLS),
        ("JPEG", JPEG),
        ("JPEG lossless", JPEG_LOSSLESS),
    ):
        yield f"garbage, {name}", garbage(syntax)
        yield (
            f"garbage with a head, {name}",
            garbage(syntax, head=b"\xff\x4f\xff\x51" if syntax == J2K else b"\xff\xd8\xff\xe0"),
        )
        yield f"no fragments, {name}", encapsulated(syntax)
        yield f"an empty fragment, {name}", encapsulated(syntax, b"")
    yield "garbage, RLE", garbage(RLE)
    yield (
        "RLE offsets beyond",
        encapsulated(RLE, struct.pack("<16I", 2, 64, 0xFFFFFFF0, *[0] * 13) + bytes(64)),
    )
    yield "RLE of 15 segments", encapsulated(RLE, struct.pack("<16I", 15, *[64] * 15) + bytes(64))
    yield "RLE bomb", encapsulated(RLE, struct.pack("<16I", 2, 64, 66, *[0] * 13) + b"\x81\0" * 50000)
    yield "offset table beyond", encapsulated(RLE, bytes(64), table=struct.pack("<2I", 0, 0xFFFFFFF0))
    yield "fragments without an end", encapsulated(J2K, b"abcd", end=False)
    yield (
        "pixels without a length",
        lies(element(0x7FE0, 0x10, b"OW", b"", 0xFFFFFFFF), before=(0x7FE0, 0x10)),
    )
    for depth in (100, 1000, 5000):
        yield f"{depth} sequences deep", nested(depth, True)
        yield f"{depth} sequences deep, no lengths", nested(depth, False)
    yield "text of 4 GB", lies(element(0x20, 0x4000, b"UT", b"abcd", 0xFFFFFFF0))
    yield "text without a length", lies(element(0x20, 0x4000, b"UT", b"abcd", 0xFFFFFFFF))
    yield "unknown of 4 GB", lies(element(0x21, 0x1000, b"UN", b"abcd", 0xFFFFFFFE))
    yield "sequence of 4 GB", lies(element(0x20, 0x9222, b"SQ", b"abcd", 0xFFFFFFFE))
    yield (
        "item of 4 GB",
        lies(element(0x20, 0x9222, b"SQ", struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFF0), 0xFFFFFFFF)),
    )
    yield (
        "meta information of 4 GB",
        lambda rng: source("explicit")[:140] + b"\xf0\xff\xff\xff" + source("explicit")[144:],
    )
    yield "a preamble alone", lambda rng: bytes(128) + b"DICM"
    yield "a preamble and noise", lambda rng: bytes(128) + b"DICM" + rng.bytes(5000)
    yield "noise", lambda rng: b"\x08\0\0\0" + rng.bytes(5000)
    for kind in ("pixels", "header", "frames", "sequence", "after"):
        yield f"zip bomb, {kind}", bomb(kind)
    yield (
        "groups missing",
        lambda rng: source("explicit", True).replace(b"\x00\x52\x30\x92", b"\x00\x52\x31\x92"),
    )
    yield "character set unknown", patched("explicit", SpecificCharacterSet="ISO_IR 9999")


def write_all(folder: Path, seed: int = 0) -> list[str]:
    """The files `0000.dcm`, ... in a folder; their names, in order."""
    names = []
    for number, (name, maker) in enumerate(makers()):
        data = maker(np.random.default_rng((seed, number)))
        (folder / f"{number:04d}.dcm").write_bytes(data)
        names.append(name)
    return names


def main(folder: Path) -> None:
    """Open each file, and save what opens; a line of JSON for each, with seconds and peak memory."""
    import resource

    from denoise_studio.core.errors import FormatError
    from denoise_studio.formats import SaveOptions, find_series, open_picture, save_picture

    save_picture_once_to_load_everything(folder)
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _limit(1 << 30)
    for path in sorted(folder.glob("*.dcm")):
        print(json.dumps({"begun": path.name}), flush=True)
        start, said = time.process_time(), []
        try:
            picture = open_picture(path)
            said.append("opened")
            save_picture(picture, folder / "out" / "a.dcm", SaveOptions(anonymise=path.stem[-1] in "02468"))
            said.append("saved")
        except FormatError as error:
            said.append(str(error))
        try:
            for series in find_series(path):
                series.open(0)
        except FormatError as error:
            said.append(str(error))
        except BaseException as error:
            said.append(f"CRASH {type(error).__name__} {error}")
        seconds = time.process_time() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base
        print(json.dumps({"name": path.name, "seconds": seconds, "peak": peak, "said": said}), flush=True)


def save_picture_once_to_load_everything(folder: Path) -> None:
    from denoise_studio.formats import open_picture, save_picture

    (folder / "out").mkdir(exist_ok=True)
    (folder / "out" / "sound").write_bytes(source("JPEG 2000"))
    save_picture(open_picture(folder / "out" / "sound"), folder / "out" / "a.dcm")


def _limit(more: int) -> None:
    """No more address space than now and these bytes: one allocation too large is an error, not a hang."""
    import resource

    with open("/proc/self/statm") as stream:
        now = int(stream.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + more, now + more))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
