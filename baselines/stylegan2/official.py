"""The adapter for StyleGAN2 files of the common PyTorch layout (``{"g_ema": ..., "d": ...}``), in both directions.

Sizes come from the tensors, never from the file's ``args``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from baselines.stylegan2.discriminator import StyleGAN2DiscriminatorConfig
from baselines.stylegan2.generator import StyleGAN2Config, StyleGAN2Generator
from semedit.checkpoints import official
from semedit.checkpoints.official import Counterpart
from semedit.errors import CheckpointError, ConfigError
from semedit.networks.layers import official_channels


def generator_entries(config: StyleGAN2Config) -> Iterator[Counterpart]:
    """Every entry of an official generator's state dict, in no particular order."""
    dim, widths = config.style_dim, config.rgb_widths
    for i in range(config.mapping_layers):
        yield Counterpart(f"style.{i + 1}.weight", f"mapping.layers.{i}.weight", (dim, dim))
        yield Counterpart(f"style.{i + 1}.bias", f"mapping.layers.{i}.bias", (dim,))
    yield Counterpart("input.input", "constant", (1, widths[0], 4, 4))
    outputs = [width for width in widths for _ in range(2)][1:]
    for i, (width, out) in enumerate(zip(config.conv_widths, outputs, strict=True)):
        at, ours = f"convs.{i - 1}" if i else "conv1", f"convs.{i}"
        yield Counterpart(f"{at}.conv.weight", f"{ours}.weight", (1, out, width, 3, 3))
        yield from modulation(f"{at}.conv", ours, width, dim)
        yield Counterpart(f"{at}.noise.weight", f"{ours}.noise_weight", (1,))
        yield Counterpart(f"{at}.activate.bias", f"{ours}.bias", (out,))
        if i % 2:
            yield Counterpart(f"{at}.conv.blur.kernel", None, (4, 4), gain=4.0)
        side = config.resolutions[(i + 1) // 2]
        yield Counterpart(f"noises.noise_{i}", f"noise_{i}", (1, 1, side, side))
    for j, width in enumerate(widths):
        at, ours = f"to_rgbs.{j - 1}" if j else "to_rgb1", f"heads.{j}"
        yield Counterpart(f"{at}.conv.weight", f"{ours}.weight", (1, 3, width, 1, 1))
        yield from modulation(f"{at}.conv", ours, width, dim)
        yield Counterpart(f"{at}.bias", f"{ours}.bias", (1, 3, 1, 1))
        if j:
            yield Counterpart(f"{at}.upsample.kernel", None, (4, 4), gain=4.0)


def modulation(at: str, ours: str, width: int, dim: int) -> Iterator[Counterpart]:
    """The two entries of a layer's map from a row to its style."""
    yield Counterpart(f"{at}.modulation.weight", f"{ours}.style.weight", (width, dim))
    yield Counterpart(f"{at}.modulation.bias", f"{ours}.style.bias", (width,))


def discriminator_entries(config: StyleGAN2DiscriminatorConfig) -> Iterator[Counterpart]:
    """Every entry of an official discriminator's state dict: the dual-branch one's without the branch of masks."""
    for entry in official.discriminator_entries(config):
        if not entry.key.startswith("convs_seg."):
            yield replace(entry, key=entry.key.replace("convs_img.", "convs.", 1))


def to_official(generator: StyleGAN2Generator) -> dict[str, Tensor]:
    """The official state dict of a generator."""
    return official.to_official(generator_entries(generator.config), generator.state_dict())


def channel_table(widths: Mapping[int, int]) -> dict[str, object]:
    """The options ``channel_multiplier`` and ``channels`` that give the widths at each resolution."""

    def departures(multiplier: int) -> dict[int, int]:
        return {size: width for size, width in widths.items() if width != official_channels(size, multiplier)}

    multiplier = min((2, 1), key=lambda m: len(departures(m)))
    return {"channel_multiplier": multiplier, "channels": departures(multiplier)}


def shape_of(state: Mapping[str, Tensor], key: str, source: str | Path, what: str) -> tuple[int, ...]:
    """The shape of an entry; CheckpointError if there is none."""
    if not isinstance(state.get(key), Tensor):
        raise CheckpointError(f"{source}: no StyleGAN2 {what} ('{key}' is missing)")
    return tuple(state[key].shape)


def infer_config(state: Mapping[str, Tensor], source: str | Path) -> StyleGAN2Config:
    """A generator's sizes from its tensors. Raises CheckpointError for something else."""
    layers = sum(key.startswith("style.") and key.endswith(".weight") for key in state)
    heads = 1 + sum(key.startswith("to_rgbs.") and key.endswith(".conv.weight") for key in state)
    names = ["to_rgb1", *(f"to_rgbs.{j}" for j in range(heads - 1))]
    shapes = [shape_of(state, f"{name}.conv.weight", source, "generator") for name in names]
    if any(len(shape) != 5 for shape in shapes):
        raise CheckpointError(f"{source}: no StyleGAN2 generator (its RGB heads are not modulated)")
    dim = shape_of(state, "conv1.conv.modulation.weight", source, "generator")[1]
    widths = {2 ** (j + 2): shape[2] for j, shape in enumerate(shapes)}
    try:
        return StyleGAN2Config(size=max(widths), style_dim=dim, mapping_layers=layers, **channel_table(widths))
    except ConfigError as error:
        raise CheckpointError(f"{source}: {error}") from None


def infer_discriminator_config(state: Mapping[str, Tensor], source: str | Path) -> StyleGAN2DiscriminatorConfig:
    """A discriminator's sizes from its tensors. Raises CheckpointError for something else."""
    blocks = sum(key.startswith("convs.") and key.endswith(".skip.1.weight") for key in state)
    keys = ["convs.0.0.weight", *(f"convs.{b}.skip.1.weight" for b in range(1, blocks + 1))]
    outputs = [shape_of(state, key, source, "discriminator")[0] for key in keys]
    widths = {2 ** (blocks + 2 - step): width for step, width in enumerate(outputs)}
    try:
        return StyleGAN2DiscriminatorConfig(size=max(widths), **channel_table(widths))
    except ConfigError as error:
        raise CheckpointError(f"{source}: {error}") from None
