"""The small picture in a DNG's first directory."""

import io
from typing import BinaryIO

from denoise_studio import __version__
from denoise_studio.core.errors import FormatError
from denoise_studio.formats.tiff_write import Field

_YCBCR, _JPEG = 6, 7
_SRGB = 2


def preview_fields(stream: BinaryIO, jpeg: bytes) -> dict[int, Field]:
    """Write a JPEG to the stream; the fields of the directory that shows it.

    Raises:
        FormatError: it is no JPEG of three colours.
    """
    from PIL import Image, JpegImagePlugin

    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
            assert isinstance(image, JpegImagePlugin.JpegImageFile)
            width, height = image.size
            layers = image.layer
    except OSError:
        raise FormatError("The preview for the DNG is no JPEG.") from None
    if len(layers) != 3:
        raise FormatError("The preview for the DNG must have three colours.")
    sampling = [layers[0][1] // layers[1][1], layers[0][2] // layers[1][2]]
    place = stream.tell()
    stream.write(jpeg + bytes(len(jpeg) % 2))
    program = (b"Denoise Studio\0", __version__.encode("ascii") + b"\0")
    return {
        254: Field(4, [1]),
        256: Field(4, [width]),
        257: Field(4, [height]),
        258: Field(3, [8, 8, 8]),
        259: Field(3, [_JPEG]),
        262: Field(3, [_YCBCR]),
        273: Field(4, [place]),
        277: Field(3, [3]),
        278: Field(4, [height]),
        279: Field(4, [len(jpeg)]),
        284: Field(3, [1]),
        530: Field(3, sampling),
        50966: Field(2, program[0]),
        50967: Field(2, program[1]),
        50970: Field(4, [_SRGB]),
    }
