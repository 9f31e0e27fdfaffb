"""The adapter for ReStyle checkpoints in the layout that SemanticStyleGAN reads, in both directions."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from encoders.backbone import EncoderConfig, ResidualEncoder
from encoders.stored import StoredEncoder
from semedit.errors import CheckpointError
from semedit.storage.content import reading
from semedit.storage.pickled import read_pickle
from semedit.storage.weights import opened


def head_keys(config: EncoderConfig) -> Iterator[tuple[str, str, slice | int]]:
    """(official key, native name, the head's slice of it) of every entry of the heads."""
    layers, channels = config.map_side.bit_length() - 1, config.stages[-1]
    for j in range(config.rows):
        rows = slice(j * channels, (j + 1) * channels)
        for i in range(layers):
            yield f"styles.{j}.convs.{2 * i}.weight", f"heads.weights.{i}", rows
            yield f"styles.{j}.convs.{2 * i}.bias", f"heads.biases.{i}", rows
        yield f"styles.{j}.linear.weight", "heads.linear_weight", j
        yield f"styles.{j}.linear.bias", "heads.linear_bias", j


def to_official(encoder: ResidualEncoder) -> dict[str, Tensor]:
    """The official state dict (without the ``encoder.`` prefix) of an encoder."""
    native = {name: tensor.detach().cpu() for name, tensor in encoder.state_dict().items()}
    state = {k.removeprefix("trunk."): v.clone() for k, v in native.items() if k.startswith("trunk.")}
    return state | {key: native[name][where].clone() for key, name, where in head_keys(encoder.config)}


def from_official(state: Mapping[str, Tensor], source: str | Path) -> ResidualEncoder:
    """The encoder of an official state dict (without prefix), strictly. Raises CheckpointError."""
    config = infer_config(state, source)
    with torch.device("meta"):
        template = ResidualEncoder(config).state_dict()
    tensors = {f"trunk.{key}": value for key, value in state.items() if not key.startswith("styles.")}
    heads = {name: torch.empty(value.shape) for name, value in template.items() if name.startswith("heads.")}
    expected = set()
    for key, name, where in head_keys(config):
        if key not in state:
            raise CheckpointError(f"{source}: '{key}' is missing")
        if state[key].shape != heads[name][where].shape:
            wanted = tuple(heads[name][where].shape)
            raise CheckpointError(f"{source}: '{key}' is {tuple(state[key].shape)} instead of {wanted}")
        heads[name][where] = state[key].float()
        expected.add(key)
    if extra := sorted(key for key in state if key.startswith("styles.") and key not in expected):
        raise CheckpointError(f"{source}: {len(extra)} entries that no such encoder has, such as '{extra[0]}'")
    encoder = opened(lambda: ResidualEncoder(config), {**tensors, **heads}, source)
    return encoder.eval().requires_grad_(False)


def infer_config(state: Mapping[str, Tensor], source: str | Path) -> EncoderConfig:
    """An encoder's sizes from its tensors; as released, it pools pictures to its size, smaller ones too.

    Raises CheckpointError for something else.
    """
    rows = len({key.split(".")[1] for key in state if key.startswith("styles.")})
    if not rows or "styles.0.linear.weight" not in state:
        raise CheckpointError(f"{source}: no ReStyle-pSp encoder ('styles.0.linear.weight' is missing)")
    layers = sum(key.startswith("styles.0.convs.") and key.endswith(".weight") for key in state)
    dim = state["styles.0.linear.weight"].shape[0]
    shared: dict[str, Any] = {"rows": rows, "style_dim": dim, "enlarging": "pool"}
    if "conv1.weight" in state:
        return EncoderConfig(trunk="resnet34", size=2**layers * 16, **shared)
    if "input_layer.0.weight" not in state:
        raise CheckpointError(f"{source}: neither an IR-SE nor a ResNet-34 trunk")
    widths: list[int] = []
    units: list[int] = []
    for index in range(len({key.split(".")[1] for key in state if key.startswith("body.")})):
        width = state[f"body.{index}.res_layer.3.weight"].shape[0]
        if not widths or width != widths[-1]:
            widths.append(width)
            units.append(0)
        units[-1] += 1
    return EncoderConfig(size=2**layers * 2 ** len(widths), widths=tuple(widths), units=tuple(units), **shared)


def load_official_encoder(path: str | Path) -> StoredEncoder:
    """The encoder of a ReStyle checkpoint: ``encoder.*`` in ``state_dict`` (or flat), and ``latent_avg``.

    ``latent_avg`` may be (D,), (1, D) or (rows, D), of which the first row is used, as the released code does. Files
    are opened with tensors and plain values only. Raises CheckpointError.
    """
    content = read_pickle(path)
    with reading(path):
        return _stored(content, path)


def _stored(content: Mapping[str, Any], path: str | Path) -> StoredEncoder:
    state = content.get("state_dict", content)
    prefix = "encoder."
    own = {k.removeprefix(prefix): v for k, v in state.items() if str(k).startswith(prefix) and isinstance(v, Tensor)}
    if not own:
        raise CheckpointError(f"{path}: no encoder in it (no entries called '{prefix}...')")
    average = content.get("latent_avg")
    if not isinstance(average, Tensor):
        raise CheckpointError(f"{path}: 'latent_avg' is missing; the refinement starts from it")
    encoder = from_official(own, path)
    if average.shape[-1] != encoder.config.style_dim:
        wanted = encoder.config.style_dim
        raise CheckpointError(f"{path}: 'latent_avg' has width {average.shape[-1]} instead of {wanted}")
    return StoredEncoder(encoder, average.float().reshape(-1, average.shape[-1])[:1].clone())
