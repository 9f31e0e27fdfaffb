"""Winograd's filtering is the convolution, rounded no worse, and is taken only where it may be."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from semedit.networks import winograd
from semedit.networks.generator import GeneratorConfig, SemanticGenerator
from semedit.networks.irse import IrTrunk, IrTrunkConfig, folded_trunk


@pytest.mark.parametrize("shape", [(1, 5, 8, 8), (3, 4, 2, 6), (2, 7, 12, 10)])
@pytest.mark.parametrize("bias", [True, False])
def test_it_is_the_convolution(shape, bias):
    x, weight = torch.randn(shape, dtype=torch.float64), torch.randn(6, shape[1], 3, 3, dtype=torch.float64)
    added = torch.randn(6, dtype=torch.float64) if bias else None
    made = winograd.convolve(x, winograd.transformed(weight), added)
    torch.testing.assert_close(made, F.conv2d(x, weight, added, padding=1), rtol=1e-12, atol=1e-12)


def test_it_is_rounded_no_worse_than_a_sum_in_any_order():
    torch.manual_seed(0)
    x, weight = torch.randn(1, 256, 16, 16), torch.randn(256, 256, 3, 3) / 48
    exact = F.conv2d(x.double(), weight.double(), padding=1)
    assert (winograd.convolve(x, winograd.transformed(weight)) - exact).abs().max() < 1e-5


def wide(channels=winograd.WIDE):
    conv = nn.Conv2d(channels, channels, 3, 1, 1).requires_grad_(False)
    assert winograd.WideConv2d.suits(conv) == (channels >= winograd.WIDE)
    return winograd.WideConv2d(conv)


def test_where_it_is_taken(monkeypatch):
    taken = []
    monkeypatch.setattr(winograd, "convolve", lambda x, *rest: taken.append(x.shape) or x)
    conv, x = wide(), torch.randn(1, winograd.WIDE, 4, 4)
    conv(x.requires_grad_())
    with torch.no_grad():
        conv(x[..., :3])
        with torch.autocast("cpu", torch.bfloat16):
            conv(x)
        conv.double()(x.double())
        wide(8)(torch.randn(1, 8, 4, 4))
        assert not taken
        conv.float()(x)
    assert taken == [x.shape]


def test_changed_weights_are_transformed_anew():
    conv, x = wide(), torch.randn(1, winograd.WIDE, 4, 4)
    with torch.no_grad():
        before = conv(x)
        conv.weight.mul_(2)
        conv.bias.mul_(2)
        torch.testing.assert_close(conv(x), before * 2)


def test_wide_networks_compute_the_same_with_and_without_a_gradient():
    """With one, they take the convolution itself."""
    torch.manual_seed(0)
    trunk = folded_trunk(IrTrunk(IrTrunkConfig(widths=(16, 256), units=(1, 2), squeeze=0)).eval())
    assert sum(isinstance(module, winograd.WideConv2d) for module in trunk.modules()) == 2
    sizes = {"size": 32, "min_feature_size": 16, "coarse_size": 16, "coarse_channels": 16, "local_channels": 8}
    generator = SemanticGenerator(GeneratorConfig(**sizes, style_dim=16, render_channels={32: 256}))
    generator.eval().requires_grad_(False)
    for network, x in ((trunk, torch.randn(2, 3, 32, 32)), (lambda w: generator(w).image, torch.randn(2, 16))):
        with torch.inference_mode():
            fast = network(x)
        torch.testing.assert_close(fast, network(x), rtol=1e-4, atol=1e-5)
