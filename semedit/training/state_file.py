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
    tensors: dict[str, Tensor] = {"path_mean": state.path_mean}
    for network in NETWORKS:
        tensors |= {f"{network}.{k}": v for k, v in getattr(state, network).state_dict().items()}
    for optimiser in OPTIMISERS:
        for index, slots in getattr(state, optimiser).state_dict()["state"].items():
            tensors |= {f"{optimiser}.{index}.{slot}": value for slot, value in slots.items()}
    # One header field holds everything that is not a tensor.
    regions = state.average.regions.to_json()
    header = json.dumps({"format": FORMAT, "step": state.step, "config": config.to_json(), "regions": regions})
    write_safetensors(path, {name: t.clone() for name, t in tensors.items()}, {"semedit": header})


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
    for network in NETWORKS:
        getattr(state, network).load_state_dict(part(tensors, network))
    for name in OPTIMISERS:
        slots: dict[int, dict[str, Tensor]] = {}
        for key, value in part(tensors, name).items():
            index, slot = key.split(".")
            slots.setdefault(int(index), {})[slot] = value
        optimiser = getattr(state, name)
        optimiser.load_state_dict({"state": slots, "param_groups": optimiser.state_dict()["param_groups"]})
    state.path_mean = tensors["path_mean"]
    state.step = header["step"]


def step_seed(seed: int, step: int) -> int:
    """The seed of all random draws of one step: a pure function, so that resuming needs no generator state."""
    return int(torch.randint(2**62, (1,), generator=torch.Generator().manual_seed(seed * 1_000_000_007 + step)).item())
