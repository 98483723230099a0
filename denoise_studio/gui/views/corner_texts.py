"""What stands in the corners of a picture and at its edges: words only, never a name of a patient."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from denoise_studio.core.picture import Kind, Picture, Scale
from denoise_studio.core.plane import Plane
from denoise_studio.engine.display import Levels
from denoise_studio.gui.views.viewport import Turn

Lines = tuple[str, ...]


@dataclass(frozen=True)
class CornerTexts:
    """Lines from the top for each corner, and a letter for each edge."""

    slice: Lines = ()
    scan: Lines = ()
    view: Lines = ()
    edges: tuple[str, str, str, str] = ("", "", "", "")
    """At the left, right, top and bottom of the screen."""

    @property
    def words(self) -> str:
        """All of it in one line, for screen readers."""
        left, right, top, bottom = self.edges
        edges = f"left {left}, right {right}, top {top}, bottom {bottom}" if any(self.edges) else ""
        return ", ".join(filter(None, (*self.slice, *self.scan, *self.view, edges)))


def corner_texts(
    picture: Picture, levels: Levels, turn: Turn, zoom: float, windowed: bool = True
) -> CornerTexts:
    """The texts for a picture as it is looked at.

    Args:
        picture: a photograph has few.
        levels: window and level, or exposure.
        turn: which way up it is held.
        zoom: screen pixels a picture pixel.
        windowed: whether what is shown goes through the window at all; a difference does not.
    """
    facts = picture.source.summary if picture.source is not None else {}
    edges = edge_letters(picture.plane, turn) if picture.plane is not None else ("", "", "", "")
    return CornerTexts(
        slice_lines(picture),
        scan_lines(picture.kind, facts),
        view_lines(picture, levels, turn, zoom, windowed),
        edges,
    )


def slice_lines(picture: Picture) -> Lines:
    """Which slice, where it is, and how thick."""
    lines = []
    if picture.place is not None:
        lines.append(f"Slice {picture.place.index + 1} of {len(picture.place.series)}")
    info = picture.place.info if picture.place is not None else None
    position = info.position if info is not None else None
    thickness = info.thickness if info is not None else None
    if picture.plane is not None:
        position = picture.plane.position if position is None else position
        thickness = picture.plane.thickness if thickness is None else thickness
    if position is not None:
        lines.append(f"at {position:.1f} mm".replace("-", "−"))
    if thickness is None and picture.source is not None:
        thickness = _number(picture.source.summary.get("slice thickness (mm)"))
    if thickness is not None:
        lines.append(f"{thickness:g} mm thick")
    return tuple(lines)


def scan_lines(kind: Kind, facts: Mapping[str, Any]) -> Lines:
    """How it was taken: tube voltage, exposure and kernel, or the field strength."""
    if kind not in (Kind.CT, Kind.MR):
        return ()
    lines = [
        f"{number:g} {unit}"
        for name, unit in (("tube voltage (kVp)", "kVp"), ("field strength (T)", "T"))
        if (number := _number(facts.get(name))) is not None
    ]
    exposure, current = _number(facts.get("exposure (mAs)")), _number(facts.get("tube current (mA)"))
    if exposure is not None:
        lines.append(f"{exposure:g} mAs")
    elif current is not None:
        lines.append(f"{current:g} mA")
    kernel = str(facts.get("kernel", "")).strip().replace("\\", " ")
    if kernel:
        lines.append(kernel[:24])
    return tuple(lines)


def view_lines(picture: Picture, levels: Levels, turn: Turn, zoom: float, windowed: bool) -> Lines:
    """How it is held, window and level, and zoom."""
    lines = [turn_text(turn)] if turn_text(turn) else []
    if not windowed:
        return (*lines, zoom_text(zoom))
    if levels.invert:
        lines.append("inverted")
    if picture.scale is Scale.DISPLAY or picture.mosaic is not None:
        # A photograph is left alone: the tool bar has its zoom.
        return (*lines, f"{levels.exposure:+.2f} EV".replace("-", "−")) if levels.exposure else tuple(lines)
    return (*lines, window_text(picture, levels), zoom_text(zoom))


def zoom_text(zoom: float) -> str:
    return f"{zoom:.0%}".replace("%", " %")


def window_text(picture: Picture, levels: Levels) -> str:
    """Width and level, and a function that is no straight line."""
    digits = 0 if picture.span >= 50 else 3
    text = f"W {levels.width:.{digits}f}   L {levels.level:.{digits}f}".replace("-", "−")
    return f"{text}   sigmoid" if levels.function == "SIGMOID" else text


def turn_text(turn: Turn) -> str:
    """Said whenever left may not be left."""
    words = ["mirrored"] if turn.flipped else []
    if turn.quarters:
        words.append(f"turned {90 * turn.quarters}°")
    return ", ".join(words)


def edge_letters(plane: Plane, turn: Turn) -> tuple[str, str, str, str]:
    """What of the patient lies at the screen's left, right, top and bottom."""
    left, right, top, bottom = plane.letters()
    of = {(-1, 0): left, (1, 0): right, (0, -1): top, (0, 1): bottom}

    def towards(x: int, y: int) -> str:
        px, py = turn.to_picture(x, y)
        return of[round(px), round(py)]

    return towards(-1, 0), towards(1, 0), towards(0, -1), towards(0, 1)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
