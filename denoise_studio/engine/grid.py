"""The one tiler: a grid of cells anchored to the picture's corner.

View, zoom and memory never move it, so they never change a pixel.
"""

from denoise_studio.core.geometry import Rect

CELL = 256
"""Side of a cell in pixels: small enough to cancel between, large enough to keep cores busy."""

Cell = tuple[int, int]
"""Column and row of a cell in the grid."""


def cell_rect(cell: Cell, picture: Rect, size: int = CELL) -> Rect:
    """The cell's pixels; cells at the right and lower edge are cut off there."""
    return Rect(cell[0] * size, cell[1] * size, size, size).intersect(picture)


def cells_of(rect: Rect, picture: Rect, size: int = CELL) -> list[Cell]:
    """All cells that share a pixel with `rect`, row by row."""
    part = rect.intersect(picture)
    if not part:
        return []
    columns = range(part.x // size, (part.x1 - 1) // size + 1)
    rows = range(part.y // size, (part.y1 - 1) // size + 1)
    return [(column, row) for row in rows for column in columns]


def by_urgency(rects: list[Rect], visible: Rect | None, focus: tuple[float, float] | None) -> list[Rect]:
    """Rectangles in view first, each group from the focus (default: the view's middle) outwards."""
    if visible is None:
        return rects
    fx, fy = focus or (visible.x + visible.width / 2, visible.y + visible.height / 2)

    def key(rect: Rect) -> tuple[bool, float]:
        dx, dy = rect.x + rect.width / 2 - fx, rect.y + rect.height / 2 - fy
        return (not rect.intersect(visible), dx * dx + dy * dy)

    return sorted(rects, key=key)
