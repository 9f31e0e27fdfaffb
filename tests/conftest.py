"""Small networks with random weights, shared by the tests."""

import pytest
import torch

from semedit.checkpoints.native import freeze
from semedit.latents.regions import generic_regions
from semedit.networks.generator import GeneratorConfig, SemanticGenerator
from semedit.networks.render import RenderBlock

SMALL = GeneratorConfig(
    size=32, regions=5, style_dim=16, mapping_layers=2, local_channels=8, coarse_channels=8, coarse_size=16,
    min_feature_size=8, local_layers=5, base_layers=2, depth_layers=3, transparent=(3,),
    render_channels={16: 8, 32: 8},
)  # fmt: skip


def random_generator(config: GeneratorConfig = SMALL, seed: int = 0) -> SemanticGenerator:
    """A generator whose noise strengths and biases are not zero, so that every term shows."""
    torch.manual_seed(seed)
    generator = SemanticGenerator(config, generic_regions(config.regions, config.transparent))
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            if "bias" in name:
                parameter.add_(0.1 * torch.randn_like(parameter))
        for block in generator.render.blocks:
            assert isinstance(block, RenderBlock)
            block.noise_weight.normal_(0, 0.1)
    return freeze(generator)


@pytest.fixture(scope="session")
def small() -> SemanticGenerator:
    return random_generator()


@pytest.fixture(autouse=True)
def seeded():
    """Every test draws the same numbers on every run, whichever tests ran before it."""
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """No test sees, or touches, the user's own models."""
    monkeypatch.setenv("SEMEDIT_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def tiny_clip():
    """A CLIP of open_clip's classes with random weights, for pictures of 32 px."""
    from semedit.metrics.clip import Clip, ClipConfig

    torch.manual_seed(0)
    config = ClipConfig(size=32, width=2, dim=8, text_width=8, text_layers=1, context=16)
    return Clip(config.build(), config.tokenizer(), "tiny", 32)
