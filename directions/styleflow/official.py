"""The adapter for official StyleFlow state dicts, in both directions."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from directions.styleflow.flow import ConditionalFlow, FlowConfig
from semedit.errors import CheckpointError
from semedit.storage.content import reading
from semedit.storage.pickled import read_pickle, state_of
from semedit.storage.tensors import write_torch
from semedit.storage.weights import opened


def official_names(config: FlowConfig) -> dict[str, str]:
    """Official key -> native name of every learnt tensor and running statistic."""
    names = {"chain.1.sqrt_end_time": "sqrt_end_time"}
    for chain, norm in (("chain.0", "before"), ("chain.2", "after")):
        names |= {f"{chain}.{key}": f"{norm}.{key}" for key in ("weight", "bias", "running_mean", "running_var")}
    parts = {"_layer.weight": "linear.weight", "_layer.bias": "linear.bias", "_hyper_bias.weight": "shift.weight",
             "_hyper_gate.weight": "gate.weight", "_hyper_gate.bias": "gate.bias"}  # fmt: skip
    for layer in range(config.layers):
        prefix = f"chain.1.odefunc.diffeq.layers.{layer}"
        names |= {f"{prefix}.{theirs}": f"field.layers.{layer}.{ours}" for theirs, ours in parts.items()}
    return names


#: Counters in official files that say nothing of the map.
COUNTERS = ("chain.0.step", "chain.2.step", "chain.1.odefunc._num_evals")


def from_official(state: Mapping[str, Tensor], source: str | Path) -> ConditionalFlow:
    """The flow of an official state dict, strictly. Raises CheckpointError."""
    first = state.get("chain.1.odefunc.diffeq.layers.0._hyper_gate.weight")
    if first is None or "chain.1.sqrt_end_time" not in state:
        raise CheckpointError(f"{source}: not a StyleFlow state dict ('chain.1.sqrt_end_time' is missing)")
    layers = sum(key.startswith("chain.1.odefunc.diffeq.layers.") and key.endswith("._layer.weight") for key in state)
    config = FlowConfig(dim=first.shape[0], attributes=first.shape[1] - 1, layers=layers)
    names = official_names(config)
    tensors = {names.get(key, key): value.float() for key, value in state.items() if key not in COUNTERS}
    flow = opened(lambda: ConditionalFlow(config), tensors, source)
    return flow.eval().requires_grad_(False)


def load_official_flow(path: str | Path) -> ConditionalFlow:
    """Open an official ``.pt`` file, in eval mode. Raises CheckpointError."""
    with reading(path):
        return from_official(state_of(read_pickle(path), path), path)


def save_official_flow(path: str | Path, flow: ConditionalFlow) -> None:
    """Write a flow as the official scripts read it, atomically; the names of its attributes are not part of that."""
    write_torch(path, to_official(flow))


def to_official(flow: ConditionalFlow) -> dict[str, Tensor]:
    """The official state dict (42 tensors at six layers) of a flow."""
    own = flow.state_dict()
    state = {theirs: own[ours].detach().clone() for theirs, ours in official_names(flow.config).items()}
    return state | {key: torch.zeros(() if "evals" in key else (1,)) for key in COUNTERS}
