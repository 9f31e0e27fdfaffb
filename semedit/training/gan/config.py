"""The configuration of one run of the GAN trainer."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from semedit.config import Config, Seed
from semedit.errors import ConfigError
from semedit.latents.regions import RegionTable
from semedit.networks.discriminator import Discriminator, DiscriminatorConfig, DualDiscriminator
from semedit.networks.generator import GeneratorConfig, SemanticGenerator
from semedit.networks.style_based import StyleBasedConfig, StyleBasedGenerator
from semedit.training.engine.feed import DataConfig


class GanConfig(Config):
    """One run of the GAN trainer, whatever the generator: subclasses say of which kind the networks are, and make them.

    Defaults are those of SemanticStyleGAN's official training command.
    """

    noun: ClassVar[str] = "training configuration"

    name: str = Field(description="the run's name, and that of its folder unless told")
    generator: StyleBasedConfig = Field(description="sizes of the generator")
    discriminator: DiscriminatorConfig = Field(description="sizes of the discriminator; size and regions as above")
    data: DataConfig = Field(DataConfig(), description="where training pictures come from")
    start: str = Field("", description="run folder, model or official .pt to start from; a smaller one is grown")
    images: int = Field(4_800_000, ge=1, description="pictures shown to the discriminator in all")
    batch: int = Field(16, ge=1, description="pictures of a step, those of all processes and parts together")
    lr: float = Field(0.002, gt=0, description="Adam's learning rate, before the correction for lazy penalties")
    r1_image: float = Field(10.0, ge=0, description="weight of the gradient penalty R1 on pictures")
    r1_mask: float = Field(1000.0, ge=0, description="weight of R1 on masks")
    r1_every: int = Field(16, ge=1, description="steps between R1 penalties")
    lambda_mask: float = Field(100.0, ge=0, description="weight of the agreement of coarse and refined masks")
    style_mixing: float = Field(0.3, ge=0, le=1, description="probability that a batch's rows come from two codes")
    path_weight: float = Field(0.5, ge=0, description="weight of the path-length penalty; 0: none")
    path_every: int = Field(4, ge=1, description="steps between path-length penalties")
    path_batch_shrink: int = Field(2, ge=1, description="how many times fewer pictures that penalty is taken over")
    ema_decay: float = Field(
        0.5 ** (32 / 10_000), ge=0, lt=1, description="decay of the averaged generator, a step; half in 312 steps"
    )
    masks: bool = Field(True, description="look at masks; false is domain adaptation, which sees pictures alone")
    freeze_local: Literal["off", "ema_only", "true_freeze"] = Field(
        "off",
        description="ema_only keeps the averaged local generators at the start's weights while the trained ones move "
        "(the released code); true_freeze keeps both",
    )
    seed: Seed = Field(0, description="seed of the networks and of every draw")
    precision: Literal["fp32", "bf16"] = Field("fp32", description="number format of the networks' passes")
    accumulate: int = Field(1, ge=1, description="parts in which a process goes through its batch, to save memory")
    gradient_checkpointing: bool = Field(
        False, description="recompute the render net's and the discriminator's blocks in the backward pass"
    )
    compile: str = Field("", description="torch.compile backend, such as inductor; empty: off")
    log_every: int = Field(100, ge=1, description="steps between lines of the log")
    sheet_every: int = Field(1000, ge=1, description="steps between sheets of samples")
    checkpoint_every: int = Field(1000, ge=1, description="steps between writings of the state, from which runs resume")
    monitor_every: int = Field(1000, ge=0, description="steps between looks at the run's health; 0: never")
    metric_samples: int = Field(2000, ge=0, description="samples for the Frechet distance while training; 0: none")

    def build_generator(self, regions: RegionTable) -> StyleBasedGenerator:
        """A fresh generator of the run's sizes, its weights drawn from torch's global generator."""
        raise NotImplementedError

    def build_discriminator(self) -> Discriminator:
        """A fresh discriminator, likewise."""
        raise NotImplementedError

    @property
    def regions(self) -> int:
        """How many regions the generator knows, and the masks of its pictures have."""
        return 0

    @model_validator(mode="after")
    def _check(self) -> "GanConfig":
        if self.generator.size != self.discriminator.size or self.regions != self.discriminator.regions:
            raise ValueError("generator and discriminator must have the same size and regions")
        group = min(self.batch, self.discriminator.group)
        if self.batch % group:
            raise ValueError(f"batch must be divisible by the minibatch-stddev group ({group}), not {self.batch}")
        return self

    def check_processes(self, world: int) -> None:
        """ConfigError unless ``batch`` deals out evenly to ``world`` processes, in whole minibatch-stddev groups."""
        parts, group = world * self.accumulate, self.discriminator.group
        if self.batch % parts or (self.batch // parts) % min(self.batch // parts, group):
            raise ConfigError(
                f"a batch of {self.batch} cannot be dealt out to {world} processes with accumulate={self.accumulate} "
                f"in whole minibatch-stddev groups of {group}"
            )

    @property
    def steps(self) -> int:
        """Steps in all: as many as show at least ``images`` pictures.

        >>> from semedit.training.gan.recipes import recipe
        >>> recipe("portraits-tiny").with_overrides(["images=100", "batch=8"]).steps
        13
        """
        return -(-self.images // self.batch)


class TrainConfig(GanConfig):
    """One run of SemanticStyleGAN's training."""

    generator: GeneratorConfig = Field(description="sizes of the generator")

    def build_generator(self, regions: RegionTable) -> SemanticGenerator:
        return SemanticGenerator(self.generator, regions)

    def build_discriminator(self) -> DualDiscriminator:
        return DualDiscriminator(self.discriminator)

    @property
    def regions(self) -> int:
        return self.generator.regions
