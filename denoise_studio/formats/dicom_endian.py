"""From big to little endian: pydicom turns numbers, but leaves strings of words as they are (PS3.5 6.2)."""

import numpy as np
from pydicom.dataset import Dataset

_WORDS = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
"""Value representations whose bytes are words: overlays, lookup tables."""


def was_big(dataset: Dataset) -> bool:
    """Whether a data set was read from a file in (retired) big endian."""
    return dataset.original_encoding[1] is False


def swap_words(dataset: Dataset) -> None:
    """Swap the bytes of every string of words, in sequences too; in place."""
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                swap_words(item)
        elif (size := _WORDS.get(element.VR, 1)) > 1 and isinstance(element.value, bytes):
            whole = len(element.value) // size * size
            swapped = np.frombuffer(element.value[:whole], f"<u{size}").byteswap().tobytes()
            element.value = swapped + element.value[whole:]
