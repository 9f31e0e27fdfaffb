"""Training configurations, and the named runs: functions that return a full configuration.

Where paper and released code of SemanticStyleGAN differ, the field is named after what it does, and a recipe picks the
value.
"""

from collections.abc import Callable
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from semedit.config import Config
from semedit.discriminator import DiscriminatorConfig
from semedit.errors import UnknownName
from semedit.generator import GeneratorConfig


class DataConfig(Config):
    """Drawn portraits as training data.

    ``pool`` pictures are drawn once and sampled from; 0 draws every batch afresh (for devices that draw faster than
    they train).
    """

    noun: ClassVar[str] = "data configuration"

    domain: Literal["portraits"] = "portraits"
    style: Literal["soft", "cel"] = "soft"
    pool: int = Field(24_000, ge=0)
    seed: int = 1


class TrainConfig(Config):
    """One run of the GAN trainer. Defaults are those of the official training command."""

    noun: ClassVar[str] = "training configuration"

    name: str
    generator: GeneratorConfig
    discriminator: DiscriminatorConfig
    data: DataConfig = DataConfig()
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
    seed: int = 0
    precision: Literal["fp32", "bf16"] = "fp32"
    log_every: int = Field(100, ge=1)
    sheet_every: int = Field(1000, ge=1)
    checkpoint_every: int = Field(1000, ge=1)

    @model_validator(mode="after")
    def _check(self) -> "TrainConfig":
        if self.generator.size != self.discriminator.size or self.generator.regions != self.discriminator.regions:
            raise ValueError("generator and discriminator must have the same size and regions")
        group = min(self.batch, self.discriminator.group)
        if self.batch % group:
            raise ValueError(f"batch must be divisible by the minibatch-stddev group ({group}), not {self.batch}")
        return self

    @property
    def steps(self) -> int:
        return -(-self.images // self.batch)


def portraits_64() -> TrainConfig:
    """The first default generator: drawn portraits at 64 px, small enough to train on two CPU cores."""
    generator = GeneratorConfig(
        size=64, style_dim=128, mapping_layers=4, base_layers=2, depth_layers=4, local_layers=6, local_channels=32,
        coarse_channels=64, coarse_size=32, min_feature_size=16, render_channels={32: 64, 64: 32},
    )  # fmt: skip
    discriminator = DiscriminatorConfig(size=64, channels={64: 24, 32: 48, 16: 96, 8: 128, 4: 128})
    return TrainConfig(
        name="portraits-64", generator=generator, discriminator=discriminator, images=500_000, batch=16, r1_image=1.0,
        r1_mask=20.0, lambda_mask=100.0, precision="bf16", log_every=50, sheet_every=500, checkpoint_every=500,
    )  # fmt: skip


def portraits_tiny() -> TrainConfig:
    """A run of seconds, for tests and for looking at the machinery: 16 px."""
    generator = GeneratorConfig(
        size=16, style_dim=16, mapping_layers=2, base_layers=1, depth_layers=2, local_layers=3, local_channels=8,
        coarse_channels=8, coarse_size=8, min_feature_size=4, render_channels={8: 8, 16: 8},
    )  # fmt: skip
    discriminator = DiscriminatorConfig(size=16, channels={16: 8, 8: 8, 4: 8})
    return TrainConfig(
        name="portraits-tiny", generator=generator, discriminator=discriminator, images=160, batch=8, r1_image=1.0,
        r1_mask=20.0, data=DataConfig(pool=64), log_every=4, sheet_every=10, checkpoint_every=4,
    )  # fmt: skip


RECIPES: dict[str, Callable[[], TrainConfig]] = {"portraits-64": portraits_64, "portraits-tiny": portraits_tiny}


def recipe(name: str) -> TrainConfig:
    """The configuration of a named run; UnknownName if there is none."""
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return RECIPES[name]()
