"""The torch operation against autograd through the unfolded float64 form."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from builders import noisy
from test_bilateral_reference import SMALL, double, smooth_maps, some_valid, unfolded

from denoise_studio.denoisers.bilateral.autograd import OnDevice, bilateral_torch_op


def on_device(x, sx, sy, sr, window=None, valid=None):
    """What CUDA tensors go through, on the CPU."""
    return OnDevice.apply(x, sx, sy, sr, window, valid, map)


def run(call, pixels, sigmas, upstream, *more):
    leaves = [torch.tensor(array, requires_grad=True) for array in (pixels, *sigmas)]
    result = call(*leaves, *more)
    result.backward(torch.from_numpy(upstream))
    return result.detach().numpy(), [leaf.grad.numpy() for leaf in leaves]


@pytest.mark.parametrize("call", [bilateral_torch_op, on_device])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [*SMALL, (23, 26)])
@pytest.mark.parametrize("window", [None, 2])
@pytest.mark.parametrize("masked", [False, True])
def test_value_and_gradients(call, channels, shape, window, masked):
    pixels, sigmas = noisy(*shape, channels), smooth_maps(*shape)
    valid = some_valid(*shape) if masked else None
    upstream = np.random.default_rng(7).normal(size=pixels.shape).astype(np.float32)
    mask = None if valid is None else torch.from_numpy(valid)
    result, gradients = run(call, pixels, sigmas, upstream, window, mask)
    leaves = [double(array, grad=True) for array in (pixels, *sigmas)]
    wanted = unfolded(*leaves, valid, window)
    wanted.backward(double(upstream))
    np.testing.assert_allclose(result, wanted.detach().numpy(), rtol=0, atol=2e-6)
    for name, found, leaf in zip(("x", "sx", "sy", "sr"), gradients, leaves, strict=True):
        right = leaf.grad.numpy()
        np.testing.assert_allclose(
            found, right, rtol=3e-5, atol=3e-5 * np.abs(right).max() + 1e-7, err_msg=name
        )


@pytest.mark.parametrize("call", [bilateral_torch_op, on_device])
def test_two_stages_hand_gradients_on(call):
    pixels, first, second = noisy(14, 15), smooth_maps(14, 15), smooth_maps(14, 15, seed=1)
    leaves = [torch.tensor(array, requires_grad=True) for array in (pixels, *first, *second)]
    call(call(*leaves[:4]), *leaves[4:]).square().sum().backward()
    exact = [double(array, grad=True) for array in (pixels, *first, *second)]
    unfolded(unfolded(*exact[:4]), *exact[4:]).square().sum().backward()
    for found, right in zip(leaves, exact, strict=True):
        right = right.grad.numpy()
        np.testing.assert_allclose(found.grad.numpy(), right, rtol=1e-4, atol=5e-5 * np.abs(right).max())


def test_only_what_is_asked_for():
    sigmas = [torch.full((5, 6), value, requires_grad=value != 1.0) for value in (1.5, 1.0, 0.1)]
    x = torch.from_numpy(noisy(5, 6))
    bilateral_torch_op(x, *sigmas).sum().backward()
    assert x.grad is None
    assert sigmas[1].grad is None
    assert sigmas[0].grad is not None
    with torch.no_grad():
        assert not bilateral_torch_op(x, *sigmas).requires_grad


def test_views_that_are_not_contiguous():
    x = torch.from_numpy(noisy(12, 10)).transpose(1, 2)
    row = torch.full((1, 1), 1.2, requires_grad=True)
    sigmas = row.expand(10, 12)
    result = bilateral_torch_op(x, sigmas, sigmas, sigmas)
    result.sum().backward()
    copies = sigmas.detach().clone().requires_grad_()
    bilateral_torch_op(x.contiguous(), copies, copies, copies).sum().backward()
    assert row.grad.item() == pytest.approx(copies.grad.sum().item(), rel=1e-4, abs=1e-5)


def test_no_second_derivative():
    x = torch.from_numpy(noisy(5, 6)).requires_grad_()
    sigma = torch.ones(5, 6)
    loss = bilateral_torch_op(x, sigma, sigma, sigma).square().sum()
    (slope,) = torch.autograd.grad(loss, x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()


@pytest.mark.parametrize("call", [bilateral_torch_op, on_device])
def test_what_does_not_fit_is_refused(call):
    x, sigma = torch.zeros(1, 4, 5), torch.ones(4, 5)
    with pytest.raises(ValueError, match="radius must be"):
        call(x, 80 * sigma, sigma, sigma)
    with pytest.raises(TypeError, match="float32"):
        bilateral_torch_op(x.double(), sigma, sigma, sigma)
    with pytest.raises(ValueError, match="sigmas must be"):
        bilateral_torch_op(x, sigma.T, sigma, sigma)


def test_the_kernels_do_not_import_torch():
    code = (
        "import sys, numpy; from denoise_studio.denoisers.bilateral import whole; "
        "x = numpy.zeros((1, 4, 4), 'f4'); whole.bilateral_gradients(x, 1.0, 1.0, 1.0, x); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
