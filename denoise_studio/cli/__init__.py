"""The command line: the same work as the window's, without one.

Every command imports what it needs when it runs, so that `--help` loads neither torch nor Qt.
"""

import logging
import os
import sys
import warnings


def main() -> None:
    """The program `denoise-studio`: run the command line and exit."""
    # Before anything starts OpenMP: threads that spin while waiting steal the other core.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    # Standard error carries one line, the reason of a failure; libraries' chatter goes nowhere.
    logging.getLogger().addHandler(logging.NullHandler())
    if not sys.warnoptions:
        warnings.simplefilter("ignore")

    try:
        from denoise_studio.cli.app import studio

        studio.main()
    except KeyboardInterrupt:  # before the commands are there to catch it
        sys.stderr.write("denoise-studio: Cancelled.\n")
        sys.exit(130)
