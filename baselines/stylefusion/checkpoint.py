"""Files of a FusionNet: native ones, and those of the authors' layout (20 tensors, bare or under ``state_dict``)."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from torch import Tensor

from baselines.stylefusion.fusion_net import FusionConfig, FusionNet
from semedit.checkpoints import official
from semedit.checkpoints.official import Counterpart
from semedit.errors import CheckpointError
from semedit.storage.content import reading
from semedit.storage.pickled import read_pickle
from semedit.storage.weights import Weights, load_state, load_weights, save_weights

KIND = "fusion-net"


def entries(config: FusionConfig) -> Iterator[Counterpart]:
    """Every entry of an official state dict."""
    for name, vectors in (("common", 2), ("segments", 3)):
        widths = (vectors * config.width + config.code_width, *config.hidden, config.width)
        for i, (inputs, outputs) in enumerate(pairwise(widths)):
            theirs, ours = f"blender_{name}.disentangle_net.{i}", f"{name}.layers.{i}"
            yield Counterpart(f"{theirs}.weight", f"{ours}.weight", (outputs, inputs))
            yield Counterpart(f"{theirs}.bias", f"{ours}.bias", (outputs,))


def to_official(net: FusionNet) -> dict[str, Tensor]:
    """The official state dict of a net."""
    return official.to_official(entries(net.config), net.state_dict())


def infer_config(state: Mapping[str, Any], source: str | Path) -> FusionConfig:
    """A net's sizes from its tensors. Raises CheckpointError for something else."""
    prefix = "blender_common.disentangle_net."
    outputs: list[int] = []
    while isinstance(weight := state.get(f"{prefix}{len(outputs)}.weight"), Tensor) and weight.dim() == 2:
        outputs.append(weight.shape[0])
    if not outputs:
        raise CheckpointError(f"{source}: no FusionNet ('{prefix}0.weight' is missing)")
    return FusionConfig(width=outputs[-1], hidden=tuple(outputs[:-1]))


def load_fusion_net(path: str | Path) -> FusionNet:
    """Open a net, frozen, in eval mode: a native file or folder, or an official one. Raises CheckpointError."""
    path = Path(path)
    with reading(path):
        return _net(path)


def _net(path: Path) -> FusionNet:
    if path.is_dir() or path.suffix == ".safetensors":
        weights = load_weights(path, KIND)
        net = FusionNet(FusionConfig.from_json(dict(weights.config)))
        tensors = dict(weights.tensors)
    else:
        content = read_pickle(path)
        state = content.get("state_dict", content)
        if not isinstance(state, dict):
            raise CheckpointError(f"{path}: 'state_dict' holds a {type(state).__name__}, not named tensors")
        net = FusionNet(infer_config(state, path))
        tensors = official.to_native(entries(net.config), state, net.state_dict(), path)
    load_state(net, tensors, path)
    return net.eval().requires_grad_(False)


def save_fusion_net(
    path: str | Path, net: FusionNet, *, half: bool = False, extra: Mapping[str, Any] | None = None
) -> None:
    """Write a net natively; ``extra`` is free JSON, such as the generator's fingerprint and how the net was trained."""
    save_weights(path, Weights(KIND, net.config.to_json(), net.state_dict(), extra or {}), half=half)
