"""Where the bundled files are: sample pictures, presets, icons, weights."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def resource(*parts: str) -> Path:
    """Path of a bundled file or folder, for example `resource("samples", "photo.png")`.

    An installed package carries them inside itself; a checkout has them at its top. What is
    there is not checked.
    """
    installed = _PACKAGE / "resources"
    root = installed if installed.is_dir() else _PACKAGE.parent / "resources"
    return root.joinpath(*parts)
