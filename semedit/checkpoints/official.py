"""The one adapter for official SemanticStyleGAN ``.pt`` files, in both directions.

Sizes are inferred from the tensors and checked against the file's ``args``.
"""

import argparse
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from semedit.checkpoints.native import freeze
from semedit.errors import CheckpointError
from semedit.latents.regions import generic_regions
from semedit.networks.discriminator import DiscriminatorConfig, DualDiscriminator
from semedit.networks.generator import GeneratorConfig, SemanticGenerator
from semedit.networks.layers import official_channels
from semedit.networks.ops import blur_kernel
from semedit.storage.content import reading
from semedit.storage.pickled import read_pickle, state_of
from semedit.storage.tensors import write_torch
from semedit.storage.weights import opened

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Counterpart:
    """One official tensor: where its values live natively (``name[index]``) and the official ``shape``.

    ``name`` None marks a constant: the blur kernel times ``gain``.
    """

    key: str
    name: str | None
    shape: tuple[int, ...]
    index: tuple[int, ...] = ()
    gain: float = 0.0


def generator_entries(config: GeneratorConfig) -> Iterator[Counterpart]:
    """Every entry of an official generator's state dict, in no particular order."""
    dim, channels, coarse = config.style_dim, config.local_channels, config.coarse_channels
    for i in range(config.mapping_layers):
        yield Counterpart(f"style.{i + 1}.weight", f"mapping.layers.{i}.weight", (dim, dim))
        yield Counterpart(f"style.{i + 1}.bias", f"mapping.layers.{i}.bias", (dim,))
    inputs = 2 * (2 * int(math.log2(config.size)) + 1)
    yield Counterpart("pos_embed.weights", "local.embedding", (channels, inputs, 1, 1))
    for k in range(config.regions):
        for i in range(config.local_layers):
            at = f"local_nets.{k}.linears.{i}"
            yield Counterpart(f"{at}.conv.weight", "local.weight", (1, channels, channels, 1, 1), (i, k))
            yield Counterpart(f"{at}.conv.modulation.weight", "local.style_weight", (channels, dim), (i, k))
            yield Counterpart(f"{at}.conv.modulation.bias", "local.style_bias", (channels,), (i, k))
            yield Counterpart(f"{at}.activate.bias", "local.bias", (channels,), (i, k))
        yield from head(f"local_nets.{k}.to_feat", "local.feature_{}", coarse, channels, (k,))
        if k:
            yield from head(f"local_nets.{k}.to_depth", "local.depth_{}", 1, channels, (k - 1,))
    yield from render_entries(config)


def head(key: str, name: str, out_ch: int, in_ch: int, index: tuple[int, ...] = ()) -> Iterator[Counterpart]:
    """The four entries of a fixed 1x1 head."""
    yield Counterpart(f"{key}.bias", name.format("bias"), (1, out_ch, 1, 1), index)
    yield Counterpart(f"{key}.upsample.kernel", None, (4, 4), gain=4.0)
    yield Counterpart(f"{key}.conv.weight", name.format("weight"), (out_ch, in_ch, 1, 1), index)
    yield Counterpart(f"{key}.conv.modulation", name.format("modulation"), (1, in_ch, 1, 1), index)


def render_entries(config: GeneratorConfig) -> Iterator[Counterpart]:
    in_ch = config.coarse_channels
    for b, size in enumerate(config.block_sizes):
        in_ch += config.coarse_channels if size // 2 == config.coarse_size else 0
        out_ch = config.width(size)
        for part, conv, width in ((0, "up", in_ch), (1, "conv", out_ch)):
            at, block = f"render_net.convs.{2 * b + part}", f"render.blocks.{b}"
            yield Counterpart(f"{at}.weight", f"{block}.{conv}.weight", (out_ch, width, 3, 3))
            yield Counterpart(f"{at}.modulation", f"{block}.{conv}.modulation", (1, width, 1, 1))
            yield Counterpart(f"{at}.noise.weight", f"{block}.noise_weight", (1,), (part,))
            yield Counterpart(f"{at}.activate.bias", f"{block}.{conv}_bias", (out_ch,))
            yield Counterpart(
                f"render_net.noises.noise_{2 * b + part}", f"render.noise_{2 * b + part}", (1, 1, size, size)
            )
        yield Counterpart(f"render_net.convs.{2 * b}.blur.kernel", None, (4, 4), gain=4.0)
        yield from head(f"render_net.to_rgbs.{b}", f"render.blocks.{b}.to_rgb.{{}}", 3, out_ch)
        yield from head(f"render_net.to_segs.{b}", f"render.blocks.{b}.to_seg.{{}}", config.regions, out_ch)
        in_ch = out_ch


