"""SemanticGAN with the dual-branch training: masks beside pictures, from codes whose rows are no region's."""

import json
import math

import pytest
import torch

from baselines.stylegan2 import (
    SEMANTIC_RECIPES,
    PatchDiscriminator,
    PatchDiscriminatorConfig,
    SemanticGAN,
    SemanticGANConfig,
    SemanticGANRun,
    SemanticGANTrainConfig,
    StyleGAN2Config,
    StyleGAN2Generator,
)
from semedit.cli.main import run
from semedit.data.drawn import draw_pool
from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.loading import load
from semedit.errors import ConfigError
from semedit.latents.regions import CELEBAMASK
from semedit.training.engine.feed import DataConfig
from semedit.training.gan.losses import discriminator_loss, generator_loss, r1_penalties
from semedit.training.gan.state import initial_state
from semedit.training.gan.step import GanStep
from semedit.training.gan.trainer import train

TINY = SEMANTIC_RECIPES["semanticgan-portraits-tiny"]().replace(
    images=32, data=DataConfig(pool=32, differentiable="off"), monitor_every=0
)
PATCHES = SEMANTIC_RECIPES["semanticgan-patches-tiny"]().replace(
    images=16, data=DataConfig(pool=16, differentiable="off"), monitor_every=0
)


@pytest.mark.parametrize("name", SEMANTIC_RECIPES)
def test_recipes_survive_json(name):
    config = SEMANTIC_RECIPES[name]()
    assert SemanticGANTrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config and config.name == name


def test_its_picture_is_that_of_a_stylegan2():
    """Masks are further outputs: without them the same weights are a StyleGAN2's."""
    torch.manual_seed(0)
    ours = SemanticGAN(TINY.generator, CELEBAMASK)
    sizes = {name: value for name, value in TINY.generator.to_json().items() if name != "regions"}
    plain = StyleGAN2Generator(StyleGAN2Config(**sizes))
    state = ours.state_dict()
    heads = {name for name in state if name.startswith("heads.") and name.split(".")[-2].isdigit()}
    plain.load_state_dict({name: t[:3] if name in heads else t for name, t in state.items()})
    w = torch.randn(2, 16)
    out = ours(w)
    torch.testing.assert_close(out.image, plain(w).image, rtol=1e-5, atol=1e-5)
    assert out.segmentation.shape == (2, 13, 16, 16) and out.labels.shape == (2, 16, 16)
    torch.testing.assert_close(ours(ours.styles(w)).segmentation, out.segmentation)
    with pytest.raises(ConfigError, match="13 regions"):
        SemanticGAN(SemanticGANConfig(size=16, regions=5), CELEBAMASK)


@pytest.mark.parametrize("config", [TINY, PATCHES], ids=["dual", "patches"])
def test_both_branches_are_trained(config):
    step = GanStep(config, initial_state(config, torch.device("cpu"), CELEBAMASK))
    step.run(draw_pool(PORTRAITS.draw, 8, 16, 1).batch(8, 0, 13))
    assert set(step.state.losses) == {
        "d", "real_score", "fake_score", "r1_image", "r1_mask", "g", "path", "path_length",
    }  # fmt: skip
    for network in (step.state.generator, step.state.discriminator):
        assert not [name for name, p in network.named_parameters() if p.grad is None and "mapping" not in name]


def test_picture_and_patches_weigh_alike():
    """Logits of the picture and of every scale's patches; a patch sees what lies near it, pictures and masks alike."""
    config = PatchDiscriminatorConfig(size=64, channels=dict.fromkeys((64, 32, 16, 8, 4), 8), scales=2, patch_width=4)
    torch.manual_seed(0)
    critic, (images, masks) = PatchDiscriminator(config), (torch.randn(2, c, 64, 64) for c in (3, 13))
    logits = critic(images, masks)
    assert logits.shape == (2, 1 + 8 * 8 + 4 * 4) and critic(images).shape == (2, 1)
    shares = critic.shares(logits)
    assert shares[0] == 1 and shares[1:65].sum().item() == pytest.approx(0.5) == shares[65:].sum().item()
    assert discriminator_loss(torch.zeros(2, 81), torch.zeros(2, 81), shares).item() == pytest.approx(4 * math.log(2))
    corner = masks.clone()
    corner[..., :4, :4] += 1
    change = (critic(images, corner) - logits).abs()
    assert (change[:, 0] == 0).all() and (change[:, 1] > 0).all() and (change[:, 64] == 0).all()
    for inputs, wanted in (((images, masks), 2), ((images,), 1)):
        seen = [x.clone().requires_grad_() for x in inputs]
        out = critic(*seen)
        assert len(r1_penalties(out, *seen, shares=critic.shares(out))) == wanted
    with pytest.raises(ConfigError, match="leave no patch"):
        PatchDiscriminatorConfig(size=8, scales=2)


def test_one_logit_counts_as_before():
    """Shares change nothing where each picture has one logit."""
    real, fake = torch.randn(2, 6, 1)
    assert discriminator_loss(real, fake) == discriminator_loss(real, fake, torch.ones(1))
    assert generator_loss(fake) == generator_loss(fake, torch.ones(1))


def test_its_own_training_resumes_to_the_same_bits(tmp_path):
    """Patches and all: a run that was stopped after a step ends as one that was not; its generator is packed."""
    whole = train(PATCHES, tmp_path / "whole", domain=PORTRAITS, kind=SemanticGANRun)
    train(PATCHES.replace(images=8), tmp_path / "broken", domain=PORTRAITS, kind=SemanticGANRun)
    broken = train(PATCHES, tmp_path / "broken", domain=PORTRAITS, kind=SemanticGANRun)
    for a, b in ((whole.generator, broken.generator), (whole.discriminator, broken.discriminator)):
        assert all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))
    assert isinstance(whole.discriminator, PatchDiscriminator)
    assert run(["models", "pack", str(tmp_path / "whole"), "--out", str(tmp_path / "home" / "models" / "patchy")]) == 0
    assert load("patchy").generator.config == PATCHES.generator


def test_a_run_is_packed_and_used(tmp_path, capsys):
    train(TINY, tmp_path / "run", domain=PORTRAITS, kind=SemanticGANRun)
    started = TINY.replace(start=str(tmp_path / "run"), images=8)
    train(started, tmp_path / "on", domain=PORTRAITS, kind=SemanticGANRun)
    assert run(["models", "pack", str(tmp_path / "run"), "--out", str(tmp_path / "home" / "models" / "masked")]) == 0
    model = load("masked")
    pictures = model.synthesise(model.sample(2))
    assert pictures.labels is not None and model.generator.label_table == CELEBAMASK
    assert run(["sample", "--model", "masked", "--count", "2", "--columns", "2", "--out", str(tmp_path / "s")]) == 0
    capsys.readouterr()
    assert run(["models", "convert", str(tmp_path / "run" / "generator.safetensors"), str(tmp_path / "x.pt")]) == 2
    assert "no official format" in capsys.readouterr().err
