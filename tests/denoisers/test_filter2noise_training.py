"""The loss and one training step against float64, written out term by term here, on its own."""

import math

import numpy as np
import pytest
from builders import noisy, padded

from denoise_studio.core.picture import Picture
from denoise_studio.denoisers.filter2noise.sampling import prepare

torch = pytest.importorskip("torch")

from denoise_studio.denoisers.filter2noise import attention as attention_module  # noqa: E402
from denoise_studio.denoisers.filter2noise.attention import attention  # noqa: E402
from denoise_studio.denoisers.filter2noise.fit import Training  # noqa: E402
from denoise_studio.denoisers.filter2noise.loss import dog_kernel  # noqa: E402
from denoise_studio.denoisers.filter2noise.stages import make_predictors, window_radius  # noqa: E402

LAMBDA, STEPS = 350.0, 500


def reference_maps(p, stage, x):
    """Attention over patches, twice, a layer norm and three softplus sigmas; `(3, H/8, W/8)`."""
    _, height, width = x.shape
    patches = [
        x[:, top : top + 8, left : left + 8].reshape(-1)
        for top in range(0, height, 8)
        for left in range(0, width, 8)
    ]
    tokens = torch.stack(patches)
    for block in ("features", "sigmas"):
        q, k, v = (
            tokens @ p[f"{stage}.{block}.{part}.weight"].T + p[f"{stage}.{block}.{part}.bias"]
            for part in ("query", "key", "value")
        )
        scores = torch.exp(q @ k.T / math.sqrt(8.0))
        tokens = (scores / scores.sum(1, keepdim=True)) @ v
    centred = tokens - tokens.mean(1, keepdim=True)
    unit = centred / torch.sqrt((centred**2).mean(1, keepdim=True) + 1e-5)
    unit = unit * p[f"{stage}.norm.weight"] + p[f"{stage}.norm.bias"]
    raw = unit @ p[f"{stage}.head.weight"].T + p[f"{stage}.head.bias"]
    sigmas = torch.log(1 + torch.exp(raw))
    sigmas = torch.where(sigmas > 6, torch.full_like(sigmas, 6.0), sigmas) + 1e-6
    return torch.stack([s.reshape(height // 8, width // 8) for s in sigmas.unbind(1)])


def mirror(index, size):
    return -index if index < 0 else 2 * (size - 1) - index if index >= size else index


def reference_filter(x, maps, valid):
    """Every neighbour of every pixel of one square window, all at once."""
    _, height, width = x.shape
    sx, sy, sr = (m.repeat_interleave(8, 0).repeat_interleave(8, 1) for m in maps)
    radius = math.ceil(float(torch.maximum(sx.max(), sy.max()).detach()))
    over, under = 0.0, 0.0
    for dy in range(-radius, radius + 1):
        rows = [mirror(y + dy, height) for y in range(height)]
        for dx in range(-radius, radius + 1):
            columns = [mirror(i + dx, width) for i in range(width)]
            other = x[:, rows][:, :, columns]
            weight = torch.exp(-(dx**2) / (2 * sx**2) - dy**2 / (2 * sy**2))
            weight = weight * torch.exp(-((x - other) ** 2).sum(0) / (2 * sr**2))
            weight = weight * valid[rows][:, columns]
            over, under = over + weight * other, under + weight
    return torch.where(valid, over / (under + 1e-8 * valid + ~valid), x)


def reference_denoise(p, stages, x, valid):
    for stage in range(stages):
        x = reference_filter(x, reference_maps(p, stage, x), valid)
    return x


def corners(x):
    return x[..., ::2, ::2], x[..., ::2, 1::2], x[..., 1::2, ::2], x[..., 1::2, 1::2]


def reference_shuffle(x, valid):
    x = x.clone()
    _, height, width = x.shape
    order = [
        ((0, 0), (0, 1)),
        ((1, 0), (1, 1)),
        ((0, 0), (1, 0)),
        ((0, 1), (1, 1)),
        ((0, 0), (1, 1)),
        ((0, 1), (1, 0)),
    ]
    for top in range(0, height, 2):
        for left in range(0, width, 2):
            best, chosen = math.inf, None
            for (ay, ax), (by, bx) in order:
                a, b = (top + ay, left + ax), (top + by, left + bx)
                distance = float(((x[:, *a] - x[:, *b]) ** 2).sum())
                if valid[a] and valid[b] and distance < best:
                    best, chosen = distance, (a, b)
            if chosen:
                a, b = chosen
                x[:, *a], x[:, *b] = x[:, *b].clone(), x[:, *a].clone()
    return x


def reference_dog(x):
    """The 7 x 7 difference of Gaussians, tap by tap, with zeros around the picture."""
    _, height, width = x.shape
    wide = torch.zeros(len(x), height + 6, width + 6, dtype=x.dtype)
    wide[:, 3:-3, 3:-3] = x
    r2 = [[(i - 3) ** 2 + (j - 3) ** 2 for j in range(7)] for i in range(7)]
    g9, g10 = (np.exp(-np.array(r2) / (2.0 * s**2)) for s in (9, 10))
    dog = g9 / g9.sum() - g10 / g10.sum()
    return sum(dog[i, j] * wide[:, i : i + height, j : j + width] for i in range(7) for j in range(7))


def reference_loss(p, stages, y, valid):
    tl, tr, bl, br = corners(y)
    block = torch.stack(corners(valid)).all(0)
    one, two = (
        reference_denoise(p, stages, reference_shuffle(d, block), block)
        for d in (0.5 * (tr + bl), 0.5 * (tl + br))
    )
    full = reference_denoise(p, stages, y, valid)
    tl, tr, bl, br = corners(full)
    first, second = 0.5 * (tr + bl), 0.5 * (tl + br)

    def mean(d, mask):
        return (d.abs() * mask).sum() / (mask.sum() * len(d))

    agreement = (
        mean(one - two, block)
        + mean(one - first, block)
        + mean(two - second, block)
        + mean(first - second, block)
    )
    dog = reference_dog(y * valid).abs() - reference_dog(full * valid).abs()
    return agreement / 3 + LAMBDA * mean(dog, valid)


def reference_step(p):
    """AdamW's first step, with decoupled decay, at OneCycle's first rate 1e-3 / 25.

    The moments of the first step are the gradient and its square once their bias is taken out,
    whatever the betas.
    """
    rate = 1e-3 / 25
    return {
        name: v.detach() * (1 - rate * 0.01) - rate * v.grad / (v.grad.abs() + 1e-8) for name, v in p.items()
    }


def both(picture, stages):
    """The package's training beside the reference: parameters in float64, loss and gradients there."""
    sample = prepare(picture)
    training = Training(sample, stages, STEPS, LAMBDA)
    p = {
        name: value.detach().double().requires_grad_()
        for name, value in training.predictors.named_parameters()
    }
    y = torch.from_numpy(sample.pixels).double()
    valid = torch.ones(y.shape[1:], dtype=torch.bool)
    if sample.valid is not None:
        valid = torch.from_numpy(sample.valid)
    loss = reference_loss(p, stages, y, valid)
    loss.backward()
    return training, p, loss.item()


PICTURES = {
    "grey": Picture(noisy(32, 48)),
    "colour": Picture(noisy(32, 32, 3)),
    "padding": padded(32, 48),
}


@pytest.mark.parametrize("stages", [1, 2])
@pytest.mark.parametrize("kind", PICTURES)
def test_loss_gradients_and_one_training_step(kind, stages):
    """Everything in float32 against float64: six digits of the loss, five of a layer's gradients.

    Gradients of the queries and keys go through differences of nearly equal softmax weights and are
    as small as 1e-10 (that of a key's bias is 0): there only the absolute rounding of 1e-10 is left.
    A step has the size of the rate wherever the gradient is not much smaller than AdamW's 1e-8, and
    1e-10 / 1e-8 is a hundredth of it.
    """
    training, p, wanted = both(PICTURES[kind], stages)
    value, _ = training.step()
    assert value == pytest.approx(wanted, rel=1e-6)
    after = reference_step(p)
    for name, parameter in training.predictors.named_parameters():
        true = p[name].grad
        assert (parameter.grad - true).abs().max() <= 1e-5 * true.abs().max() + 1e-10, name
        assert (parameter.detach() - after[name]).abs().max() <= 0.01 * 1e-3 / 25, name


@pytest.mark.parametrize(("stages", "count"), [(1, 1819), (2, 3638)])
def test_number_of_parameters(stages, count):
    assert sum(p.numel() for p in make_predictors(stages, 1, 77).parameters()) == count


def test_the_rate_goes_up_and_down_once():
    """OneCycle over the steps asked for: from 1e-3 / 25 to 1e-3 at 30 %, and to nothing at the end."""
    training = Training(prepare(Picture(noisy(16, 16))), 1, 40, LAMBDA)
    rates = []
    for _ in range(40):
        rates.append(training.rate)
        training.step()
    assert rates[0] == pytest.approx(4e-5)
    assert max(rates) == rates[11] == pytest.approx(1e-3)
    assert rates[-1] == pytest.approx(4e-9)


@pytest.mark.parametrize("scale", [0.01, 1.0, 20.0])
def test_attention_equals_the_plain_form(scale):
    """Large scores leave one neighbour with all the weight, small ones give all the same."""
    generator = torch.Generator().manual_seed(1)
    q, k, v, seen = torch.randn(4, 600, 8, generator=generator)
    q *= scale
    for tensor in (q, k, v):
        tensor.requires_grad_()
    blocks = attention(q, k, v)
    got = torch.autograd.grad((blocks * seen).sum(), (q, k, v))
    q, k, v = (tensor.detach().double().requires_grad_() for tensor in (q, k, v))
    plain = torch.softmax(q @ k.T / math.sqrt(8), 1) @ v
    wanted = torch.autograd.grad((plain * seen).sum(), (q, k, v))
    # float32 scores of up to 100 have 1e-5 of rounding in their exponentials.
    tolerance = 2e-6 * max(1.0, scale)
    for a, b in zip((blocks, *got), (plain, *wanted), strict=True):
        assert (a - b).abs().max() <= tolerance * b.abs().max()


def test_blocks_of_tokens_change_no_bit(monkeypatch):
    generator = torch.Generator().manual_seed(2)
    tensors = torch.randn(3, 300, 8, generator=generator)

    def run():
        q, k, v = (tensor.clone().requires_grad_() for tensor in tensors)
        out = attention(q, k, v, lambda work, items: [work(item) for item in reversed(list(items))])
        return (out, *torch.autograd.grad(out.square().sum(), (q, k, v)))

    wanted = run()
    monkeypatch.setattr(attention_module, "BLOCK", 37)
    for a, b in zip(run(), wanted, strict=True):
        assert torch.equal(a, b)


def test_the_edge_kernel():
    """The difference of two nearly flat Gaussians: sums to nothing, positive in the middle."""
    kernel = dog_kernel(torch.float64)[0, 0]
    assert kernel.shape == (7, 7)
    assert abs(kernel.sum()) < 1e-15
    g9, g10 = (sum(math.exp(-(n**2) / (2 * s**2)) for n in range(-3, 4)) ** 2 for s in (9, 10))
    assert kernel[3, 3] == pytest.approx(1 / g9 - 1 / g10)
    assert kernel[0, 6] == pytest.approx(math.exp(-18 / 162) / g9 - math.exp(-18 / 200) / g10)


@pytest.mark.parametrize(
    ("largest", "radius"), [(1e-6, 1), (0.3, 1), (1.0, 1), (1.01, 2), (5.2, 6), (6.0, 6), (6.000001, 6)]
)
def test_radius_of_the_window(largest, radius):
    assert window_radius(largest) == radius
