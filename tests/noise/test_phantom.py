"""The phantom: exact where it says so."""

import numpy as np
import pytest

from denoise_studio.noise.phantom import AIR, FLAT, LIVER, phantom


@pytest.mark.parametrize("size", [256, 512])
def test_flat_parts_are_exact(size: int) -> None:
    slice_ = phantom(size)
    assert slice_.shape == (size, size)
    assert slice_.dtype == np.float32
    for flat in FLAT:
        values = slice_[flat.mask(size)]
        assert values.size > 30, flat.name
        assert set(values.tolist()) == {flat.hu}, flat.name


def test_holds_what_a_denoiser_is_tried_on() -> None:
    slice_ = phantom(512)
    assert slice_.min() == AIR
    assert slice_.max() > 600  # cortical bone
    for contrast in (-20, -12, -6):  # the largest low-contrast inserts
        assert (slice_ == LIVER + contrast).sum() > 100
    spleen = slice_[285:315, 385:415]
    assert 3 < spleen.std() < 12


def test_edges_are_soft() -> None:
    slice_ = phantom(256)
    row = slice_[140, :40]  # from air through the skin
    assert np.unique(row).size > 3
