#!/usr/bin/env bash
# Opens the window on the bundled sample; where there is no display, draws the same window into a file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

picture=out/window.png

# DISPLAY can be set and lead nowhere, and a platform library can be missing: only trying tells.
has_display() {
    [ "$(uname -s)" = Linux ] || return 0
    [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || return 1
    (.venv/bin/python -c 'from PySide6.QtGui import QGuiApplication; QGuiApplication([])') >/dev/null 2>&1
} 2>/dev/null

if has_display; then
    exec .venv/bin/denoise-studio --sample
fi
echo "There is no display here, so the window is drawn offscreen into a file."
mkdir -p out
QT_QPA_PLATFORM=offscreen .venv/bin/denoise-studio snapshot resources/samples/ct-phantom.dcm -o "$picture"
echo "The window: $PWD/$picture"
