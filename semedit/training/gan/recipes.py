"""The named runs of the GAN trainer: functions that return a full configuration."""

from collections.abc import Callable
from functools import partial
from typing import Any

from semedit.errors import UnknownName
from semedit.networks.discriminator import DiscriminatorConfig
from semedit.networks.generator import GeneratorConfig
from semedit.training.engine.feed import DataConfig
from semedit.training.gan.config import TrainConfig


def portraits_adversarial() -> TrainConfig:
    """The first default generator: drawn portraits at 64 px, small enough to train on two CPU cores."""
    generator = GeneratorConfig(
        size=64, style_dim=128, mapping_layers=4, base_layers=2, depth_layers=4, local_layers=6, local_channels=32,
        coarse_channels=64, coarse_size=32, min_feature_size=16, render_channels={32: 64, 64: 32},
    )  # fmt: skip
    discriminator = DiscriminatorConfig(size=64, channels={64: 24, 32: 48, 16: 96, 8: 128, 4: 128})
    return TrainConfig(
        name="portraits-adversarial", generator=generator, discriminator=discriminator, images=500_000, batch=16,
        r1_image=1.0, r1_mask=20.0, lambda_mask=100.0, precision="bf16", log_every=50, sheet_every=500,
        checkpoint_every=500,
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


def portraits_128_grown() -> TrainConfig:
    """The default generator of 0.2 to 0.4, from its adversary alone: the 64 px one grown, then trained on."""
    small = portraits_adversarial()
    generator = small.generator.replace(size=128, render_channels={32: 64, 64: 32, 128: 16})
    discriminator = small.discriminator.replace(size=128, channels={128: 16, **small.discriminator.channels})
    return small.replace(
        name="portraits-128-grown",
        generator=generator,
        discriminator=discriminator,
        start="semedit-runs/portraits-adversarial",
    )


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


def deepfashion(size: int) -> TrainConfig:
    """Whole-body pictures with the default options, as the paper trains them (figures 13 and 20); the regions are those
    of the label map that the command is given (docs/deepfashion.yaml)."""
    return celebamask_hq(size).replace(name=f"deepfashion-{size}", data=DataConfig(domain="faces", path="deepfashion"))


RECIPES: dict[str, Callable[[], TrainConfig]] = {
    "portraits-adversarial": portraits_adversarial,
    "portraits-128-grown": portraits_128_grown,
    "portraits-tiny": portraits_tiny,
    "celebamask-hq-256": partial(celebamask_hq, 256),
    "celebamask-hq-512": partial(celebamask_hq, 512),
    "celebamask-hq-256-paper": partial(celebamask_hq, 256, paper=True),
    "deepfashion-256": partial(deepfashion, 256),
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
        freeze_local="ema_only",
        masks=False, lambda_mask=0.0, log_every=20, sheet_every=100, checkpoint_every=200, monitor_every=100,
    )  # fmt: skip
