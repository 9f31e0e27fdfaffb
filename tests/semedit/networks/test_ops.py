"""The fast resampling forms against the definition (zero-stuffing), and their derivatives."""

import pytest
import torch
from torch.nn import functional as F

from benchmarks.speed.textbook import KERNEL, upfirdn
from semedit.errors import ConfigError
from semedit.networks import ops, precision
from semedit.networks.discriminator import DiscriminatorConfig, DualDiscriminator, minibatch_stddev
from semedit.networks.ops import blur, coordinate_grid, down_conv, fourier_features, up_conv, upsample2


def test_upsample_is_the_zero_stuffed_filter():
    x = torch.randn(2, 3, 6, 5)
    torch.testing.assert_close(upsample2(x), upfirdn(x, KERNEL * 4, 2, (2, 1)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("pad", [0, 1, 2])
def test_blur_is_the_filter(pad):
    x = torch.randn(2, 3, 6, 5)
    torch.testing.assert_close(blur(x, pad), upfirdn(x, KERNEL, 1, (pad, pad)), rtol=1e-5, atol=1e-6)


def test_up_conv_doubles_and_down_conv_halves():
    x, w3, w1 = torch.randn(1, 2, 8, 8), torch.randn(4, 2, 3, 3), torch.randn(4, 2, 1, 1)
    stretched = F.conv_transpose2d(x, w3.transpose(0, 1), stride=2)
    torch.testing.assert_close(
        up_conv(x, w3.transpose(0, 1)), upfirdn(stretched, KERNEL * 4, 1, (1, 1)), rtol=1e-5, atol=1e-5
    )
    three = F.conv2d(upfirdn(x, KERNEL, 1, (2, 2)), w3, stride=2)
    torch.testing.assert_close(down_conv(x, w3), three, rtol=1e-5, atol=1e-5)
    one = F.conv2d(upfirdn(x, KERNEL, 1, (1, 1)), w1, stride=2)
    torch.testing.assert_close(down_conv(x, w1), one, rtol=1e-5, atol=1e-5)
    assert (
        up_conv(x, w3.transpose(0, 1)).shape[-1] == 16
        and down_conv(x, w3).shape[-1] == 4
        and down_conv(x, w1).shape[-1] == 4
    )


@pytest.mark.parametrize("function", [
    lambda x: blur(x, 1, bias=x.sum((0, 2, 3))) ** 2,
    lambda x: upsample2(x), lambda x: up_conv(x, torch.ones(1, 1, 3, 3, dtype=x.dtype)) ** 2,
    lambda x: down_conv(x, torch.ones(1, 1, 3, 3, dtype=x.dtype)) ** 2,
    lambda x: down_conv(x, torch.ones(1, 1, 1, 1, dtype=x.dtype)) ** 2,
])  # fmt: skip
def test_first_and_second_derivatives(function):
    x = torch.randn(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(function, (x,))
    assert torch.autograd.gradgradcheck(function, (x,))


def test_features_are_in_the_documented_order():
    grid = coordinate_grid(3, 5)
    assert grid[0, 0].tolist() == [-1, -0.5, 0, 0.5, 1] and grid[1, :, 0].tolist() == [-1, 0, 1]
    features = fourier_features(grid, 2)
    expected = torch.cat([grid, grid.sin(), grid.cos(), (2 * grid).sin(), (2 * grid).cos()])
    torch.testing.assert_close(features, expected)


@pytest.fixture
def discriminator():
    torch.manual_seed(0)
    return DualDiscriminator(DiscriminatorConfig(size=16, regions=3, channels={16: 8, 8: 8, 4: 8}))


def test_discriminator_without_mask_leaves_the_mask_branch_alone(discriminator):
    discriminator(torch.randn(4, 3, 16, 16)).sum().backward()
    assert all(p.grad is None for p in discriminator.mask_branch.parameters())
    assert all(p.grad is not None for p in discriminator.image_branch.parameters())


def test_every_discriminator_parameter_gets_a_gradient(discriminator):
    discriminator(torch.randn(4, 3, 16, 16), torch.randn(4, 3, 16, 16)).sum().backward()
    for name, parameter in discriminator.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name


def test_a_batch_that_the_group_does_not_divide_is_refused():
    with pytest.raises(ConfigError, match=r"batch \(6\).*group \(4\)"):
        minibatch_stddev(torch.zeros(6, 1, 4, 4), 4)


@pytest.mark.parametrize("capability, device, wanted", [
    ("AVX512", "cpu", True), ("AVX2", "cpu", False), ("AVX2", "cuda", True),
])  # fmt: skip
def test_training_computes_in_bf16_only_where_that_is_fast(monkeypatch, capability, device, wanted):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(ops.torch, "autocast", lambda device, dtype, enabled: enabled)
    assert precision.training_cast("bf16", device) is wanted and precision.training_cast("fp32", device) is False
