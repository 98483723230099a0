"""Errors whose message is one clear sentence that a person can act on."""


class StudioError(Exception):
    """Base of every error that is shown to the user as it stands."""


class FormatError(StudioError):
    """A file cannot be read or written; the sentence names the file and the reason."""


class RecipeError(StudioError):
    """A recipe is malformed, of an unknown version, or out of range."""


class MeasureError(StudioError):
    """Two pictures cannot be compared, or a metric does not apply."""


class Cancelled(Exception):
    """Raised inside a job that the user, or a newer request, has made useless."""


class OutOfMemory(Exception):
    """A method could not get the memory for one tile; the engine retries with less."""
