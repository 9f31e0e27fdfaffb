"""Where a run begins: fresh networks, or trained ones taken over, grown if the run is at a larger size."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

from semedit.checkpoints import zoo
from semedit.checkpoints.native import load_discriminator
from semedit.checkpoints.official import (
    discriminator_config,
    infer_config,
    load_official,
    load_official_discriminator,
    read_official,
)
from semedit.errors import CheckpointError
from semedit.latents.regions import RegionTable
from semedit.networks.discriminator import DiscriminatorConfig, DualDiscriminator
from semedit.networks.generator import GeneratorConfig, SemanticGenerator
from semedit.storage.weights import load_weights
from semedit.training.engine.feed import DataConfig
from semedit.training.engine.state import STATE, read_header
from semedit.training.gan.config import TrainConfig
from semedit.training.gan.growing import enlarged_critic, grown_discriminator, grown_generator
from semedit.training.gan.recipes import adaptation
from semedit.training.gan.state import GanState, initial_state, read_networks, state_of


@dataclass(frozen=True)
class Networks:
    """A trained generator, its average, and its discriminator and the options of its training if those are known."""

    generator: SemanticGenerator
    average: SemanticGenerator
    discriminator: DualDiscriminator | None
    config: TrainConfig | None = None


def open_networks(source: str | Path) -> Networks:
    """The networks of a run folder, a model's name, a native generator file, or an official ``.pt`` checkpoint.

    A source that holds the average alone gives a copy of it as the trained generator. Raises CheckpointError or
    UnknownName.
    """
    path = Path(source)
    if (path / STATE).is_file():
        own = TrainConfig.from_json(read_header(path / STATE)["config"])
        generator, critic, average = read_networks(path / STATE)
        assert isinstance(generator, SemanticGenerator) and isinstance(average, SemanticGenerator)
        assert isinstance(critic, DualDiscriminator)
        return Networks(generator, average, critic, own)
    average = zoo.load_generator(source)
    if path.suffix in (".pt", ".pth"):
        trained, discriminator = _try(lambda: load_official(path, "g")), _try(lambda: load_official_discriminator(path))
        return Networks(trained or copy.deepcopy(average), average, discriminator)
    folder = model_of(path.parent if path.exists() else zoo.find(str(source)).folder)
    file = folder.inherited(zoo.DISCRIMINATOR)
    return Networks(copy.deepcopy(average), average, load_discriminator(file) if file else None, options_of(folder))


T = TypeVar("T")


def _try(load: Callable[[], T]) -> T | None:
    try:
        return load()
    except CheckpointError:
        return None


def starting_state(
    config: TrainConfig,
    device: torch.device,
    regions: RegionTable,
    say: Callable[[str], None] = lambda _: None,
    *,
    brings_critic: bool = False,
) -> GanState:
    """The state at step 0 of the run that ``config`` describes.

    ``say`` is told what was taken over; ``brings_critic`` where the caller will put a trained discriminator in the
    place of a fresh one. Raises ConfigError if the start's networks are of other sizes than the run's.
    """
    if not config.start:
        return initial_state(config, device, regions)
    start = open_networks(config.start)
    torch.manual_seed(config.seed)
    trained = grown_generator(start.generator, config)
    torch.manual_seed(config.seed)  # the new blocks of both begin alike
    average = grown_generator(start.average, config)
    if not config.masks and start.average.fingerprint:
        average.lineage = (start.average.fingerprint, *start.average.lineage)
    if start.discriminator is None:
        if not brings_critic:
            say(f"{config.start} has no discriminator; a fresh one is trained, which takes longer and forgets more")
        discriminator = DualDiscriminator(config.discriminator)
    else:
        discriminator = grown_discriminator(start.discriminator, config)
    say(f"starting from {config.start} ({start.average.config.size} px)")
    return state_of(config, device, trained.requires_grad_(True).train(), discriminator, average)


@dataclass(frozen=True)
class Sizes:
    """The configurations of a trained generator and, where those are known, of its discriminator and training."""

    generator: GeneratorConfig
    discriminator: DiscriminatorConfig | None
    config: TrainConfig | None


def read_sizes(source: str | Path) -> Sizes:
    """What :func:`open_networks` would find, told from the files without building a network; the same errors."""
    path = Path(source)
    if (path / STATE).is_file():
        own = TrainConfig.from_json(read_header(path / STATE)["config"])
        return Sizes(own.generator, own.discriminator, own)
    file = zoo.generator_file(source)
    if file.suffix in (".pt", ".pth"):
        generator = infer_config(*read_official(file, "g_ema"), file)
        critic = _try(lambda: discriminator_config(read_official(file, "d")[1]))
        return Sizes(generator, critic, None)
    generator = GeneratorConfig.from_json(dict(load_weights(file, "generator").config))
    folder, critic = model_of(file.parent), None
    if beside := folder.inherited(zoo.DISCRIMINATOR):
        small = DiscriminatorConfig.from_json(dict(load_weights(beside, "discriminator").config))
        critic = enlarged_critic(small, generator.size)
    return Sizes(generator, critic, options_of(folder))


def model_of(folder: Path) -> zoo.ModelFolder:
    """A folder with a generator as a model's, whether it is an installed one or not."""
    return zoo.ModelFolder(folder.name, folder, zoo.read_card(folder))


def options_of(model: zoo.ModelFolder) -> TrainConfig | None:
    """The options of the GAN training that a model's card records, or that of the model that it was grown from; None
    where there was none, as in a course by pairs alone."""
    config = model.card.get("config", {})
    if "discriminator" in config:
        return TrainConfig.from_json(config)
    return options_of(model.start) if model.start else None


def adaptation_of(start: str, assignments: list[str]) -> TrainConfig:
    """The configuration that adapts the networks of ``start`` to other pictures.

    Sizes are those of the networks. A model that this library trained is adapted with its own R1 weight and precision,
    which its discriminator is used to; any other with the official ones.
    """
    sizes = read_sizes(start)
    generator, own = sizes.generator, sizes.config
    critic = sizes.discriminator or DiscriminatorConfig(size=generator.size, regions=generator.regions)
    kept = [f"r1_image={own.r1_image}", f"precision={own.precision}"] if own else []
    return adaptation(start, generator, critic, DataConfig(mirror=True)).with_overrides([*kept, *assignments])
