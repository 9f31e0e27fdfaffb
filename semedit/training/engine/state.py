"""The full state of a training run in one atomic safetensors file: networks, optimisers, running values, step."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from semedit.errors import CheckpointError
from semedit.storage.atomic import write_safetensors

FORMAT = "semedit-training-1"
STATE = "state.safetensors"


def write_state(path: Path, header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Write a state file, atomically; one header field holds everything that is not a tensor."""
    text = json.dumps({"format": FORMAT, **header})
    write_safetensors(path, {name: t.clone() for name, t in tensors.items()}, {"semedit": text})


def pack_modules(state: object, names: tuple[str, ...]) -> dict[str, Tensor]:
    """The tensors of a state's networks, each under its attribute's name."""
    return {f"{name}.{k}": v for name in names for k, v in getattr(state, name).state_dict().items()}


def pack_optimisers(state: object, names: tuple[str, ...]) -> dict[str, Tensor]:
    """The slots of a state's optimisers, as ``name.index.slot``."""
    return {
        f"{name}.{index}.{slot}": torch.as_tensor(value)
        for name in names
        for index, slots in getattr(state, name).state_dict()["state"].items()
        for slot, value in slots.items()
    }


def unpack(state: object, tensors: dict[str, Tensor], networks: tuple[str, ...], optimisers: tuple[str, ...]) -> None:
    """Put tensors that were packed by the two functions above back into a state's networks and optimisers."""
    for name in networks:
        getattr(state, name).load_state_dict(part(tensors, name))
    for name in optimisers:
        slots: dict[int, dict[str, Tensor]] = {}
        for key, value in part(tensors, name).items():
            index, slot = key.split(".")
            slots.setdefault(int(index), {})[slot] = value
        optimiser = getattr(state, name)
        optimiser.load_state_dict({"state": slots, "param_groups": optimiser.state_dict()["param_groups"]})


def read_state(path: Path, device: torch.device | str = "cpu") -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Header and tensors of a state file. Raises CheckpointError for one that cannot be read."""
    try:
        with safe_open(str(path), framework="pt", device=str(device)) as file:
            header = json.loads((file.metadata() or {}).get("semedit", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: cannot be read as a training state ({error})") from None
    if header.get("format") != FORMAT:
        raise CheckpointError(f"{path}: not a training state")
    return header, tensors


def part(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """The tensors below ``name.``, without that prefix."""
    return {k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")}


def step_seed(seed: int, step: int) -> int:
    """The seed of all random draws of one step: a pure function, so that resuming needs no generator state."""
    return int(torch.randint(2**62, (1,), generator=torch.Generator().manual_seed(seed * 1_000_000_007 + step)).item())
