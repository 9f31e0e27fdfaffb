"""The configuration of one run of the GAN trainer."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from semedit.config import Config
from semedit.errors import ConfigError
from semedit.networks.discriminator import DiscriminatorConfig
from semedit.networks.generator import GeneratorConfig
from semedit.training.engine.feed import DataConfig


class TrainConfig(Config):
    """One run of the GAN trainer. Defaults are those of the official training command.

    ``batch`` is the global batch, of all processes and accumulated parts together. ``masks`` false is domain
    adaptation: pictures alone are seen. ``freeze_local`` "ema_only" keeps the averaged local generators at the start's
    weights while the trained ones move (the released code); "true_freeze" keeps both.
    """

    noun: ClassVar[str] = "training configuration"

    name: str
    generator: GeneratorConfig
    discriminator: DiscriminatorConfig
    data: DataConfig = DataConfig()
    start: str = Field("", description="run folder, model or official .pt to start from; a smaller one is grown")
    images: int = Field(4_800_000, ge=1, description="pictures shown to the discriminator in all")
    batch: int = Field(16, ge=1)
    lr: float = Field(0.002, gt=0)
    r1_image: float = Field(10.0, ge=0)
    r1_mask: float = Field(1000.0, ge=0)
    r1_every: int = Field(16, ge=1)
    lambda_mask: float = Field(100.0, ge=0)
    style_mixing: float = Field(0.3, ge=0, le=1)
    path_weight: float = Field(0.5, ge=0)
    path_every: int = Field(4, ge=1)
    path_batch_shrink: int = Field(2, ge=1)
    ema_decay: float = Field(0.5 ** (32 / 10_000), ge=0, lt=1)
    masks: bool = True
    freeze_local: Literal["off", "ema_only", "true_freeze"] = "off"
    seed: int = 0
    precision: Literal["fp32", "bf16"] = "fp32"
    accumulate: int = Field(1, ge=1, description="parts in which a process goes through its batch, to save memory")
    gradient_checkpointing: bool = Field(
        False, description="recompute the render net's and the discriminator's blocks in the backward pass"
    )
    compile: str = Field("", description="torch.compile backend, such as inductor; empty: off")
    log_every: int = Field(100, ge=1)
    sheet_every: int = Field(1000, ge=1)
    checkpoint_every: int = Field(1000, ge=1)
    monitor_every: int = Field(1000, ge=0, description="steps between looks at the run's health; 0: never")
    metric_samples: int = Field(2000, ge=0, description="samples for the Frechet distance while training; 0: none")

    @model_validator(mode="after")
    def _check(self) -> "TrainConfig":
        if self.generator.size != self.discriminator.size or self.generator.regions != self.discriminator.regions:
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
        return -(-self.images // self.batch)
