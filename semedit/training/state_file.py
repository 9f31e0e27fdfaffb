"""The full state of a training run in one atomic safetensors file: networks, optimisers, running values, step."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from semedit.checkpoint import load_state
from semedit.discriminator import DualDiscriminator
from semedit.errors import CheckpointError, ConfigError
from semedit.files import write_safetensors
from semedit.generator import SemanticGenerator
from semedit.regions import RegionTable, generic_regions
from semedit.training.gan import GanState
from semedit.training.recipes import TrainConfig

FORMAT = "semedit-training-1"
STATE = "state.safetensors"
NETWORKS = ("generator", "discriminator", "average")
OPTIMISERS = ("g_optim", "d_optim")


def save_state(path: Path, config: TrainConfig, state: GanState) -> None:
    """Write ``state`` so that :func:`restore_state` gives back every bit of it."""
    header = {
        "step": state.step,
        "config": config.to_json(),
        "regions": state.average.regions.to_json(),
        "lineage": list(state.average.lineage),
    }
    tensors = {"path_mean": state.path_mean}
    write_state(path, header, {**tensors, **pack_modules(state, NETWORKS), **pack_optimisers(state, OPTIMISERS)})


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


#: Options that do not decide what a step computes: how long a run is, how often it reports, how it saves memory.
FREE_OPTIONS = (
    "images", "log_every", "sheet_every", "checkpoint_every", "monitor_every", "metric_samples", "accumulate",
    "gradient_checkpointing", "compile",
)  # fmt: skip


def run_options(config: TrainConfig) -> dict[str, Any]:
    """The options that decide what a step computes."""
    data = config.to_json()
    for name in FREE_OPTIONS:
        data.pop(name)
    data["data"].pop("workers")
    return data


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


def read_networks(path: Path) -> tuple[SemanticGenerator, SemanticGenerator, DualDiscriminator]:
    """Generator, averaged generator and discriminator of a state file, on the CPU."""
    header, tensors = read_state(path)
    config = TrainConfig.from_json(header["config"])
    sizes = config.generator
    table = (
        RegionTable.from_json(header["regions"])
        if "regions" in header
        else generic_regions(sizes.regions, sizes.transparent)
    )
    generator, average = SemanticGenerator(sizes, table), SemanticGenerator(sizes, table)
    discriminator = DualDiscriminator(config.discriminator)
    for name, network in zip(NETWORKS, (generator, discriminator, average), strict=True):
        load_state(network, part(tensors, name), path)
    return generator, average, discriminator


def restore_state(path: Path, config: TrainConfig, state: GanState) -> None:
    """Load a state file into freshly built networks and optimisers.

    Raises CheckpointError for a file that cannot be read, ConfigError if it was made with other options.
    """
    header, tensors = read_state(path, state.path_mean.device)
    then, now = run_options(TrainConfig.from_json(header["config"])), run_options(config)
    if changed := sorted(name for name in now if then.get(name) != now[name]):
        raise ConfigError(f"{path} was made with other options ({', '.join(changed)}); use another run folder")
    unpack(state, tensors, NETWORKS, OPTIMISERS)
    state.path_mean = tensors["path_mean"]
    state.average.lineage = tuple(header.get("lineage", ()))
    state.step = header["step"]


def step_seed(seed: int, step: int) -> int:
    """The seed of all random draws of one step: a pure function, so that resuming needs no generator state."""
    return int(torch.randint(2**62, (1,), generator=torch.Generator().manual_seed(seed * 1_000_000_007 + step)).item())
