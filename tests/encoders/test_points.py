"""Distances of codes at points, by which encoders are taught without pictures."""

import pytest
import torch

from baselines.stylegan2 import StyleGAN2Config, StyleGAN2Generator
from encoders.points import PointsDistance, fitted_head
from semedit.errors import ConfigError
from semedit.training.teaching.objectives import PointReader
from tests.conftest import SMALL, random_generator


@pytest.fixture(scope="module")
def generator():
    return random_generator(SMALL)


def drawn(generator, count=3, seed=0):
    z = torch.randn(count, generator.config.style_dim, generator=torch.Generator().manual_seed(seed))
    points = torch.rand(count, 64, 2, generator=torch.Generator().manual_seed(seed)) * generator.config.size - 0.5
    return generator.layout.wplus(generator.mapping(z)).detach(), points


def test_equal_codes_lie_nowhere_apart_and_nearer_ones_less(generator):
    (codes, points), (others, _) = drawn(generator), drawn(generator, seed=1)
    distance = PointsDistance(generator)
    assert distance(codes, codes, points).abs().max() == 0
    near, far = (distance(codes.lerp(others, share), codes, points) for share in (0.1, 0.6))
    assert far.shape == (3,) and (near < far).all()


def test_only_the_first_codes_get_a_gradient(generator):
    (codes, points), (others, _) = drawn(generator), drawn(generator, seed=1)
    first, second = codes.clone().requires_grad_(), others.clone().requires_grad_()
    PointsDistance(generator)(first, second, points).sum().backward()
    assert first.grad.abs().sum() > 0 and second.grad is None


def test_the_reading_explains_the_generators_own_colours(generator):
    head = fitted_head(generator, "fp32")
    codes, points = drawn(generator, count=8, seed=5)
    with torch.no_grad():
        colours, _ = PointReader(generator, head, "fp32")(codes, points)
        image = generator(codes).image
    grid = ((points + 0.5) / generator.config.size * 2 - 1)[:, None]
    true = torch.nn.functional.grid_sample(image, grid, align_corners=False)[:, :, 0].transpose(1, 2)
    assert (colours - true).square().mean() < true.flatten(0, 1).var(0).mean()


def test_a_generator_without_regions_has_no_points():
    with pytest.raises(ConfigError, match="point_weight=0"):
        PointsDistance(StyleGAN2Generator(StyleGAN2Config(size=16, style_dim=16, mapping_layers=2)))
