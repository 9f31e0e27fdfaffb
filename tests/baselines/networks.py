"""Networks of the baselines for tests: small ones with random weights, and those of the golden values."""

import torch
from torch import Tensor

from baselines.stylegan2 import StyleGAN2Config, StyleGAN2Generator, to_official
from baselines.stylegan2.official import generator_entries
from semedit.checkpoints.native import freeze
from semedit.checkpoints.official import to_native
from tests.golden import fill_state, rule_generator

#: Widths that differ from size to size, so that a wrong layer shows.
SMALL = StyleGAN2Config(size=32, style_dim=16, mapping_layers=2, channels={4: 16, 8: 16, 16: 8, 32: 4})


def random_stylegan2(config: StyleGAN2Config = SMALL, seed: int = 0) -> StyleGAN2Generator:
    """A generator whose noise strengths and biases are not zero, so that every term shows."""
    torch.manual_seed(seed)
    generator = StyleGAN2Generator(config)
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            if name.endswith(("bias", "noise_weight")):
                parameter.add_(0.1 * torch.randn_like(parameter))
    return freeze(generator)


def golden_stylegan2(size: int) -> StyleGAN2Generator:
    """The generator of the golden values."""
    generator = StyleGAN2Generator(StyleGAN2Config(size=size))
    filled = fill_state(to_official(generator), rule_generator)
    native = to_native(generator_entries(generator.config), filled, generator.state_dict(), "golden")
    generator.load_state_dict(native)
    return freeze(generator)


def random_codes(generator: StyleGAN2Generator, count: int, seed: int = 0) -> Tensor:
    """W+ codes (B, L, D) whose rows all differ."""
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(count, generator.config.rows, generator.config.style_dim, generator=draw)
