"""SemanticGAN with the dual-branch training: masks beside pictures, from codes whose rows are no region's."""

import json

import pytest
import torch

from baselines.stylegan2 import (
    SEMANTIC_RECIPES,
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
from semedit.training.gan.state import initial_state
from semedit.training.gan.step import GanStep
from semedit.training.gan.trainer import train

TINY = SEMANTIC_RECIPES["semanticgan-portraits-tiny"]().replace(
    images=32, data=DataConfig(pool=32, differentiable="off"), monitor_every=0
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


def test_both_branches_are_trained():
    step = GanStep(TINY, initial_state(TINY, torch.device("cpu"), CELEBAMASK))
    step.run(draw_pool(PORTRAITS.draw, 8, 16, 1).batch(8, 0, 13))
    assert set(step.state.losses) == {
        "d", "real_score", "fake_score", "r1_image", "r1_mask", "g", "path", "path_length",
    }  # fmt: skip
    for network in (step.state.generator, step.state.discriminator):
        assert not [name for name, p in network.named_parameters() if p.grad is None and "mapping" not in name]


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
