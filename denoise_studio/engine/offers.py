"""Which methods take a picture, and why others do not."""

from denoise_studio.core.errors import RecipeError
from denoise_studio.core.picture import Picture
from denoise_studio.denoisers import all_denoisers, get_denoiser


def refusal(method: str, picture: Picture) -> str:
    """Why a method does not take a picture, or is none, one sentence; "" if it does."""
    try:
        return get_denoiser(method).refusal(picture)
    except RecipeError as error:
        return str(error)


def why_so_few(picture: Picture) -> str:
    """For a picture that a single method takes: why no other one does; "" where there is a choice.

    The reason is that of a method made for such pictures, if there is one: it says most.
    """
    refused = [(one, one.refusal(picture)) for one in all_denoisers()]
    if sum(not reason for _, reason in refused) > 1:
        return ""
    made_for = [reason for one, reason in refused if reason and "planes" not in one.layouts]
    others = [reason for _, reason in refused if reason]
    reasons = made_for if picture.mosaic is not None and made_for else others
    return reasons[0] if reasons else ""
