#!/usr/bin/env bash
# Makes .venv and installs the project into it, with the exact versions of constraints.txt.
# PYTHON=/path/to/python chooses another interpreter than the first that is found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

new_enough='import sys; raise SystemExit(sys.version_info < (3, 11))'

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if "$candidate" -c "$new_enough" 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

if ! .venv/bin/python -c "$new_enough" 2>/dev/null || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(find_python) || {
        echo "Denoise Studio needs Python 3.11 or newer and found none: install it, or name it with make PYTHON=/path/to/python." >&2
        exit 1
    }
    # Debian and Ubuntu keep the part that makes virtual environments in a package of its own.
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            echo "Installing the system package $package."
            apt-get install -y --no-install-recommends "$package" >/dev/null 2>&1 ||
                { apt-get update -qq && apt-get install -y --no-install-recommends "$package" >/dev/null; }
        else
            echo "Python's venv module is missing: run  sudo apt-get install $package  and try again." >&2
            exit 1
        fi
    fi
    echo "Making .venv with $("$python" --version)."
    "$python" -m venv --clear .venv
fi

echo "Installing Denoise Studio and what it needs into .venv; the first time takes several minutes and 2 GB."
quiet=()
[ -t 1 ] || quiet=(--quiet)
.venv/bin/python -m pip install ${quiet[@]+"${quiet[@]}"} --disable-pip-version-check \
    --editable '.[dev]' --constraint constraints.txt
touch .venv/installed
