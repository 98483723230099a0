"""The two doors to the window: opening it, and drawing it into a file."""

import os
import re
import sys
from pathlib import Path
from typing import Any

import click

from denoise_studio.core.errors import FormatError, StudioError


class Size(click.ParamType):  # type: ignore[type-arg]
    """`WIDTHxHEIGHT` in pixels."""

    name = "WxH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\d{2,5})x(\d{2,5})", str(value).lower())
        if not found:
            self.fail(f"{value!r} is no size such as 1280x800.", param, ctx)
        return int(found[1]), int(found[2])


@click.command(add_help_option=False)
@click.option("--sample", is_flag=True, help="Open the bundled sample picture in the window.")
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
def window(files: tuple[Path, ...], sample: bool) -> int:
    """Open files in the window."""
    if not _has_display():
        # Qt itself would end the process with a crash.
        raise StudioError("There is no display to open a window on; `denoise-studio snapshot` needs none.")
    from denoise_studio.gui.launch import launch

    return launch(list(files), sample)


def _has_display() -> bool:
    """Whether Qt will find a screen: always on Windows and macOS, else what the environment says."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return sys.platform in ("win32", "darwin") or any(os.environ.get(name) for name in names)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, metavar="PNG", type=click.Path(path_type=Path), help="Where to write it."
)
@click.option("--recipe", type=click.Path(path_type=Path), metavar="R.json", help="Recipe or record to show.")
@click.option("--size", type=Size(), default="1280x800", show_default=True, help="Size of the window.")
@click.option("--theme", type=click.Choice(["dark", "light"]), default="dark", show_default=True)
def snapshot(file: Path, output: Path, recipe: Path | None, size: tuple[int, int], theme: str) -> None:
    """Draw the real window with FILE, offscreen, once it is idle."""
    if not output.parent.is_dir():
        raise FormatError(f"The folder {output.parent} does not exist.")
    if output.suffix.lower() != ".png":
        raise FormatError(f"A snapshot is a PNG file; {output.name} ends otherwise.")
    if not file.exists():
        raise FormatError(f"{file} does not exist.")
    if output.exists() and output.samefile(file):
        raise FormatError(
            f"{output.name} is the source file, which is never overwritten; choose another name."
        )
    chosen = None
    if recipe is not None:
        from denoise_studio.engine.record import read_recipe

        chosen = read_recipe(recipe)
    from denoise_studio.gui.launch import snapshot as draw

    draw(file, output, chosen, size, theme)
