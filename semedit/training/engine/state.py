"""The full state of a training run in one atomic safetensors file: networks, optimisers, running values, step."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from semedit.errors import CheckpointError, ConfigError
from semedit.storage.content import reading
from semedit.storage.tensors import read_header as header_of
from semedit.storage.tensors import read_tensors, write_tensors

FORMAT = "semedit-training-1"
STATE = "state.safetensors"


def write_state(path: Path, header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Write a state file, atomically; the header holds everything that is not a tensor.

    Raises OutputError for a run that has diverged, so that its last good state stays.
    """
    write_tensors(path, {"format": FORMAT, **header}, {name: t.clone() for name, t in tensors.items()})


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


def unpack(state: object, tensors: dict[str, Tensor], networks: tuple[str, ...], optimisers: tuple[str, ...],
           source: str | Path = "state") -> None:  # fmt: skip
    """Put tensors that were packed by the two functions above back into a state's networks and optimisers.

    Raises CheckpointError, naming ``source``, for tensors that do not fit.
    """
    with reading(source):
        _unpack(state, tensors, networks, optimisers)


def _unpack(state: object, tensors: dict[str, Tensor], networks: tuple[str, ...], optimisers: tuple[str, ...]) -> None:
    for name in networks:
        getattr(state, name).load_state_dict(part(tensors, name))
    for name in optimisers:
        slots: dict[int, dict[str, Tensor]] = {}
        for key, value in part(tensors, name).items():
            index, slot = key.split(".")
            slots.setdefault(int(index), {})[slot] = value
        optimiser = getattr(state, name)
        optimiser.load_state_dict({"state": slots, "param_groups": optimiser.state_dict()["param_groups"]})


def read_header(path: Path) -> dict[str, Any]:
    """What a state file says of itself, without its tensors. Raises CheckpointError for one that cannot be read."""
    return _own(header_of(path, "a training state"), path)


def read_state(path: Path, device: torch.device | str = "cpu") -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Header and tensors of a state file. Raises CheckpointError for one that cannot be read."""
    stored = read_tensors(path, "a training state", device=device)
    return _own(stored.header, path), dict(stored.tensors)


def _own(header: Mapping[str, Any], path: Path) -> dict[str, Any]:
    if header.get("format") != FORMAT:
        raise CheckpointError(f"{path}: not a training state")
    if not isinstance(header.get("config"), dict) or not isinstance(header.get("step"), int):
        raise CheckpointError(f"{path}: a training state without its configuration or its step")
    return dict(header)


def check_options(path: Path, then: Mapping[str, Any], now: Mapping[str, Any], free: Collection[str] = ()) -> None:
    """ConfigError that names the options in which a state file's run differs from this one, besides ``free`` ones."""
    if changed := sorted(name for name in now if name not in free and then.get(name) != now[name]):
        raise ConfigError(f"{path} was made with other options ({', '.join(changed)}); use another run folder")


def part(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """The tensors below ``name.``, without that prefix.

    >>> part({"average.bias": torch.zeros(1), "path_mean": torch.ones(1)}, "average")
    {'bias': tensor([0.])}
    """
    return {k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")}


def step_seed(seed: int, step: int) -> int:
    """The seed of all random draws of one step: a pure function, so that resuming needs no generator state."""
    return int(torch.randint(2**62, (1,), generator=torch.Generator().manual_seed(seed * 1_000_000_007 + step)).item())
