"""What the mouse does over a picture: which drag each button starts, for scans and for photographs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from PySide6.QtCore import Qt

from denoise_studio.core.picture import Kind


class Drag(StrEnum):
    """What dragging a mouse button over a picture does."""

    LEVELS = "levels"
    PAN = "pan"
    ZOOM = "zoom"
    SCROLL = "scroll"
    NOTHING = "nothing"
    AUTO_LEVELS = "auto levels"
    DRAW = "draw"


CHOICES: Mapping[Drag, str] = {
    Drag.LEVELS: "Window and level",
    Drag.PAN: "Pan",
    Drag.ZOOM: "Zoom",
    Drag.SCROLL: "Scroll through slices",
    Drag.NOTHING: "Nothing",
}
"""What a person may give a button, as a list calls it."""

BUTTONS: Mapping[Qt.MouseButton, str] = {
    Qt.MouseButton.LeftButton: "left",
    Qt.MouseButton.MiddleButton: "middle",
    Qt.MouseButton.RightButton: "right",
}

SCANS = {"left": Drag.LEVELS, "middle": Drag.PAN, "right": Drag.ZOOM}
PHOTOGRAPHS = {"left": Drag.PAN, "middle": Drag.PAN, "right": Drag.ZOOM}
"""The habits of reading rooms and of darkrooms."""

_SHIFT, _CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@dataclass(frozen=True)
class Habits:
    """What every button does, and which way window and level go.

    Args:
        scans: drag by button name, for CT and MR.
        photographs: likewise for everything else.
        swap_axes: level across and window up and down, instead of the reverse.
        invert_width: a move to the right (with swapped axes: down) makes the window narrower.
        invert_level: a move down (with swapped axes: to the right) lowers the level.
    """

    scans: Mapping[str, Drag] = field(default_factory=lambda: dict(SCANS))
    photographs: Mapping[str, Drag] = field(default_factory=lambda: dict(PHOTOGRAPHS))
    swap_axes: bool = False
    invert_width: bool = False
    invert_level: bool = False

    def of(self, kind: Kind) -> Mapping[str, Drag]:
        """Drag by button name for a sort of picture."""
        return self.scans if kind in (Kind.CT, Kind.MR) else self.photographs

    def levels_move(self, across: float, down: float) -> tuple[float, float]:
        """Of a move on the screen: how far the width grows and how far the level rises, in pixels."""
        width, level = (down, across) if self.swap_axes else (across, down)
        return -width if self.invert_width else width, -level if self.invert_level else level

    def as_settings(self) -> dict[str, Any]:
        """Plain values to keep in a file."""
        return {
            "scans": {button: drag.value for button, drag in self.scans.items()},
            "photographs": {button: drag.value for button, drag in self.photographs.items()},
            "swap_axes": self.swap_axes,
            "invert_width": self.invert_width,
            "invert_level": self.invert_level,
        }

    @classmethod
    def from_settings(cls, kept: Mapping[str, Any]) -> "Habits":
        """What a file kept; whatever in it makes no sense counts as not said."""
        return cls(
            _drags(kept.get("scans"), SCANS),
            _drags(kept.get("photographs"), PHOTOGRAPHS),
            *(kept.get(name) is True for name in ("swap_axes", "invert_width", "invert_level")),
        )


def _drags(kept: Any, usual: Mapping[str, Drag]) -> Mapping[str, Drag]:
    """One drag a button: the kept one where it is one of the choices."""
    values = {drag.value: drag for drag in CHOICES}
    named = kept if isinstance(kept, Mapping) else {}
    return {button: values.get(str(named.get(button)), drag) for button, drag in usual.items()}


def drag_for(
    button: Qt.MouseButton, keys: Qt.KeyboardModifier, drags: Mapping[str, Drag], drawing: bool
) -> Drag | None:
    """What a press starts. Modifiers mean the same whatever tool is in hand.

    Args:
        button: pressed.
        keys: held.
        drags: by button name.
        drawing: whether a drawing tool is in hand; it takes the bare left button.

    Returns:
        None for a button that is none of the three.
    """
    name = BUTTONS.get(button)
    if name is None:
        return None
    if name == "left":
        if keys & _CTRL:
            return Drag.ZOOM if keys & _SHIFT else Drag.AUTO_LEVELS
        if keys & _SHIFT:
            return Drag.PAN
        if drawing:
            return Drag.DRAW
    return drags[name]


def told(habits: Habits) -> tuple[tuple[str, str], ...]:
    """For the sheet of keys: what each hand does, as it is set."""
    rows = [
        (
            f"{button.capitalize()} drag",
            f"{_said(habits.scans[button])} on scans; {_said(drag)} on photographs",
        )
        if habits.scans[button] is not drag
        else (f"{button.capitalize()} drag", _said(drag))
        for button, drag in habits.photographs.items()
    ]
    return (
        *rows,
        ("Ctrl + left drag", "window and level from the box you drag; a double click resets them"),
        ("Shift + left drag", "pan, whatever tool is in hand"),
        ("Ctrl + Shift + left drag", "zoom, whatever tool is in hand"),
        ("Right click", "menu of the picture"),
        ("Wheel", "next or previous slice of a series; else zoom at the cursor"),
        ("Ctrl + wheel", "zoom at the cursor"),
        ("Double click", "one pane large, and back"),
        ("Click in a region", "select it; drag its handles"),
    )


def _said(drag: Drag) -> str:
    return CHOICES[drag].lower()
