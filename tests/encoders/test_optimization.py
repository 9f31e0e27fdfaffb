"""The laws of latent optimisation."""

import pytest
import torch

from encoders import OptimizationConfig, OptimizationInverter
from encoders.measures import Measures
from semedit.errors import ConfigError, ImageError
from semedit.training.engine.schedule import ramp


class Pixels:
    """A perceptual distance for tests: mean absolute difference."""

    protocol = "test-l1"

    def to(self, device):
        return self

    def distance(self, a, b):
        return (a - b).abs().flatten(1).mean(1)


def inverter(generator, **options):
    return OptimizationInverter(generator, Measures(Pixels()), OptimizationConfig(**{"steps": 30, **options}))


def target(generator, seed=3, count=1):
    w = torch.randn(count, 16, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return generator(w).image


@pytest.mark.parametrize(
    "t, value", [(0.0, 0.0), (0.025, 0.5), (0.05, 1.0), (0.5, 1.0), (0.75, 1.0), (0.875, 0.5), (1.0, 0.0)]
)
def test_ramp(t, value):
    assert ramp(t) == pytest.approx(value, abs=1e-9)


def test_the_mean_code_as_target_costs_only_the_noise_term(small):
    with torch.no_grad():
        picture = small(small.mean_w()).image
    result = inverter(small, steps=2).invert(picture)
    first = result.history[0]
    assert first["perceptual"] == pytest.approx(0, abs=1e-6) and first["mse"] == pytest.approx(0, abs=1e-9)
    assert first["mean"] == 0 and 0.5 < first["noise"] < 2.0


def test_the_first_step_changes_nothing_and_later_ones_help(small):
    result = inverter(small).invert(target(small))
    assert result.history[0] == pytest.approx(result.history[1])
    assert result.history[-1]["mse"] < 0.5 * result.history[0]["mse"]
    assert len(result.history) == 30 and result.latent.data.shape == (1, small.layout.rows, 16)
    assert result.trajectory.shape == (31, 1, small.layout.rows, 16)
    assert torch.equal(result.trajectory[0], result.trajectory[1])
    assert torch.equal(result.trajectory[-1], result.latent.data) and result.stopped == ("budget",)


def test_a_batch_equals_one_by_one(small):
    pictures = target(small, count=3)
    together = inverter(small).invert(pictures)
    for index in range(3):
        alone = inverter(small).invert(pictures[index : index + 1])
        torch.testing.assert_close(together.latent.data[index], alone.latent.data[0], rtol=1e-2, atol=2e-2)


def test_noise_buffers_stay_and_optimised_noise_is_returned(small):
    before = [n.clone() for n in small.render.noise_buffers()]
    assert "noise" not in inverter(small, steps=3).invert(target(small)).details
    found = inverter(small, steps=3, optimize_noise=True).invert(target(small)).details["noise"]
    assert all(torch.equal(a, b) for a, b in zip(before, small.render.noise_buffers(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(before, found, strict=True))


def test_space_w_has_equal_rows(small):
    rows = inverter(small, space="w").invert(target(small)).latent.data
    assert torch.equal(rows, rows[:, :1].expand_as(rows))


def test_other_sizes_are_resized_and_other_shapes_refused(small):
    big = torch.nn.functional.interpolate(target(small), scale_factor=2)
    assert inverter(small, steps=1).invert(big).target.shape[-1] == 32
    with pytest.raises(ImageError, match=r"\(B, 3, H, W\)"):
        inverter(small).invert(torch.zeros(3, 32, 32))
    with pytest.raises(ConfigError, match="greater than or equal to 1"):
        OptimizationConfig(steps=0)


def test_the_labels_term_pulls_the_segmentation_towards_the_parser(small):
    def parser(pictures):
        return torch.full(pictures.shape[::2][:1] + pictures.shape[-2:], 2)

    def agreement(weight):
        config = OptimizationConfig(steps=40, labels_weight=weight, mean_weight=0.0)
        measures = Measures(Pixels(), parser=parser if weight else None)
        found = OptimizationInverter(small, measures, config).invert(target(small)).latent
        return (small(found).labels == 2).float().mean()

    assert agreement(10.0) > agreement(0.0) + 0.1
    with pytest.raises(ConfigError, match="needs a parser"):
        inverter(small, labels_weight=1.0)
