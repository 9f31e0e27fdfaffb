"""StyleGAN2's own training: the GAN trainer of this library on pictures alone.

Reference: Karras et al. 2020, https://arxiv.org/abs/1912.04958, section 3 (lazy regularisation, path lengths) and
appendix B. Departures: the path-length penalty takes the gradient of each layer's row apart, where the paper takes that
of the common w; rows are mixed from one crossover on, drawn for each picture of a mixed batch.
"""

import copy
from pathlib import Path
from typing import ClassVar

import torch
from pydantic import Field, model_validator

from baselines.stylegan2.checkpoint import load_discriminator, load_generator
from baselines.stylegan2.discriminator import StyleGAN2Discriminator, StyleGAN2DiscriminatorConfig
from baselines.stylegan2.generator import StyleGAN2Config, StyleGAN2Generator
from semedit.checkpoints import zoo
from semedit.errors import CheckpointError, ConfigError
from semedit.latents.regions import RegionTable
from semedit.networks.discriminator import Discriminator
from semedit.networks.style_based import StyleBasedGenerator
from semedit.training.engine.state import STATE
from semedit.training.gan.config import GanConfig
from semedit.training.gan.state import GanState, initial_state, read_networks, state_of
from semedit.training.gan.trainer import Run


class StyleGAN2TrainConfig(GanConfig):
    """One run of StyleGAN2's training. Defaults are the paper's for faces: configuration F."""

    noun: ClassVar[str] = "StyleGAN2 training configuration"

    generator: StyleGAN2Config = Field(description="sizes of the generator")
    discriminator: StyleGAN2DiscriminatorConfig = Field(description="sizes of the discriminator; size as above")
    images: int = Field(25_000_000, ge=1, description="pictures shown to the discriminator in all")
    batch: int = Field(32, ge=1, description="pictures of a step, those of all processes and parts together")
    style_mixing: float = Field(0.9, ge=0, le=1, description="probability that a batch's rows come from two codes")
    path_weight: float = Field(2.0, ge=0, description="weight of the path-length penalty; 0: none")
    lambda_mask: float = Field(0.0, ge=0, le=0, description="no weight: there are no masks to agree")
    masks: bool = Field(False, description="never: the discriminator sees pictures alone")

    @model_validator(mode="after")
    def _check_parts(self) -> "StyleGAN2TrainConfig":
        if self.masks or self.freeze_local != "off":
            raise ValueError("a StyleGAN2 has neither masks nor local generators; leave masks and freeze_local alone")
        return self

    def build_generator(self, regions: RegionTable) -> StyleGAN2Generator:  # noqa: ARG002 (it knows none)
        return StyleGAN2Generator(self.generator)

    def build_discriminator(self) -> StyleGAN2Discriminator:
        return StyleGAN2Discriminator(self.discriminator)


def open_start(source: str) -> tuple[StyleBasedGenerator, StyleBasedGenerator, Discriminator | None]:
    """Generator, averaged generator and discriminator of a run folder, of a model's name, or of a native or official
    file; None where there is no discriminator.

    Raises UnknownName, MissingWeights or CheckpointError.
    """
    path = Path(source)
    if (path / STATE).is_file():
        generator, critic, average = read_networks(path / STATE, StyleGAN2TrainConfig)
        return generator, average, critic
    file = zoo.generator_file(source)
    average = load_generator(file)
    try:
        found = load_discriminator(file) if file.suffix in (".pt", ".pth") else None
    except CheckpointError:  # a file for inference holds none
        found = None
    beside = file.parent / zoo.DISCRIMINATOR
    if found is None and beside.exists():
        found = load_discriminator(beside)
    return copy.deepcopy(average), average, found


class StyleGAN2Run(Run):
    """One run folder of a StyleGAN2's training."""

    def check_start(self) -> None:
        """Raises UnknownName, MissingWeights or CheckpointError for a start that is not there."""
        if not (Path(self.config.start) / STATE).is_file():
            zoo.generator_file(self.config.start)

    def begin(self, regions: RegionTable) -> GanState:
        """Fresh networks, or those of the run's start; ConfigError if these are of other sizes."""
        config, device = self.config, self.team.device
        if not config.start:
            return initial_state(config, device, regions)
        generator, average, critic = open_start(config.start)
        if critic is None:
            self.say(f"{config.start} has no discriminator; a fresh one is trained")
            torch.manual_seed(config.seed)
            critic = config.build_discriminator()
        for network, wanted in ((average, config.generator), (critic, config.discriminator)):
            if network.config != wanted:
                raise ConfigError(f"{config.start}: the start's {network.KIND} is of other sizes than the run's")
        self.say(f"starting from {config.start}")
        return state_of(config, device, generator.requires_grad_(True).train(), critic.requires_grad_(True), average)
