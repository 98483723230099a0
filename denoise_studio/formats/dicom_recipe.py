"""The recipe inside a derived DICOM file: a private block, which other programs leave alone.

Group 0071, creator "DENOISE STUDIO" (PS3.5 7.8.1): element 01 holds the recipe as JSON, 02 the version of
the program. Anonymising drops it with every other private block.
"""

import json

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from denoise_studio import __version__

CREATOR = "DENOISE STUDIO"
GROUP = 0x0071
_RECIPE, _VERSION = 0x01, 0x02


def put_recipe(dataset: Dataset, recipe: bytes | None) -> None:
    """Put a recipe's JSON (UTF-8) into a data set, in place of an earlier one.

    None only takes an earlier one out, which is not about the pixels that are written now.
    """
    for tag in [tag for tag in dataset.keys() if tag.group == GROUP and _ours(dataset, tag)]:  # noqa: SIM118
        del dataset[tag]
    if recipe is None:
        return
    block = dataset.private_block(GROUP, CREATOR, create=True)
    block.add_new(_RECIPE, "UT", _ascii(recipe))
    block.add_new(_VERSION, "LO", __version__)


def _ours(dataset: Dataset, tag: BaseTag) -> bool:
    """Whether a tag of the group is in a block of ours, or reserves one (elements 0010 to 00FF)."""
    reserved = tag.element if tag.element < 0x100 else tag.element >> 8
    creator = dataset.get((GROUP, reserved))
    return creator is not None and str(creator.value).strip() == CREATOR


def recipe_inside(dataset: Dataset) -> str | None:
    """The JSON of the recipe that made a derived file, or None.

    A file in implicit VR keeps no types: the text is then bytes.
    """
    try:
        value = dataset.private_block(GROUP, CREATOR)[_RECIPE].value
    except (KeyError, AttributeError, TypeError, ValueError):
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return str(value).rstrip(" \0") or None


def told(dataset: Dataset) -> str:
    """Method and strength of the recipe inside, for people; "" if there is none that can be read."""
    try:
        recipe = json.loads(recipe_inside(dataset) or "{}")
        return f"{recipe['method']}, strength {float(recipe['strength']):g}"[:80]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _ascii(recipe: bytes) -> str:
    """JSON without a letter that the data set's character set may not have."""
    return "".join(c if ord(c) < 128 else _escaped(c) for c in recipe.decode("utf-8"))


def _escaped(letter: str) -> str:
    pair = letter.encode("utf-16-be").hex()
    return "".join(f"\\u{pair[i : i + 4]}" for i in range(0, len(pair), 4))