def discriminator_entries(config: DiscriminatorConfig) -> Iterator[Counterpart]:
    """Every entry of an official discriminator's state dict."""
    sizes = [config.size // 2**step for step in range(int(math.log2(config.size)) - 1)]
    for theirs, ours, inputs in (("convs_img", "image_branch", 3), ("convs_seg", "mask_branch", config.regions)):
        first = config.width(config.size)
        yield Counterpart(f"{theirs}.0.0.weight", f"{ours}.0.weight", (first, inputs, 1, 1))
        yield Counterpart(f"{theirs}.0.1.bias", f"{ours}.0.bias", (first,))
        for b, size in enumerate(sizes[:-1], start=1):
            a, o = config.width(size), config.width(size // 2)
            yield Counterpart(f"{theirs}.{b}.conv1.0.weight", f"{ours}.{b}.conv1.weight", (a, a, 3, 3))
            yield Counterpart(f"{theirs}.{b}.conv1.1.bias", f"{ours}.{b}.conv1.bias", (a,))
            yield Counterpart(f"{theirs}.{b}.conv2.0.kernel", None, (4, 4), gain=1.0)
            yield Counterpart(f"{theirs}.{b}.conv2.1.weight", f"{ours}.{b}.conv2.weight", (o, a, 3, 3))
            yield Counterpart(f"{theirs}.{b}.conv2.2.bias", f"{ours}.{b}.conv2.bias", (o,))
            yield Counterpart(f"{theirs}.{b}.skip.0.kernel", None, (4, 4), gain=1.0)
            yield Counterpart(f"{theirs}.{b}.skip.1.weight", f"{ours}.{b}.skip.weight", (o, a, 1, 1))
    width = config.width(4)
    yield Counterpart("final_conv.0.weight", "final_conv.weight", (width, width + 1, 3, 3))
    yield Counterpart("final_conv.1.bias", "final_conv.bias", (width,))
    for i, (rows, columns) in enumerate(((width, width * 16), (1, width))):
        yield Counterpart(f"final_linear.{i}.weight", f"final_linear.{i}.weight", (rows, columns))
        yield Counterpart(f"final_linear.{i}.bias", f"final_linear.{i}.bias", (rows,))


def to_official(entries: Iterator[Counterpart], native: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Official state dict of a native one."""
    state = {}
    for entry in entries:
        if entry.name is None:
            state[entry.key] = blur_kernel(1, torch.ones(1), entry.gain)[0, 0].clone()
        else:
            state[entry.key] = native[entry.name][entry.index].detach().cpu().reshape(entry.shape).clone()
    return state


def to_native(entries: Iterator[Counterpart], official: Mapping[str, Tensor], template: Mapping[str, Tensor],
              source: str | Path) -> dict[str, Tensor]:  # fmt: skip
    """Native state dict of an official one, strictly; ``template`` gives the native shapes."""
    native: dict[str, Tensor] = {}
    seen = set()
    for entry in entries:
        tensor = official.get(entry.key)
        if not isinstance(tensor, Tensor):
            raise CheckpointError(f"{source}: '{entry.key}' is missing")
        if tuple(tensor.shape) != entry.shape:
            raise CheckpointError(f"{source}: '{entry.key}' is {tuple(tensor.shape)} instead of {entry.shape}")
        if not tensor.is_floating_point():
            raise CheckpointError(f"{source}: '{entry.key}' holds {tensor.dtype} instead of floating-point numbers")
        seen.add(entry.key)
        if entry.name is not None and entry.name not in native:
            native[entry.name] = torch.empty(template[entry.name].shape)
        if entry.name is not None:
            target = native[entry.name]
            target[entry.index] = tensor.float().reshape(target[entry.index].shape)
        elif not torch.allclose(tensor.float(), blur_kernel(1, torch.ones(1), entry.gain)[0, 0], atol=1e-6):
            raise CheckpointError(f"{source}: '{entry.key}' is another filter than [1, 3, 3, 1] of gain {entry.gain:g}")
    if extra := sorted(official.keys() - seen):
        raise CheckpointError(f"{source}: {len(extra)} entries that such a network does not have, such as '{extra[0]}'")
    return native


def infer_config(state: Mapping[str, Tensor], args: Mapping[str, Any], source: str | Path) -> GeneratorConfig:
    """Generator sizes from the tensors, the rest from ``args``; CheckpointError naming a field that disagrees."""

    def shape(key: str) -> tuple[int, ...]:
        if key not in state:
            raise CheckpointError(f"{source}: no SemanticStyleGAN generator ('{key}' is missing)")
        return tuple(state[key].shape)

    blocks = (
        sum(key.startswith("render_net.convs.") and key.endswith(".weight") and "noise" not in key for key in state)
        // 2
    )
    coarse_channels, channels = shape("local_nets.0.to_feat.conv.weight")[:2]
    min_size = shape("render_net.noises.noise_0")[-1] // 2
    widths: dict[int, int] = {}
    coarse_size, in_ch = 0, coarse_channels
    for b in range(blocks):
        out_ch, actual = shape(f"render_net.convs.{2 * b}.weight")[:2]
        coarse_size = min_size * 2**b if actual == in_ch + coarse_channels else coarse_size
        size, in_ch = min_size * 2 ** (b + 1), out_ch
        widths |= {size: out_ch} if out_ch != official_channels(size, args.get("channel_multiplier", 2)) else {}
    size = min_size * 2**blocks
    inferred = {
        "size": size,
        "regions": len({key.split(".")[1] for key in state if key.startswith("local_nets.")}),
        "style_dim": shape("style.1.weight")[0],
        "mapping_layers": sum(key.startswith("style.") and key.endswith(".weight") for key in state),
        "local_layers": sum(key.startswith("local_nets.0.linears.") and key.endswith("conv.weight") for key in state),
        "local_channels": channels,
        "coarse_channels": coarse_channels,
        "coarse_size": coarse_size or args.get("coarse_size", size),
        "min_feature_size": min_size,
    }  # fmt: skip
    theirs = {"size": "size", "regions": "seg_dim", "style_dim": "latent", "mapping_layers": "n_mlp",
              "local_layers": "local_layers", "local_channels": "local_channel", "coarse_channels": "coarse_channel",
              "coarse_size": "coarse_size", "min_feature_size": "min_feat_size"}  # fmt: skip
    for ours, name in theirs.items():
        if name in args and args[name] != inferred[ours]:
            raise CheckpointError(f"{source}: args.{name} is {args[name]}, but the tensors say {inferred[ours]}")
    frequencies = shape("pos_embed.weights")[1]
    if frequencies != 2 * (2 * int(math.log2(size)) + 1):
        raise CheckpointError(
            f"{source}: 'pos_embed.weights' has {frequencies} inputs, which no {size} px generator has"
        )
    for name in ("base_layers", "depth_layers", "residual_refine", "transparent_dims"):
        if name not in args:
            raise CheckpointError(f"{source}: args.{name} is missing, and the tensors do not tell it")
    return GeneratorConfig(
        **inferred, render_channels=widths, channel_multiplier=args.get("channel_multiplier", 2),
        base_layers=args["base_layers"], depth_layers=args["depth_layers"], residual_refine=args["residual_refine"],
        detach_texture=args.get("detach_texture", False), transparent=tuple(args["transparent_dims"]),
    )  # fmt: skip


def read_official(path: str | Path, key: str) -> tuple[Mapping[str, Tensor], Mapping[str, Any]]:
    """State dict ``key`` ("g", "g_ema" or "d") and ``args`` of an official ``.pt`` file. Raises CheckpointError."""
    content = read_pickle(path)
    state, args = content.get(key), content.get("args")
    if not isinstance(state, dict) or not isinstance(args, dict):
        found = ", ".join(sorted(map(str, content))[:8])
        raise CheckpointError(
            f"{path}: a SemanticStyleGAN checkpoint holds '{key}' and 'args'; this one holds: {found}"
        )
    return state_of(state, path), args


def discriminator_config(args: Mapping[str, Any]) -> DiscriminatorConfig:
    """The sizes of a checkpoint's discriminator, as its ``args`` say."""
    return DiscriminatorConfig(
        size=args["size"], regions=args["seg_dim"], channel_multiplier=args.get("channel_multiplier", 2)
    )


def load_official(path: str | Path, key: str = "g_ema") -> SemanticGenerator:
    """The generator under ``key`` of an official ``.pt`` file, frozen. Raises CheckpointError."""
    state, args = read_official(path, key)
    with reading(path):
        config = infer_config(state, args, path)
        table = generic_regions(config.regions, config.transparent)
    return freeze(_translated(lambda: SemanticGenerator(config, table), generator_entries(config), state, path))


def load_official_discriminator(path: str | Path) -> DualDiscriminator:
    """The discriminator ``d`` of an official training checkpoint. Raises CheckpointError."""
    state, args = read_official(path, "d")
    with reading(path):
        config = discriminator_config(args)
    return _translated(lambda: DualDiscriminator(config), discriminator_entries(config), state, path)


def _translated(make: Callable[[], M], entries: Iterator[Counterpart], state: Mapping[str, Tensor],
                source: str | Path) -> M:  # fmt: skip
    """The network that ``make`` builds, with the tensors of an official state dict. Raises CheckpointError."""
    with reading(source):
        with torch.device("meta"):
            template = make().state_dict()
        return opened(make, to_native(entries, state, template, source), source)


def official_args(config: GeneratorConfig) -> argparse.Namespace:
    """The ``args`` that an official file of this configuration carries."""
    return argparse.Namespace(
        size=config.size, latent=config.style_dim, n_mlp=config.mapping_layers,
        channel_multiplier=config.channel_multiplier, seg_dim=config.regions, local_layers=config.local_layers,
        local_channel=config.local_channels, base_layers=config.base_layers, depth_layers=config.depth_layers,
        coarse_size=config.coarse_size, coarse_channel=config.coarse_channels, min_feat_size=config.min_feature_size,
        residual_refine=config.residual_refine, detach_texture=config.detach_texture,
        transparent_dims=list(config.transparent),
    )  # fmt: skip


def save_official(path: str | Path, generator: SemanticGenerator) -> None:
    """Write ``{g_ema, args}`` as the official scripts read it, atomically.

    Raises CheckpointError for a generator with the paper's choices that the official format does not know.
    """
    if generator.config.background_pose or generator.config.heads != "block":
        raise CheckpointError(f"{path}: the official format has no place for background_pose or heads per convolution")
    state = to_official(generator_entries(generator.config), generator.state_dict())
    write_torch(path, {"g_ema": state, "args": official_args(generator.config)})
