"""What the commands have in common when they print."""

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Any

import click

from denoise_studio.core.progress import Progress


def echo_json(value: Any) -> None:
    """Print strict JSON: no NaN, no infinity."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def echo_table(rows: list[tuple[str, str]]) -> None:
    """Print names and values in two columns; rows without a value are left out."""
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        if value:
            click.echo(f"{name:<{width}}  {value}")


def number(count: int, what: str) -> str:
    """`1 pixel`, `2 pixels`."""
    return f"{count} {what}{'' if count == 1 else 's'}"


@contextlib.contextmanager
def report_progress() -> Iterator[Progress]:
    """A `Progress` that a person at a terminal sees as a percentage; nothing is left of it."""
    if not sys.stderr.isatty():
        yield Progress()
        return
    shown = False

    def show(fraction: float, text: str) -> None:
        nonlocal shown
        shown = True
        click.echo(f"\r{text} {fraction:4.0%} \x1b[K", err=True, nl=False)

    try:
        yield Progress(show)
    finally:
        if shown:
            click.echo("\r\x1b[K", err=True, nl=False)
