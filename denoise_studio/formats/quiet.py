"""Libraries that would write their remarks to the terminal or into logs."""

import logging


def silence(*names: str) -> None:
    """Keep the loggers of these libraries to themselves.

    What matters of their remarks becomes a note or an error here; the rest may quote a file's
    contents, patient data among them, which belong in no log.
    """
    for name in names:
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
        logger.propagate = False
