import dataclasses
import json

import numpy as np
import pytest
from builders import noisy, tile

from denoise_studio.core.denoiser import Denoiser
from denoise_studio.core.errors import RecipeError
from denoise_studio.core.parameter import Parameter
from denoise_studio.core.picture import Kind
from denoise_studio.denoisers import all_denoisers, get_denoiser, register, unregister
from denoise_studio.denoisers.registry import DEFAULT_METHODS

NLM = get_denoiser("nlm")
VALUES = {"h": 1.2, "patch_radius": 1, "search_radius": 4}


def nlm(pixels, valid=None, noise_level=0.05, **values):
    chosen = VALUES | values
    return NLM.load()(tile(pixels, NLM.halo(chosen), valid, noise_level=noise_level, **chosen))


@pytest.mark.parametrize("channels", [1, 3])
def test_nlm_brings_a_noisy_picture_nearer_to_the_clean_one(channels):
    y, x = np.mgrid[0:64, 0:64] / 20.0
    clean = np.broadcast_to(np.sin(x) * np.cos(y) + (x > 1.5), (channels, 64, 64)).astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 0.05, clean.shape).astype(np.float32)
    error = nlm(clean + noise) - clean
    assert error.std() < 0.6 * noise.std()


@pytest.mark.parametrize("channels", [1, 3])
def test_nlm_is_deterministic(channels):
    pixels = noisy(50, 61, channels)
    first = nlm(pixels)
    assert first.dtype == np.float32
    assert first.shape == pixels.shape
    assert first.flags.c_contiguous
    assert np.array_equal(first, nlm(pixels))


def test_nlm_does_not_care_where_zero_is():
    pixels = noisy(40, 45, low=-1024, high=3071)
    base, moved = nlm(pixels, noise_level=200.0), nlm(pixels + np.float32(5000), noise_level=200.0)
    level = np.ptp(pixels) / 65535
    assert np.abs(moved - 5000 - base).max() <= 2 * level


@pytest.mark.parametrize("value", [0.0, -1024.0, 0.1, 1e30])
def test_nlm_keeps_a_constant_exactly(value):
    pixels = np.full((1, 20, 20), value, np.float32)
    assert np.array_equal(nlm(pixels, noise_level=10.0), pixels)


def test_nlm_keeps_flat_areas_of_any_value_exactly():
    pixels = np.full((1, 40, 40), 0.123456789, np.float32)
    pixels[:, :, 20:] = 1.7654321
    assert np.array_equal(nlm(pixels, noise_level=0.001), pixels)


def test_nlm_without_noise_returns_its_input():
    pixels = noisy(30, 30, 3)
    assert np.array_equal(nlm(pixels, noise_level=0.0), pixels)


def test_nlm_takes_any_noise_level():
    pixels = noisy(30, 30)
    for level in (1e-30, 1e-6, 1.0, 1e6, 1e30):
        result = nlm(pixels, noise_level=level)
        assert np.isfinite(result).all()
        assert pixels.min() - 1e-4 <= result.min() <= result.max() <= pixels.max() + 1e-4


def test_nlm_pixels_do_not_depend_on_what_padding_holds():
    pixels = noisy(40, 40)
    valid = np.ones((40, 40), bool)
    valid[:8] = False
    other = pixels.copy()
    other[:, :8] = 7e4
    assert np.array_equal(nlm(pixels, valid)[:, 8:], nlm(other, valid)[:, 8:])


@pytest.mark.parametrize("halo", [0, 3])
def test_identity_is_exact(halo):
    pixels = noisy(9, 11, 3)
    method = get_denoiser("identity")
    assert np.array_equal(method.load()(tile(pixels, halo)), pixels)


@pytest.mark.parametrize("method", all_denoisers(), ids=lambda method: method.id)
class TestDescriptor:
    def test_describes_itself_in_plain_json(self, method):
        told = json.loads(json.dumps(method.describe(), allow_nan=False))
        assert told["id"] == method.id
        assert [p["name"] for p in told["parameters"]] == [p.name for p in method.parameters]
        for parameter in told["parameters"]:
            if "minimum" in parameter:
                assert parameter["minimum"] < parameter["maximum"]
                assert (parameter["default"] is None) == parameter["fitted"]
                if not parameter["fitted"]:
                    assert parameter["minimum"] <= parameter["default"] <= parameter["maximum"]
                assert parameter["step"] > 0
                # A logarithmic slider's lowest position may be 0; the decades begin at the step.
                assert parameter["scale"] == "linear" or parameter["minimum"] >= 0

    def test_tells_what_a_person_needs(self, method):
        assert method.summary.endswith(".")
        assert all(p.label and p.description.endswith(".") for p in method.parameters)
        assert method.halo({p.name: p.default for p in method.parameters}) >= 0

    def test_takes_its_own_defaults(self, method):
        for parameter in method.parameters:
            assert parameter.checked(parameter.default) == parameter.default

    def test_unknown_parameters_are_named(self, method):
        with pytest.raises(RecipeError, match="no parameter 'wobble'"):
            method.parameter("wobble")


def copy_of(method: Denoiser, **changes) -> Denoiser:
    return dataclasses.replace(method, **{"id": "test-copy"} | changes)


def test_registry_refuses_what_would_break_later():
    with pytest.raises(ValueError, match="taken"):
        register(get_denoiser("identity"))
    bad_default = Parameter("p", "P", "", 5.0, maximum=1.0)
    with pytest.raises(ValueError, match="out of range"):
        register(copy_of(NLM, parameters=(bad_default,)))
    with pytest.raises(ValueError, match="strength"):
        register(copy_of(NLM, parameters=(Parameter("strength", "S", "", 0.5),)))
    with pytest.raises(RecipeError, match=r"no method 'test-copy' \(there are: .*bilateral, .*nlm, identity"):
        get_denoiser("test-copy")


def test_a_method_can_come_and_go():
    extra = copy_of(NLM)
    register(extra)
    try:
        assert get_denoiser("test-copy") is extra
        assert all_denoisers()[-1] is extra
    finally:
        unregister("test-copy")
    assert extra not in all_denoisers()


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_picture_has_a_default_method(kind):
    assert get_denoiser(DEFAULT_METHODS[kind])
