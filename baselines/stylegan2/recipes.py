"""The named trainings of StyleGAN2: functions that return a full configuration."""

from collections.abc import Callable
from functools import partial

from baselines.stylegan2.discriminator import StyleGAN2DiscriminatorConfig
from baselines.stylegan2.generator import StyleGAN2Config
from baselines.stylegan2.training import StyleGAN2TrainConfig
from semedit.training.engine.feed import DataConfig


def official(size: int) -> StyleGAN2TrainConfig:
    """Configuration F on a folder of faces, mirrored, as the paper trains it on FFHQ."""
    return StyleGAN2TrainConfig(
        name=f"stylegan2-{size}", generator=StyleGAN2Config(size=size),
        discriminator=StyleGAN2DiscriminatorConfig(size=size),
        data=DataConfig(domain="faces", path="ffhq", mirror=True, differentiable="off"),
    )  # fmt: skip


def portraits_128() -> StyleGAN2TrainConfig:
    """Drawn portraits at 128 px, from the adversary alone: about the parameters of the default generator."""
    widths = {4: 96, 8: 96, 16: 96, 32: 96, 64: 64, 128: 32}
    critic = {128: 16, 64: 24, 32: 48, 16: 96, 8: 128, 4: 128}
    return StyleGAN2TrainConfig(
        name="stylegan2-portraits-128-alone",
        generator=StyleGAN2Config(size=128, style_dim=256, mapping_layers=4, channels=widths),
        discriminator=StyleGAN2DiscriminatorConfig(size=128, channels=critic), images=500_000, batch=16, r1_image=1.0,
        precision="bf16", log_every=50, sheet_every=500, checkpoint_every=500,
    )  # fmt: skip


def portraits_tiny() -> StyleGAN2TrainConfig:
    """A run of seconds, for tests and for looking at the machinery: 16 px."""
    widths = {4: 8, 8: 8, 16: 8}
    return StyleGAN2TrainConfig(
        name="stylegan2-portraits-tiny",
        generator=StyleGAN2Config(size=16, style_dim=16, mapping_layers=2, channels=widths),
        discriminator=StyleGAN2DiscriminatorConfig(size=16, channels=widths), images=160, batch=8, r1_image=1.0,
        data=DataConfig(pool=64, differentiable="off"), log_every=4, sheet_every=10, checkpoint_every=4,
        monitor_every=10, metric_samples=64,
    )  # fmt: skip


RECIPES: dict[str, Callable[[], StyleGAN2TrainConfig]] = {
    "stylegan2-portraits-128-alone": portraits_128,
    "stylegan2-portraits-tiny": portraits_tiny,
    "stylegan2-256": partial(official, 256),
    "stylegan2-512": partial(official, 512),
    "stylegan2-1024": partial(official, 1024),
}
