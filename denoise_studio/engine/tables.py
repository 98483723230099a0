"""Numbers with their units as a table: what is copied to the clipboard and written as CSV."""

import csv
import io
from dataclasses import dataclass

Cell = str | float | None


@dataclass(frozen=True)
class Table:
    """Rows of words and numbers.

    Args:
        heads: a name a column, with its unit in brackets: "mean before (HU)".
        rows: as many cells each; None stands for nothing.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def csv(self) -> str:
        """Comma-separated values with a line of heads (RFC 4180)."""
        return self._text(",", "\r\n")

    def tsv(self) -> str:
        """Columns between tabs, as spreadsheets paste them."""
        return self._text("\t", "\n")

    def _text(self, separator: str, end: str) -> str:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=separator, lineterminator=end)
        writer.writerow(self.heads)
        writer.writerows([_written(cell) for cell in row] for row in self.rows)
        return out.getvalue()


def head(name: str, unit: str) -> str:
    """A column's head; pure numbers have no brackets."""
    return f"{name} ({unit})" if unit else name


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        # A name that begins like a formula would be run by a spreadsheet.
        return f"'{cell}" if cell[:1] in "=+-@" and cell else cell
    return "" if cell != cell else f"{cell:.9g}"
