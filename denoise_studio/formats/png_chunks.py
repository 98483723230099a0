"""PNG chunks: taken apart, checked, and put together again (PNG specification, third edition)."""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from denoise_studio.core.errors import FormatError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")


@dataclass(frozen=True)
class Header:
    """The fields of IHDR that matter here; `colour` is 0 grey, 2 RGB, 3 palette, 4 grey+A, 6 RGBA."""

    width: int
    height: int
    bits: int
    colour: int
    interlaced: bool


@dataclass(frozen=True)
class Chunk:
    """One chunk: four letters and its data."""

    kind: bytes
    data: bytes

    def packed(self) -> bytes:
        check = zlib.crc32(self.kind + self.data)
        return struct.pack(">I", len(self.data)) + self.kind + self.data + struct.pack(">I", check)


def split(data: bytes, name: str) -> tuple[Header, list[Chunk], int]:
    """Header, all chunks, and how many ancillary ones were left out as damaged.

    Raises:
        FormatError: the file is cut short or a chunk that pixels need is damaged.
    """
    chunks: list[Chunk] = []
    damaged = 0
    at = len(SIGNATURE)
    while not chunks or chunks[-1].kind != b"IEND":
        if at + 12 > len(data):
            raise FormatError(f"{name} is cut short: the end of the PNG is missing.")
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise FormatError(f"{name} is cut short: the end of the PNG is missing.")
        body = data[at + 8 : end - 4]
        if zlib.crc32(data[at + 4 : end - 4]) == struct.unpack_from(">I", data, end - 4)[0]:
            chunks.append(Chunk(kind, body))
        elif kind in _CRITICAL or not chunks:
            raise FormatError(f"{name} is damaged: the checksum of a PNG chunk does not match.")
        else:
            damaged += 1
        at = end
    return _header(chunks[0], name), chunks, damaged


def _header(chunk: Chunk, name: str) -> Header:
    if chunk.kind != b"IHDR" or len(chunk.data) != 13:
        raise FormatError(f"{name} is damaged: its PNG header is missing.")
    width, height, bits, colour, _, _, interlace = struct.unpack(">IIBBBBB", chunk.data)
    if colour not in (0, 2, 3, 4, 6) or bits not in (1, 2, 4, 8, 16):
        raise FormatError(f"{name} has a PNG header with an unknown pixel type.")
    return Header(width, height, bits, colour, bool(interlace))


def pixels_only(chunks: Iterable[Chunk]) -> bytes:
    """A PNG with only what decoding needs, so that no decoder reacts to anything else."""
    return join(chunk for chunk in chunks if chunk.kind in (*_CRITICAL, b"tRNS"))


def join(chunks: Iterable[Chunk]) -> bytes:
    return SIGNATURE + b"".join(chunk.packed() for chunk in chunks)


def icc_profile(chunks: Iterable[Chunk]) -> bytes | None:
    """The profile in iCCP, None without one or if it is damaged."""
    for chunk in chunks:
        if chunk.kind == b"iCCP":
            _, _, rest = chunk.data.partition(b"\0")
            return inflate(rest[1:])
    return None


def icc_chunk(profile: bytes) -> Chunk:
    return Chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(profile, 9))


def keyword(chunk: Chunk) -> str:
    """The keyword of a text chunk, empty for other chunks."""
    if chunk.kind not in (b"tEXt", b"zTXt", b"iTXt"):
        return ""
    return chunk.data.partition(b"\0")[0].decode("latin-1")


def text(chunk: Chunk) -> bytes | None:
    """The text of a tEXt or iTXt chunk as bytes."""
    _, _, rest = chunk.data.partition(b"\0")
    if chunk.kind == b"tEXt":
        return rest
    if chunk.kind != b"iTXt" or len(rest) < 2:
        return None
    body = rest[2:].split(b"\0", 2)[-1]
    return inflate(body) if rest[0] else body


def text_chunk(key: str, value: str) -> Chunk:
    """Plain tEXt where Latin-1 holds it, else iTXt in UTF-8."""
    try:
        return Chunk(b"tEXt", key.encode("latin-1") + b"\0" + value.encode("latin-1"))
    except UnicodeEncodeError:
        return Chunk(b"iTXt", key.encode("latin-1") + bytes(5) + value.encode("utf-8", "replace"))


def xmp_chunk(packet: bytes) -> Chunk:
    return Chunk(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + packet)


def inflate(data: bytes, limit: int = 1 << 25) -> bytes | None:
    """Decompress at most 32 MiB; None if damaged or longer."""
    engine = zlib.decompressobj()
    try:
        result = engine.decompress(data, limit)
    except zlib.error:
        return None
    return result if engine.eof else None
