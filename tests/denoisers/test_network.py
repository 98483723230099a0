"""The network: what holds by construction, with small random weights, and what the shipped ones do."""

import numpy as np
import pytest
from builders import noisy, picture, region

from denoise_studio.core.errors import StudioError
from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Values
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box
from denoise_studio.denoisers.network import HALO, NETWORK, SHA256
from denoise_studio.engine import devices
from denoise_studio.engine.filtering import Filter
from denoise_studio.engine.render import render, render_in_full
from denoise_studio.engine.resolve import resolve
from denoise_studio.formats import open_picture

torch = pytest.importorskip("torch")

from denoise_studio.denoisers.network import weights as shipped  # noqa: E402
from denoise_studio.denoisers.network.apply import run  # noqa: E402
from denoise_studio.denoisers.network.model import Network, Shape  # noqa: E402
from denoise_studio.denoisers.network.weights import Weights, read_network  # noqa: E402
from denoise_studio.training.export import write_weights  # noqa: E402

SMALL = Shape(1, (8, 16, 16), (1, 1, 1))
COLOUR = Shape(3, (8, 16, 16), (1, 1, 1))


@pytest.fixture(scope="module", params=[SMALL, COLOUR], ids=["grey", "colour"])
def network(request):
    """Random weights, strong enough to change the picture."""
    made = Network(request.param, torch.Generator().manual_seed(3)).eval()
    with torch.no_grad():
        made.residual.weight.mul_(20)
    return made


def shown(network, height=64, width=64, seed=0):
    return noisy(height, width, network.shape.channels, seed)


def levels(height=64, width=64, seed=1):
    return np.random.default_rng(seed).uniform(0.02, 0.2, (height, width)).astype(np.float32)


def test_it_changes_the_picture(network):
    x = shown(network)
    assert np.abs(run(network, x, 0.1, "float32") - x).max() > 0.05


@pytest.mark.parametrize("factor", [1e-3, 7.0, 4000.0])
def test_the_output_scales_with_the_input(network, factor):
    x, sigma = shown(network), levels()
    expected = factor * run(network, x, sigma, "float32")
    scaled = run(network, np.float32(factor) * x, np.float32(factor) * sigma, "float32")
    assert scaled == pytest.approx(expected, abs=5e-6 * factor)


def test_an_offset_passes_through(network):
    x, sigma = shown(network), levels()
    moved = run(network, x + np.float32(8), sigma, "float32")
    assert moved == pytest.approx(run(network, x, sigma, "float32") + 8, abs=5e-5)


def test_an_offset_passes_through_bfloat16_which_could_not_hold_it(network):
    """An offset of 1000 noise sds costs no more than bfloat16 does without it."""
    x, sigma = shown(network), levels()
    exact = run(network, x, sigma, "float32")
    without = np.abs(run(network, x, sigma, "bfloat16") - exact).max()
    moved = run(network, x + np.float32(128), sigma, "bfloat16") - 128
    assert np.abs(moved - exact).max() < 2 * without


@pytest.mark.parametrize("value", [0.0, -1024.0, 0.3, 3071.0])
def test_a_flat_field_stays_flat(network, value):
    flat = np.full((network.shape.channels, 48, 48), value, np.float32)
    flat[-1] *= np.float32(0.7)
    for sigma in (0.1, 50.0):
        assert np.array_equal(run(network, flat, sigma, "float32"), flat)


def test_pixels_with_sigma_zero_are_returned_unchanged(network):
    x, sigma = shown(network), levels()
    sigma[:, :30] = 0
    result = run(network, x, sigma, "float32")
    assert np.array_equal(result[..., :30], x[..., :30])
    assert not np.array_equal(result[..., 30:], x[..., 30:])
    assert np.array_equal(run(network, x, 0.0, "bfloat16"), x)


def test_no_pixel_moves_by_more_than_eight_sigma(network):
    x, sigma = 100 * shown(network), levels()
    assert (np.abs(run(network, x, sigma, "float32") - x) <= 8 * sigma + 1e-4).all()


def test_nothing_is_cut_off(network):
    x = 5 * shown(network) - 2
    result = run(network, x, 0.3, "float32")
    assert result.min() < -1
    assert result.max() > 2


def test_nothing_beyond_the_halo_is_felt(network):
    halo = network.shape.halo
    side = 2 * halo + 8
    x = shown(network, side, side)
    other = x.copy()
    middle = slice(halo, halo + 8)
    outside = np.ones(x.shape, bool)
    outside[:, : 2 * halo + 8, : 2 * halo + 8] = False
    outside[:, :, 0] = outside[:, 0] = outside[:, :, -1] = outside[:, -1] = True
    other[outside] += 3
    a, b = (run(network, image, 0.1, "float32")[:, middle, middle] for image in (x, other))
    assert np.array_equal(a, b)


