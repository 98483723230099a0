"""Names the missing system libraries that Qt and numba load; as root on Debian or Ubuntu, installs them.

Runs before anything is installed, so it uses the standard library only. It never fails the run:
what is missing may not matter (an offscreen window needs no xcb library, for example).
"""

# ruff: noqa: T201 -- a script for the terminal
import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

# What `ldd` shows of Qt's core and its xcb, Wayland and offscreen platforms
# beyond the C library, and the Debian package that has it.
PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
FONT_PACKAGE = "fonts-dejavu-core"
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")


def loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def has_font() -> bool:
    return any(
        path.suffix.lower() in (".ttf", ".otf", ".ttc")
        for folder in FONT_FOLDERS
        for path in Path(folder).expanduser().rglob("*")
    )


def missing_packages() -> list[str]:
    missing = [package for library, package in PACKAGES.items() if not loads(library)]
    return missing if has_font() else [*missing, FONT_PACKAGE]


def install(packages: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]

    def run(words: list[str]) -> bool:
        silent = subprocess.DEVNULL
        return (
            subprocess.run(words, env=environment, stdout=silent, stderr=silent, check=False).returncode == 0
        )

    # A machine that has never fetched its package lists knows no package.
    return run(command) or (run(["apt-get", "update", "-qq"]) and run(command))


def main() -> None:
    if not sys.platform.startswith("linux"):
        return
    packages = missing_packages()
    if not packages:
        return
    names = " ".join(packages)
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        print(f"Installing missing system libraries: {names}", flush=True)
        if install(packages):
            return
    if apt:
        how = f"run  sudo apt-get install -y --no-install-recommends {names}"
    else:
        how = f"install what your system calls these Debian packages: {names}"
    print(f"System libraries that the window may need are missing: {how}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
