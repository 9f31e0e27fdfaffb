"""The laws of pivotal tuning."""

import pytest
import torch

from encoders.pivotal_tuning import PivotalTuningConfig, load_difference, save_difference, tune
from semedit.errors import CheckpointError, LatentError
from semedit.metrics.pixels import mse
from tests.conftest import random_generator
from tests.encoders.test_optimization import Pixels

CONFIG = PivotalTuningConfig(steps=25, lr=2e-3)


@pytest.fixture(scope="module")
def target():
    return torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(4)) * 2 - 1


@pytest.fixture(scope="module")
def pivot(small):
    return small.layout.wplus(small.mean_w()).contiguous()


@pytest.fixture(scope="module")
def tuned(small, pivot, target):
    return tune(small, pivot, target, Pixels(), CONFIG)


def test_tuning_lowers_the_loss_and_leaves_the_source_alone(small, pivot, target, tuned):
    before = {name: value.clone() for name, value in small.state_dict().items()}
    again = tune(small, pivot, target, Pixels(), CONFIG)
    assert all(torch.equal(value, before[name]) for name, value in small.state_dict().items())
    first, last = tuned.history[0], tuned.history[-1]
    assert last["perceptual"] + 0.1 * last["mse"] < 0.95 * (first["perceptual"] + 0.1 * first["mse"])
    assert again.history == tuned.history  # every picture starts from the source's weights


def test_mapping_and_noise_stay(small, tuned):
    own, theirs = small.state_dict(), tuned.generator.state_dict()
    same = {name for name in own if torch.equal(own[name], theirs[name])}
    assert {n for n in own if n.startswith("mapping") or (".noise_" in n and "weight" not in n)} <= same
    assert "render.blocks.0.conv.weight" not in same and "local.weight" not in same


def test_the_locality_term_keeps_other_codes(small, pivot, target, tuned):
    near = CONFIG.model_copy(update={"locality_weight": 5.0, "locality_distance": 3.0})
    kept = tune(small, pivot, target, Pixels(), near)
    assert "locality" in kept.history[0] and kept.history[0]["locality"] == pytest.approx(0, abs=1e-6)
    w = small.mapping(torch.randn(8, 16, generator=torch.Generator().manual_seed(7)))
    w = pivot[:, 0] + 3.0 * (w - pivot[:, 0]) / (w - pivot[:, 0]).norm(dim=1, keepdim=True)
    drift = [mse(g(w).image, small(w).image).mean() for g in (tuned.generator, kept.generator)]
    assert drift[1] < drift[0]


def test_differences_are_stored_beside_the_latent(small, pivot, tuned, tmp_path):
    save_difference(tmp_path / "tuned.safetensors", tuned.generator, small)
    opened = load_difference(tmp_path / "tuned.safetensors", small)
    torch.testing.assert_close(opened(pivot).image, tuned.generator(pivot).image, rtol=1e-2, atol=1e-2)
    assert opened(small.latent(pivot)).image.shape == (1, 3, 32, 32)  # the source's codes are read
    with pytest.raises(CheckpointError, match="a difference from generator"):
        load_difference(tmp_path / "tuned.safetensors", random_generator(seed=5))


def test_one_picture_at_a_time(small, pivot, target):
    with pytest.raises(LatentError, match="one code is tuned to one picture"):
        tune(small, pivot.repeat(2, 1, 1), target, Pixels(), CONFIG)