def test_the_halo_is_tight_within_the_multiple():
    """Some pixel within one multiple of the halo is felt: it is no larger than it has to be."""
    network = Network(SMALL, torch.Generator().manual_seed(3)).eval().double()
    halo, side = SMALL.halo, 2 * SMALL.halo + 8
    x = torch.rand(1, 1, side, side, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x.requires_grad_(True)
    removed = network.trunk(network.first(torch.nn.functional.pixel_unshuffle(x, 2)))
    removed[..., halo // 2 : halo // 2 + 4, halo // 2 : halo // 2 + 4].abs().sum().backward()
    felt = torch.nonzero(x.grad.abs().sum(dim=(0, 1)).sum(dim=0))
    reach = max(halo - int(felt.min()), int(felt.max()) - (halo + 7))
    assert halo - 2 * SMALL.multiple < reach < halo


def test_shipped_shape_and_halo():
    assert Shape(1).halo == Shape(3).halo == HALO == NETWORK.halo({})
    assert NETWORK.size_multiple == Shape(1).multiple


def test_odd_sizes(network):
    x = shown(network, 37, 53)
    assert run(network, x, 0.1, "float32").shape == x.shape
    tiny = shown(network, 1, 1)
    assert run(network, tiny, 0.1, "float32").shape == tiny.shape


# Weights


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "small.safetensors"
    made = Network(SMALL, torch.Generator().manual_seed(5))
    return path, write_weights(made, path), made


def test_weights_are_read_as_they_were_written(file):
    path, sha256, made = file
    read = read_network(path, sha256)
    assert read.shape == SMALL
    for name, value in made.state_dict().items():
        assert torch.equal(read.state_dict()[name], value)


def test_tampered_weights_are_refused_by_name(file):
    path, sha256, _ = file
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(StudioError, match=r"small\.safetensors are not those that were shipped"):
        read_network(path, sha256)


@pytest.mark.parametrize("keep", [0, 7, 100, 2000])
def test_damaged_weights_are_refused_by_name(file, keep):
    path, _, _ = file
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(StudioError, match=r"small\.safetensors are damaged"):
        read_network(path)


def test_missing_weights_are_refused_by_name(tmp_path):
    with pytest.raises(StudioError, match=r"gone\.safetensors cannot be read"):
        read_network(tmp_path / "gone.safetensors")


def test_the_studio_names_the_file_that_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(shipped, "resource", lambda *parts: tmp_path.joinpath(*parts))
    from denoise_studio.denoisers.network import apply

    shipped.load_network.cache_clear()
    apply.on_device.cache_clear()
    with pytest.raises(StudioError, match=r"network-grey\.safetensors cannot be read"):
        render(picture(40, 40), Recipe(method="network", noise_level=0.05))
    shipped.load_network.cache_clear()
    apply.on_device.cache_clear()


# The shipped weights, through the engine

SIGMA = 25 / 255


@pytest.fixture(scope="module")
def photo(samples):
    """A clean photograph, grey, `(1, 400, 600)` in [0, 1]."""
    return open_picture(samples / "photo-clean.png").pixels.mean(axis=0, keepdims=True) / 255


def with_noise(clean, sigma=SIGMA, seed=0):
    noise = np.random.default_rng(seed).standard_normal(clean.shape, np.float32)
    return clean + np.float32(sigma) * noise


def psnr(a, b):
    return float(-10 * np.log10(np.mean((a.astype(np.float64) - b) ** 2)))


def told(level=SIGMA, *regions, **more):
    return Recipe(method="network", noise_level=level, regions=regions, device="cpu", **more)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_shipped_weights_beat_non_local_means_that_knows_the_noise(photo, samples, channels):
    from skimage.restoration import denoise_nl_means

    clean = photo if channels == 1 else open_picture(samples / "photo-clean.png").pixels / 255
    noisy_pixels = with_noise(clean)
    ours = render(Picture(noisy_pixels), told()).pixels
    settings = {"patch_size": 5, "patch_distance": 6, "h": 0.6 * SIGMA, "sigma": SIGMA}
    if channels == 1:
        peer = denoise_nl_means(noisy_pixels[0], **settings)[None]
    else:
        peer = denoise_nl_means(noisy_pixels, channel_axis=0, **settings)
    assert psnr(ours, clean) > psnr(peer, clean) + 0.5
    assert psnr(ours, clean) > psnr(noisy_pixels, clean) + 9.0


def test_tiles_make_no_difference(photo):
    """Against one call on the whole picture, mirrored as the engine does it."""
    wide = np.concatenate([photo, photo[..., ::-1]], axis=2)  # 1200 px: several tiles of 512
    noisy_pixels = with_noise(wide)
    tiled = render(Picture(noisy_pixels), told(precision="float32")).pixels
    padded = np.pad(noisy_pixels, ((0, 0), (HALO, HALO), (HALO, HALO)), mode="reflect")
    network = shipped.load_network(Weights("network-grey", SHA256[1]))
    whole = run(network, padded, SIGMA, "float32")[:, HALO:-HALO, HALO:-HALO]
    assert np.abs(tiled - whole).max() < 1e-5


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_is_asked_for_makes_no_difference_at_all(photo, precision):
    """The preview's few cells are those of the whole picture to the last bit."""
    shown = Picture(with_noise(np.concatenate([photo, photo[..., ::-1]], axis=2)))
    recipe = resolve(shown, told(precision=precision))
    whole = render_in_full(shown, recipe)
    bound = Filter(shown, recipe, devices.cpu(), whole.fitted)
    parts = {}
    bound.run([Rect(256, 0, 256, 256), Rect(1024, 256, 176, 144)], parts.__setitem__, Progress())
    assert len(parts) == 2
    for rect, pixels in parts.items():
        assert np.array_equal(pixels, whole.picture.pixels[(slice(None), *rect.slices)])


@pytest.mark.allow_log
def test_less_memory_makes_no_difference(photo, monkeypatch):
    from denoise_studio.core.errors import OutOfMemory
    from denoise_studio.denoisers.network import apply

    noisy_pixels = with_noise(photo)
    expected = render(Picture(noisy_pixels), told(precision="float32")).pixels
    real = apply.run

    def scarce(network, pixels, *rest):
        if pixels.shape[-1] > 400:
            raise OutOfMemory("no room")
        return real(network, pixels, *rest)

    monkeypatch.setattr(apply, "run", scarce)
    rendering = render_in_full(Picture(noisy_pixels), told(precision="float32"))
    assert rendering.tile < 512
    assert np.abs(rendering.picture.pixels - expected).max() < 1e-5


def test_a_region_with_sigma_zero_keeps_its_pixels(photo):
    shown = Picture(with_noise(photo))
    result = render(shown, told(SIGMA, region(Box(100, 50, 180, 110), sigma=0.0))).pixels
    assert np.array_equal(result[:, 50:110, 100:180], shown.pixels[:, 50:110, 100:180])
    assert not np.array_equal(result[:, 50:110, 180:200], shown.pixels[:, 50:110, 180:200])


def test_a_step_in_the_noise_level_makes_no_seam():
    """On a flat field with noise of two strengths, told truly, the error at the step is no larger."""
    sigma = np.full((256, 256), 0.05, np.float32)
    sigma[:, 128:] = 0.2
    noise = np.random.default_rng(0).standard_normal((8, 1, 256, 256), np.float32)
    network = shipped.load_network(Weights("network-grey", SHA256[1]))
    errors = np.array([run(network, 0.5 + sigma * n, sigma, "float32") - 0.5 for n in noise])
    rms = np.sqrt((errors**2).mean(axis=(0, 1, 2)))  # of every column
    left, right = rms[20:100].mean(), rms[156:236].mean()
    assert rms[112:144].max() < 1.5 * max(left, right)


def test_the_estimate_is_the_middle_of_the_slider(photo):
    shown = Picture(with_noise(photo))
    rendering = render_in_full(shown, Recipe(method="network", device="cpu"))
    found = rendering.fitted.maps["sigma"].values
    assert float(np.median(found)) == pytest.approx(SIGMA, rel=0.15)
    twice = render_in_full(shown, Recipe(method="network", parameters=Values({"noise": 2.0}), device="cpu"))
    assert (
        np.abs(twice.picture.pixels - shown.pixels).mean()
        > np.abs(rendering.picture.pixels - shown.pixels).mean()
    )
    assert psnr(rendering.picture.pixels, photo) > psnr(twice.picture.pixels, photo)


def test_a_picture_without_noise_is_left_alone():
    ramp = np.broadcast_to(np.linspace(0, 1, 128, dtype=np.float32), (1, 128, 128)).copy()
    result = render(Picture(ramp), Recipe(method="network", device="cpu"))
    assert np.array_equal(result.pixels, ramp)


def test_the_record_names_the_weights(photo):
    assert NETWORK.describe()["weights_sha256"] == {"1": SHA256[1], "3": SHA256[3]}


def test_bfloat16_costs_hardly_anything(photo):
    for sigma in (5 / 255, SIGMA):
        shown = Picture(with_noise(photo, sigma))
        full, half = (
            psnr(render(shown, told(sigma, precision=p)).pixels, photo) for p in ("float32", "bfloat16")
        )
        assert half > full - 0.01
