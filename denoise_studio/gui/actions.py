"""Everything that menus, tool bar, keys and the sheet of shortcuts offer, declared once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from denoise_studio.gui.icons import icon
from denoise_studio.gui.mouse import Habits, told


@dataclass(frozen=True)
class Declared:
    """One action.

    Args:
        id: key in code; the window's method of that name (with _ for -) carries it out.
        menu: menu and group of the shortcut sheet.
        title: what the menu says.
        keys: shortcuts, portable notation.
        tip: what it does, one sentence.
        icon: name of its icon, if it has one.
        checkable: whether it is on or off.
    """

    id: str
    menu: str
    title: str
    keys: tuple[str, ...] = ()
    tip: str = ""
    icon: str = ""
    checkable: bool = False


ACTIONS: tuple[Declared, ...] = (
    Declared("open", "File", "&Open …", ("Ctrl+O",), "Open pictures or a project", "open"),
    Declared("open-series", "File", "Open a ser&ies …", ("Ctrl+Shift+O",), "Open the slices in a folder: CT, MR or other DICOM series"),
    Declared("open-sample", "File", "Open the sa&mple", (), "Open the bundled CT phantom"),
    Declared("open-reference", "File", "Open a re&ference …", ("Ctrl+R",), "A full dose, a long exposure or a clean original to compare the result with"),
    Declared("close-reference", "File", "Close the refere&nce", (), "Compare with nothing"),
    Declared("export", "File", "&Export result …", ("Ctrl+E",), "Save the denoised picture, its recipe beside it", "save"),
    Declared("save-project", "File", "&Save project", ("Ctrl+S",), "Save all open pictures' edits as a project file"),
    Declared("save-project-as", "File", "Save project &as …", ("Ctrl+Shift+S",), "Save the project under another name"),
    Declared("export-series", "File", "Save the &whole series …", ("Ctrl+Shift+E",), "Denoise every slice and save them as a new, derived series"),
    Declared("close-picture", "File", "&Close picture", ("Ctrl+W",), "Close the picture shown; its file is untouched"),
    Declared("quit", "File", "&Quit", ("Ctrl+Q",), "Leave the program"),
    Declared("undo", "Edit", "&Undo", ("Ctrl+Z",), "Take the last edit back", "undo"),
    Declared("redo", "Edit", "&Redo", ("Ctrl+Y", "Ctrl+Shift+Z"), "Do it again", "redo"),
    Declared("copy-edit", "Edit", "&Copy this edit to all open pictures", ("Ctrl+Shift+C",), "Give every open picture this recipe"),
    Declared("save-preset", "Edit", "Save as pre&set …", (), "Keep method and parameters under a name"),
    Declared("remove-region", "Edit", "Re&move region", ("Del",), "Remove the selected region"),
    Declared("deselect", "Edit", "&Deselect", ("Esc",), "Put the tool down, else select no region, else show no map"),
    Declared("preferences", "Edit", "Pre&ferences …", ("Ctrl+,",), "Memory, privacy"),
    Declared("mouse", "Edit", "M&ouse …", (), "What each button does when it is dragged over a picture, and which way window and level go"),
    Declared("side", "View", "Side by &side", ("S",), "Before and after beside each other", "side", True),
    Declared("wipe", "View", "&Wipe", ("W",), "One picture, before on the left of a line to drag, after on the right", "wipe", True),
    Declared("difference", "View", "&Difference", ("D",), "What was changed: after minus before, in colour", "difference", True),
    Declared("hold", "View", "Hold to see the ori&ginal", ("O", "\\"), "While the key or button is held every pane shows the original", "hold"),
    Declared("fit", "View", "&Fit", ("F", "="), "Show the whole picture", "fit"),
    Declared("one-to-one", "View", "100 &%", ("Z",), "One picture pixel on one screen pixel"),
    Declared("zoom-in", "View", "Zoom &in", ("+", "Ctrl++"), "Magnify around the middle"),
    Declared("zoom-out", "View", "Zoom &out", ("-", "Ctrl+-"), "Show more"),
    Declared("auto-levels", "View", "&Auto levels", ("A", "0"), "Levels from what is in view"),
    Declared("reset-levels", "View", "&Reset levels", ("R",), "The file's own levels"),
    Declared("invert", "View", "In&vert", ("I",), "White for black; only how it is shown", "", True),
    Declared("histogram", "View", "&Histogram", ("H",), "Show or fold the histogram", "", True),
    Declared("readings", "View", "Read-outs of every area", ("N",), "Show or fold the numbers of the whole picture, what is in view and each region", "", True),
    Declared("strength-plot", "View", "What each strength does", ("G",), "Show or fold how much changes, and how good it gets, at every strength", "", True),
    Declared("sensor-plot", "View", "Noise model of the sensor", ("U",), "Show or fold variance against mean of a raw file, with the fitted line and the windows used", "", True),
    Declared("filter-here", "View", "The filter at this pi&xel", ("X",), "Show or fold what the filter averages around the cursor", "", True),
    Declared("loss-curve", "View", "Loss c&urve of the fit", ("L",), "Show or fold how the maps were found", "", True),
    Declared("next-map", "View", "Next &map", ("M",), "Lay the next map over the original, and none after the last"),
    Declared("inspector", "View", "Inspect what is &kept", ("J",), "The patterns that the method keeps and takes away in the selected region, or the middle of the view"),
    Declared("lecture", "View", "Full screen for a l&ecture", ("F11",), "Only the pictures, with large type; Esc leaves", "", True),
    Declared("theme", "View", "&Light theme", ("T",), "Dark for the reading room, light for a projector", "theme", True),
    Declared("next-picture", "View", "&Next picture", ("PgDown",), "Show the next open picture"),
    Declared("previous-picture", "View", "&Previous picture", ("PgUp",), "Show the previous open picture"),
    Declared("cine", "View", "Run through the sli&ces", ("C",), "Show one slice after the other, round and round", "", True),
    Declared("rotate-right", "Picture", "Turn to the &right", ("Shift+R",), "A quarter turn clockwise; only how it is shown"),
    Declared("rotate-left", "Picture", "Turn to the &left", ("Shift+L",), "A quarter turn anticlockwise; only how it is shown"),
    Declared("flip-across", "Picture", "Flip &horizontally", ("Shift+H",), "Left for right; only how it is shown"),
    Declared("flip-upright", "Picture", "Flip &vertically", ("Shift+V",), "Top for bottom; only how it is shown"),
    Declared("reset-view", "Picture", "As in the &file", ("Shift+F",), "The whole picture, neither turned nor flipped"),
    Declared("corners", "Picture", "&Texts over the picture", ("Q",), "Show or hide all that lies over the pictures: corners, directions, scale, marks", "", True),
    Declared("scale-bar", "Picture", "Millimetre &scale", ("Shift+S",), "A bar of a round length; only where the file tells the pixel spacing", "", True),
    Declared("probe", "Picture", "Values at the &cursor", ("Shift+Y",), "Write the values under the cursor beside it", "", True),
    Declared("pin", "Picture", "&Pin the values here", ("Y",), "Keep the values of the pixel under the cursor in view; again to let go"),
    Declared("tool-measure", "Picture", "&Measure a distance", ("Shift+M",), "Drag a line; its length is in mm where the file tells the pixel spacing"),
    Declared("clear-marks", "Picture", "Remove pins &and distances", ("Shift+Del",), "Take all pins and distances off this picture"),
    Declared("tool-navigate", "Regions", "&Navigate", ("V",), "Drag to look around"),
    Declared("tool-box", "Regions", "Draw a &box", ("B",), "Drag over the picture"),
    Declared("tool-ellipse", "Regions", "Draw an &ellipse", ("E",), "Drag over the picture"),
    Declared("tool-polygon", "Regions", "Draw a free &shape", ("P",), "Drag around it"),
    Declared("tool-brush", "Regions", "&Paint a region", ("K",), "Paint with a round brush"),
    Declared("brush-smaller", "Regions", "Smaller brush", ("[",), "Brush radius a fifth smaller"),
    Declared("brush-larger", "Regions", "Larger brush", ("]",), "Brush radius a quarter larger"),
    Declared("measures", "Measure", "&Regions", ("Shift+G",), "Mean, sd, area, ends and percentiles of every region before and after, and contrast to noise", "", True),
    Declared("noise-power", "Measure", "&Noise power", ("Shift+N",), "The noise's power spectrum and texture before and after", "", True),
    Declared("sharpness", "Measure", "&Sharpness", ("Shift+T",), "Task transfer function of the edge or disc in the selected region", "", True),
    Declared("profile", "Measure", "&Profile", ("Shift+P",), "Values along a line that you drag over the pictures", "", True),
    Declared("match-noise", "Measure", "&Match noise …", ("Shift+E",), "Set the strength so that a region has a wanted sd, or the sd that another method gives it"),
    *(
        Declared(f"window-{n}", "Levels", f"Window preset &{n}", (str(n),), f"Use entry {n} of the window presets")
        for n in range(1, 10)
    ),
    Declared("edit-windows", "Levels", "&Edit the presets …", (), "Add, rename, change, order or delete window presets"),
    Declared("simulate", "Tools", "Simulate more &noise …", (), "Open this picture once more: a raw file as at a higher ISO, in less light, or from another camera; CT as with less dose"),
    Declared("dark-frames", "Tools", "&Dark frames …", (), "Measure black level, shading and read noise of a camera from files taken with the lens cap on"),
    Declared("shortcuts", "Help", "&Keys and mouse", ("F1", "?"), "All shortcuts on one sheet", "help"),
    Declared("about", "Help", "&About", (), "Version, device, licences, and what this program is not for"),
)  # fmt: skip

MOUSE = told(Habits())
"""What the mouse does, before anybody changed it."""


def make_actions(window: QWidget, slots: Callable[[str], Callable[..., Any] | None]) -> dict[str, QAction]:
    """QActions for all declared ones, connected to `slots(id)`, with keys, tips and icons."""
    result = {}
    for declared in ACTIONS:
        action = QAction(declared.title, window)
        action.setObjectName(declared.id)
        action.setShortcuts([QKeySequence(keys) for keys in declared.keys])
        action.setCheckable(declared.checkable)
        keys = f"  ({declared.keys[0]})" if declared.keys else ""
        action.setToolTip(f"{declared.tip}{keys}")
        action.setStatusTip(declared.tip)
        if declared.icon:
            action.setIcon(icon(declared.icon))
        slot = slots(declared.id)
        if slot is not None:
            action.triggered.connect(slot)
        window.addAction(action)
        result[declared.id] = action
    return result
