"""The soft z-buffer makes no denormal numbers, and loses nothing that could be seen."""

import pytest
import torch

from semedit.checkpoints.zoo import load_generator
from semedit.networks.ops import coordinate_grid


def denormals(x):
    return int(((x != 0) & (x.abs() < torch.finfo(x.dtype).tiny)).sum())


@pytest.fixture
def steep():
    """Pseudo-depths (2, 5, 4096) as training leaves them: some hundreds apart, and every step between."""
    near = 120 * torch.randn(2, 5, 4096, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    near[:, 0] = 0
    return near.float()


def test_steep_depths_leave_no_denormal_weight_or_gradient(small, steep):
    assert denormals(steep.softmax(1)) > 0, "the case is not steep enough to show anything"
    depths = steep.clone().requires_grad_()
    masks, weights = small.composite(depths, None)
    assert denormals(masks) == denormals(weights) == 0
    (weights * 1e-3 * torch.linspace(-1, 1, 5)[None, :, None]).sum().backward()
    assert denormals(depths.grad) == 0 and depths.grad.abs().sum() > 0
    assert (depths.grad[masks == 0] == 0).all()


def test_hidden_regions_are_all_that_is_lost(small, steep):
    masks, _ = small.composite(steep, None)
    torch.testing.assert_close(masks, steep.softmax(1), rtol=0, atol=1e-7)
    torch.testing.assert_close(masks.sum(1), torch.ones(2, 4096), rtol=0, atol=1e-6)
    seen = steep.double().softmax(1) > 1e-19
    assert (masks[seen] > 0).all()


@pytest.mark.parametrize("name", ["portraits", "portraits-adversarial"])
def test_the_shipped_generators_blend_without_denormals(name):
    generator = load_generator(name).eval().requires_grad_(False)
    size, z = generator.config.coarse_size, torch.randn(2, generator.config.style_dim)
    codes = generator.codes(generator.mapping(z)).requires_grad_()
    x, depths = generator.local(codes, coordinate_grid(size, size))
    masks, weights = generator.composite(depths, None)
    features = generator.local.blend(x, weights)
    (gradient,) = torch.autograd.grad(features.square().mean(), depths)
    assert denormals(masks) == denormals(weights) == denormals(x * weights[:, :, None]) == denormals(gradient) == 0
