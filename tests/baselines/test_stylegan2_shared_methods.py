"""Inverters and editors that know nothing of StyleGAN2 take its generator as it is."""

import numpy as np
import pytest
import torch

from directions import FlowLibrary, FlowTraining, InterFaceGAN, StyleClip, StyleClipConfig
from encoders import Refiner
from encoders.backbone import EncoderConfig, ResidualEncoder
from encoders.measures import Measures
from encoders.optimization import OptimizationConfig, OptimizationInverter
from encoders.pivotal_tuning import PivotalTuningConfig, load_difference, save_difference, tune
from semedit.errors import UnknownName
from semedit.metrics.pixels import mse
from tests.baselines.networks import random_codes


class Pixels:
    """A perceptual metric for tests."""

    protocol = "pixels"

    def distance(self, a, b):
        return mse(a, b)


def test_latent_optimisation_comes_nearer(stylegan2):
    target = stylegan2(random_codes(stylegan2, 2)[:, 0]).image
    inverter = OptimizationInverter(stylegan2, Measures(Pixels()), OptimizationConfig(steps=20, mean_weight=0))
    found = inverter.invert(target)
    assert found.latent.space == "w+" and found.latent.data.shape == (2, 8, 16)
    assert found.history[-1]["mse"] < 0.5 * found.history[0]["mse"]
    assert torch.equal(found.reconstruction, stylegan2(found.latent).image)


def test_refinement_gives_rows(stylegan2):
    torch.manual_seed(0)
    encoder = ResidualEncoder(EncoderConfig(rows=8, style_dim=16, size=64, widths=(16, 16, 16, 16), units=(1, 1, 1, 1)))
    refiner = Refiner(stylegan2, encoder.eval(), stylegan2.mean_w(64))
    way = refiner.refine(torch.rand(2, 3, 32, 32) * 2 - 1, 2)
    assert [code.shape for code in way.codes] == [(2, 8, 16)] * 3 and way.images[-1].shape == (2, 3, 32, 32)
    assert torch.equal(way.images[-1], stylegan2(way.codes[-1]).image)


def test_pivotal_tuning_keeps_the_code_and_moves_the_weights(stylegan2, tmp_path):
    pivot = random_codes(stylegan2, 1)
    target = stylegan2(pivot).image + 0.1
    tuned = tune(stylegan2, pivot, target, Pixels(), PivotalTuningConfig(steps=20, lr=1e-3))
    assert tuned.history[-1]["mse"] < tuned.history[0]["mse"]
    assert tuned.generator(stylegan2.latent(pivot)).image.shape == target.shape
    save_difference(tmp_path / "difference.safetensors", tuned.generator, stylegan2)
    again = load_difference(tmp_path / "difference.safetensors", stylegan2)
    torch.testing.assert_close(again(pivot).image, tuned.generator(pivot).image, rtol=1e-2, atol=1e-2)


def test_directions_move_all_rows_and_regions_are_refused(stylegan2):
    codes = np.random.default_rng(0).normal(size=(400, 16)).astype(np.float32)
    direction = InterFaceGAN("x", chosen=0.1).fit(codes, codes[:, 0])
    for data in (random_codes(stylegan2, 2), random_codes(stylegan2, 2)[:, 0]):
        latent = stylegan2.latent(data)
        edited = direction.edit(latent, 1.5)
        moved, expected = (
            edited.data - latent.wplus().data,
            1.5 * direction.unmasked_scale_ * torch.from_numpy(direction.direction_),
        )
        torch.testing.assert_close(moved, expected.expand_as(moved), atol=1e-5, rtol=0)
        assert torch.equal(direction.edit(latent, 0.0).data, latent.wplus().data)
        with pytest.raises(UnknownName, match="no region or group is called 'hair'"):
            direction.edit(latent, 1.0, "hair")


def test_a_flow_edits_its_codes(stylegan2):
    codes = torch.randn(512, 16, generator=torch.Generator().manual_seed(0))
    training = FlowTraining(epochs=1, batch=128)
    library = FlowLibrary(("x",), labeller=lambda x: torch.sigmoid(x.wplus().data[:, 0, :1]), training=training)
    library.fit(codes, torch.sigmoid(codes[:, :1]))
    latent = stylegan2.latent(codes[:2])
    assert torch.equal(library["x"].edit(latent, 0.0).data, latent.wplus().data)
    assert not torch.equal(library["x"].edit(latent, 1.0).data, latent.wplus().data)


def test_words_edit_its_codes(stylegan2, tiny_clip):
    latent = stylegan2.latent(random_codes(stylegan2, 2))
    editor = StyleClip("a dog", stylegan2, tiny_clip, config=StyleClipConfig(steps=2, candidates=2))
    edited = editor.edit(latent, 1.0)
    assert edited.data.shape == latent.data.shape and not torch.equal(edited.data, latent.data)
    assert stylegan2(edited).image.shape == (2, 3, 32, 32)
