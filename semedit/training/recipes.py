"""Training configurations, and the named runs: functions that return a full configuration.

Where paper and released code of SemanticStyleGAN differ, the field is named after what it does, and a recipe picks the
value.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from semedit.config import Config
from semedit.discriminator import DiscriminatorConfig
from semedit.errors import ConfigError, UnknownName
from semedit.generator import GeneratorConfig


class DataConfig(Config):
    """Where training pictures come from: drawn portraits, or a folder or LMDB named by ``path``.

    Drawn: ``pool`` pictures are drawn once and sampled from; 0 draws every batch afresh (for devices that draw faster
    than they train). From disk: ``label_map`` is a YAML file that says what the labels mean (default: they are the
    domain's region indices); ``mirror``, ``shift``, ``scale`` and ``rotate`` change picture and labels together. Drawn
    portraits are left as they are.
    """

    noun: ClassVar[str] = "data configuration"

    domain: str = "portraits"
    style: Literal["soft", "cel"] = "soft"
    pool: int = Field(24_000, ge=0)
    seed: int = 1
    path: str = ""
    label_map: str = ""
    workers: int = Field(2, ge=0, description="processes that decode pictures")
    mirror: bool = Field(False, description="mirror half of the pictures")
    shift: float = Field(0.0, ge=0, le=0.5, description="share of the side, each way; the released code's 'aug' is 0.1")
    scale: float = Field(0.0, ge=0, lt=1, description="share, up and down; the released code's 'aug' is 0.2")
    rotate: float = Field(0.0, ge=0, le=180, description="degrees, each way; the released code's 'aug' is 15")
    differentiable: Literal["auto", "on", "off"] = Field(
        "auto", description="differentiable augmentation; auto: on below small_set pictures"
    )
    small_set: int = Field(5_000, ge=0)


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
        r1_mask=20.0, data=DataConfig(pool=64, differentiable="off"), log_every=4, sheet_every=10, checkpoint_every=4,
        monitor_every=10, metric_samples=64,
    )  # fmt: skip


def portraits_128() -> TrainConfig:
    """The default generator: the 64 px one grown by a block, then trained on at 128 px."""
    small = portraits_64()
    generator = small.generator.model_copy(update={"size": 128, "render_channels": {32: 64, 64: 32, 128: 16}})
    discriminator = small.discriminator.model_copy(
        update={"size": 128, "channels": {128: 16, **small.discriminator.channels}}
    )
    return small.model_copy(
        update={"name": "portraits-128", "generator": generator, "discriminator": discriminator,
                "start": "semedit-runs/portraits-64"}
    )  # fmt: skip


def celebamask_hq(size: int, paper: bool = False) -> TrainConfig:
    """SemanticStyleGAN on CelebAMask-HQ, as its released code trains it or, where the two differ, as its paper says.

    The paper stops the gradient between shape and texture layers, gives the background the base rows too, and puts an
    output head after each convolution of the render net; the released code does none of the three.
    """
    choices: dict[str, Any] = {"detach_texture": True, "background_pose": True, "heads": "convolution"} if paper else {}
    large = size >= 512
    return TrainConfig(
        name=f"celebamask-hq-{size}" + ("-paper" if paper else ""),
        generator=GeneratorConfig(size=size, **choices), discriminator=DiscriminatorConfig(size=size),
        data=DataConfig(domain="faces", path="celebamask-hq"), batch=32 if large else 16, accumulate=2 if large else 1,
        gradient_checkpointing=large,
    )  # fmt: skip


RECIPES: dict[str, Callable[[], TrainConfig]] = {
    "portraits-64": portraits_64,
    "portraits-128": portraits_128,
    "portraits-tiny": portraits_tiny,
    "celebamask-hq-256": partial(celebamask_hq, 256),
    "celebamask-hq-512": partial(celebamask_hq, 512),
    "celebamask-hq-256-paper": partial(celebamask_hq, 256, paper=True),
    "celebamask-hq-512-paper": partial(celebamask_hq, 512, paper=True),
}


def recipe(name: str) -> TrainConfig:
    """The configuration of a named run; UnknownName if there is none."""
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return RECIPES[name]()


def adaptation(
    start: str, generator: GeneratorConfig, discriminator: DiscriminatorConfig, data: DataConfig
) -> TrainConfig:
    """Domain adaptation of a trained generator to pictures without labels, with the official options."""
    return TrainConfig(
        name="adapt", start=start, generator=generator, discriminator=discriminator, data=data, images=64_000, batch=32,
        masks=False, lambda_mask=0.0, log_every=20, sheet_every=100, checkpoint_every=200, monitor_every=100,
    )  # fmt: skip
