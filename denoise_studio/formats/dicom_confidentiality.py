"""What the standard's basic profile does to each attribute (PS3.15 Annex E, table E.1-1)."""

import functools
from enum import StrEnum

from denoise_studio.core.resources import resource


class Action(StrEnum):
    """What is done to an attribute, of the table's alternatives the one that suits every image.

    Where the table lets an attribute's type in its module decide, the choice that is valid for any
    type is taken: X/Z empties, X/D, Z/D and X/Z/D replace, X/Z/U* replaces the UIDs inside.
    """

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    UID = "U"
    INSIDE = "U*"
    """A sequence that is kept, and treated item by item."""
    KEEP = "K"


_CHOICE = {
    "X": Action.REMOVE,
    "Z": Action.EMPTY,
    "D": Action.DUMMY,
    "U": Action.UID,
    "X/Z": Action.EMPTY,
    "X/D": Action.DUMMY,
    "Z/D": Action.DUMMY,
    "X/Z/D": Action.DUMMY,
    "X/Z/U*": Action.INSIDE,
}


@functools.cache
def table() -> dict[int, Action]:
    """Tag to action, of the attributes that the table names one by one."""
    found = {}
    for line in resource("dicom", "basic-profile.txt").read_text("ascii").splitlines():
        if line and not line.startswith("#"):
            tag, action, *_ = line.split()
            found[int(tag, 16)] = _CHOICE[action]
    return found


def action_for(tag: int) -> Action:
    """What the basic profile does to a tag (32 bits); attributes that it does not name are kept.

    Private attributes, curves (50xx), and data and comments of overlays (60xx) go.
    """
    group, element = tag >> 16, tag & 0xFFFF
    if group & 1 or group & 0xFF00 == 0x5000:
        return Action.REMOVE
    if group & 0xFF00 == 0x6000 and element in (0x3000, 0x4000):
        return Action.REMOVE
    return table().get(tag, Action.KEEP)
