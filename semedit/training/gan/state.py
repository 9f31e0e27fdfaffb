"""What the GAN's training changes: networks, optimisers, running values; made, saved, and restored bit for bit."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from semedit.latents.regions import RegionTable, generic_regions
from semedit.networks.discriminator import Discriminator
from semedit.networks.style_based import StyleBasedGenerator
from semedit.storage.content import reading, shaped
from semedit.storage.weights import load_state
from semedit.training.engine.state import (
    check_options,
    pack_modules,
    pack_optimisers,
    part,
    read_state,
    unpack,
    write_state,
)
from semedit.training.gan.config import GanConfig, TrainConfig

NETWORKS = ("generator", "discriminator", "average")
OPTIMISERS = ("g_optim", "d_optim")
M = TypeVar("M", bound=nn.Module)


@dataclass
class GanState:
    """Everything that training changes: networks, optimisers, the running path length, the step to do next."""

    generator: StyleBasedGenerator
    discriminator: Discriminator
    average: StyleBasedGenerator
    g_optim: torch.optim.Adam
    d_optim: torch.optim.Adam
    path_mean: Tensor
    step: int = 0
    losses: dict[str, Tensor] = field(default_factory=dict)


def lazy_adam(module: nn.Module, lr: float, every: int) -> torch.optim.Adam:
    """Adam with StyleGAN2's correction for lazy regularisation: lr and beta2 to the power of every / (every + 1)."""
    ratio = every / (every + 1)
    return torch.optim.Adam(module.parameters(), lr=lr * ratio, betas=(0.0, 0.99**ratio), fused=True)


def initial_state(config: GanConfig, device: torch.device, regions: RegionTable | None = None) -> GanState:
    """Fresh networks from ``config.seed``; the averaged generator starts as a copy."""
    torch.manual_seed(config.seed)
    generator = config.build_generator(regions or generic_regions(config.regions, transparent(config)))
    return state_of(config, device, generator, config.build_discriminator())


def transparent(config: GanConfig) -> tuple[int, ...]:
    """The regions that a run's generator sees others through."""
    return config.generator.transparent if isinstance(config, TrainConfig) else ()


def state_of(
    config: GanConfig,
    device: torch.device,
    generator: StyleBasedGenerator,
    discriminator: Discriminator,
    average: StyleBasedGenerator | None = None,
) -> GanState:
    """The state at step 0 of a run on these networks: empty optimisers, path length 0."""
    generator, discriminator = generator.to(device), discriminator.to(device)
    average = copy.deepcopy(generator) if average is None else average.to(device)
    generator.save_memory(config.gradient_checkpointing)
    discriminator.gradient_checkpointing = config.gradient_checkpointing
    return GanState(
        generator,
        discriminator,
        average.eval().requires_grad_(False),
        lazy_adam(generator, config.lr, config.path_every),
        lazy_adam(discriminator, config.lr, config.r1_every),
        torch.zeros((), device=device),
    )


def save_state(path: Path, config: GanConfig, state: GanState) -> None:
    """Write ``state`` so that :func:`resumed_state` gives back every bit of it."""
    header = {
        "step": state.step,
        "config": config.to_json(),
        "regions": state.average.label_table.to_json(),
        "lineage": list(state.average.lineage),
    }
    tensors = {"path_mean": state.path_mean}
    write_state(path, header, {**tensors, **pack_modules(state, NETWORKS), **pack_optimisers(state, OPTIMISERS)})


#: Options that do not decide what a step computes: how long a run is, how often it reports, how it saves memory.
FREE_OPTIONS = (
    "images", "log_every", "sheet_every", "checkpoint_every", "monitor_every", "metric_samples", "accumulate",
    "gradient_checkpointing", "compile",
)  # fmt: skip


def run_options(config: GanConfig) -> dict[str, Any]:
    """The options that decide what a step computes."""
    data = config.to_json()
    for name in FREE_OPTIONS:
        data.pop(name)
    data["data"].pop("workers")
    return data


def blank(make: Callable[[], M], device: torch.device) -> M:
    """A module with room for weights and none in it yet: for one whose weights are all about to be loaded."""
    with torch.device("meta"):
        module = make()
    return module.to_empty(device=device)


#: Generator, discriminator and averaged generator.
Stored = tuple[StyleBasedGenerator, Discriminator, StyleBasedGenerator]


def stored_networks(
    path: Path, kind: type[GanConfig], header: dict[str, Any], tensors: dict[str, Tensor], device: torch.device
) -> Stored:
    """Generator, discriminator and averaged generator of a state file that was read, of a run with a configuration of
    this kind. Raises CheckpointError."""
    with reading(path):
        config = kind.from_json(header["config"])
        known = header.get("regions")
        table = RegionTable.from_json(known) if known else generic_regions(config.regions, transparent(config))
        generator, average = (blank(lambda: config.build_generator(table), device) for _ in range(2))
        discriminator = blank(config.build_discriminator, device)
        for name, network in zip(NETWORKS, (generator, discriminator, average), strict=True):
            load_state(network, part(tensors, name), path)
        average.lineage = tuple(shaped(list[str], header.get("lineage", []), path))
    return generator, discriminator, average


def read_networks(path: Path, kind: type[GanConfig] = TrainConfig) -> Stored:
    """Generator, discriminator and averaged generator of a state file, on the CPU."""
    return stored_networks(path, kind, *read_state(path), torch.device("cpu"))


def read_critic(path: Path, kind: type[GanConfig] = TrainConfig) -> Discriminator | None:
    """The discriminator of a state file, on the CPU; None for the state of a training without one."""
    header, tensors = read_state(path)
    if not part(tensors, "discriminator"):
        return None
    return stored_networks(path, kind, header, tensors, torch.device("cpu"))[1]


def resumed_state(path: Path, config: GanConfig, device: torch.device) -> GanState:
    """The state in a file, on ``device``; networks are built once, from it alone.

    Raises CheckpointError for a file that cannot be read, ConfigError if it was made with other options.
    """
    header, tensors = read_state(path, device)
    check_options(path, run_options(type(config).from_json(header["config"])), run_options(config))
    state = state_of(config, device, *stored_networks(path, type(config), header, tensors, device))
    unpack(state, tensors, (), OPTIMISERS, path)
    state.path_mean, state.step = tensors["path_mean"], header["step"]
    return state
