"""The laws of iterative refinement."""

import copy

import pytest
import torch
from torch.nn import functional as F

from encoders.backbone import EncoderConfig, ResidualEncoder
from encoders.restyle import Refiner
from encoders.stored import StoredEncoder
from semedit.errors import ConfigError


def encoder_for(generator, seed=0):
    torch.manual_seed(seed)
    config = EncoderConfig(size=32, rows=generator.layout.rows, style_dim=16, widths=(16, 32), units=(1, 1))
    return ResidualEncoder(config).eval()


@pytest.fixture
def refiner(small):
    return Refiner(small, encoder_for(small), small.mean_w())


@pytest.fixture
def images():
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_with_zero_heads_nothing_moves(small, refiner, images):
    torch.nn.init.zeros_(refiner.encoder.heads.linear_weight)
    way = refiner.refine(images, 3)
    assert len(way.codes) == len(way.images) == 4
    for code, image in zip(way.codes, way.images, strict=True):
        assert torch.equal(code, small.mean_w()[None].expand_as(code))
        torch.testing.assert_close(image, refiner.start_image.expand_as(image), rtol=1e-4, atol=1e-5)


def test_two_steps_are_one_and_one(refiner, images):
    whole, first = refiner.refine(images, 2), refiner.refine(images, 1)
    second = refiner.refine(images, 1, start=(first.codes[-1], first.images[-1]))
    assert torch.equal(whole.codes[-1], second.codes[-1]) and torch.equal(whole.images[-1], second.images[-1])


def test_only_the_last_step_carries_a_gradient(small, refiner, images):
    refiner.refine(images, 3).images[-1].square().mean().backward()
    chained = [p.grad.clone() for p in refiner.encoder.parameters()]
    refiner.encoder.zero_grad()
    with torch.no_grad():
        way = refiner.refine(images, 2)
    refiner.refine(images, 1, start=(way.codes[-1], way.images[-1])).images[-1].square().mean().backward()
    for before, parameter in zip(chained, refiner.encoder.parameters(), strict=True):
        torch.testing.assert_close(before, parameter.grad, rtol=1e-4, atol=1e-7)


def test_a_trained_step_comes_nearer(small, images):
    """A few steps of training on one picture lower its error: the parts fit together."""
    refiner = Refiner(small, encoder_for(small), small.mean_w())
    with torch.no_grad():
        target = small(torch.randn(4, 16, generator=torch.Generator().manual_seed(2))).image
    optimiser = torch.optim.Adam(refiner.encoder.parameters(), lr=2e-3)
    errors = []
    for _ in range(25):
        loss = (refiner.refine(target, 1).images[-1] - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        errors.append(loss.item())
    assert errors[-1] < 0.7 * errors[0]


def test_encoders_of_others_are_refused(small):
    encoder = encoder_for(small)
    with pytest.raises(ConfigError, match="belongs to generator abc"):
        Refiner.of(small, StoredEncoder(encoder, small.mean_w(), "abc"))
    grown = copy.deepcopy(small)
    grown.lineage = ("abc",)  # made of that generator: its codes are read
    assert Refiner.of(grown, StoredEncoder(encoder, small.mean_w(), "abc")).size == encoder.config.size
    other = ResidualEncoder(EncoderConfig(size=32, rows=3, style_dim=16, widths=(16, 32), units=(1, 1)))
    with pytest.raises(ConfigError, match="3 rows of width 16 for a generator of"):
        Refiner(small, other, small.mean_w())
    assert Refiner.of(small, StoredEncoder(encoder, small.mean_w(), small.fingerprint)).refine(
        torch.zeros(1, 3, 32, 32), 1
    )


@pytest.mark.parametrize("enlarging", ["pool", "bilinear"])
def test_smaller_pictures_come_to_the_encoder_as_it_was_trained(small, enlarging):
    """Target and reconstruction alike: official encoders pool them, those trained here say what they read."""
    torch.manual_seed(0)
    config = EncoderConfig(size=64, rows=small.layout.rows, style_dim=16, widths=(16, 32), units=(1, 1),
                           enlarging=enlarging)  # fmt: skip
    refiner, images = Refiner(small, ResidualEncoder(config).eval(), small.mean_w()), torch.rand(1, 3, 32, 32) * 2 - 1
    pooled, smooth = F.adaptive_avg_pool2d(images, 64), F.interpolate(images, size=(64, 64), mode="bilinear")
    assert torch.equal(refiner.fit(images), pooled if enlarging == "pool" else smooth)
    seen = []
    refiner.encoder.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    code, start = refiner.start(1)
    refiner.step(refiner.fit(images), code, start)
    assert torch.equal(seen[0], torch.cat([refiner.fit(images), refiner.fit(start)], dim=1))
