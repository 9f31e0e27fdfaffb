"""Named courses."""

from collections.abc import Callable

from semedit.errors import UnknownName
from semedit.networks.discriminator import DiscriminatorConfig
from semedit.networks.generator import GeneratorConfig
from semedit.training.gan.config import TrainConfig
from semedit.training.teaching.config import LessonConfig, MappingStage, PairsStage, PointsStage, TeachConfig


def portraits_128() -> TeachConfig:
    """Portraits at 128 px, masks on a coarse grid of 64: what the default generator is grown from.

    The shipped one went through points and pairs twice, the second time when hair had been drawn anew: the steps here
    are those of both. Its adversary began as a trained discriminator (``critic``); an earlier one, between the two, is
    not counted.
    """
    generator = GeneratorConfig(
        size=128, style_dim=256, mapping_layers=4, base_layers=2, depth_layers=4, local_layers=6, local_channels=48,
        coarse_channels=96, coarse_size=64, min_feature_size=32, render_channels={64: 64, 128: 32},
    )  # fmt: skip
    discriminator = DiscriminatorConfig(size=128, channels={128: 16, 64: 24, 32: 48, 16: 96, 8: 128, 4: 128})
    adversarial = TrainConfig(
        name="portraits-128", generator=generator, discriminator=discriminator, images=2_400, batch=8, lr=1e-3,
        r1_image=1.0, r1_mask=20.0, lambda_mask=1.0, path_weight=0.0, ema_decay=0.995, precision="bf16", log_every=50,
        sheet_every=150, checkpoint_every=150,
    )  # fmt: skip
    return TeachConfig(
        name="portraits-128", generator=generator, lessons=LessonConfig(count=60_000),
        points=PointsStage(steps=47_000, matrix_lr=0.03), pairs=PairsStage(steps=4_000), adversarial=adversarial,
        adversarial_weight=0.13,
    )  # fmt: skip


def portraits_256() -> TeachConfig:
    """The default generator: that of 128 px, whose render net, grown by a block, learns alone.

    Codes mean what they mean at 128 px, so that encoder, directions and flow of that one serve both.
    """
    small = portraits_128()
    return small.replace(
        name="portraits-256", start="portraits-128", adversarial=None,
        generator=small.generator.replace(size=256, render_channels={64: 64, 128: 32, 256: 16}),
        lessons=LessonConfig(count=8_000, held_out=64), mapping=MappingStage(steps=0), points=PointsStage(steps=0),
        pairs=PairsStage(steps=800, render_alone=800, batch=4, matrix_lr=0.007, lr=1.5e-3, perceptual_tiles=2),
        sheet_every=200, checkpoint_every=100, monitor_every=200, log_every=20,
    )  # fmt: skip


def portraits_taught_64() -> TeachConfig:
    """A course of minutes, on which choices are compared: 64 px."""
    sizes = {"size": 64, "coarse_size": 32, "min_feature_size": 16, "render_channels": {32: 64, 64: 32}}
    whole = portraits_128()
    assert whole.adversarial is not None
    generator = whole.generator.replace(**sizes)
    discriminator = DiscriminatorConfig(size=64, channels={64: 24, 32: 48, 16: 96, 8: 128, 4: 128})
    adversarial = whole.adversarial.replace(
        name="portraits-taught-64", generator=generator, discriminator=discriminator, images=1_500, monitor_every=0
    )
    return whole.replace(
        name="portraits-taught-64", generator=generator, lessons=LessonConfig(count=16_000),
        mapping=MappingStage(steps=1_200), points=PointsStage(steps=1_500, matrix_lr=0.03),
        pairs=PairsStage(steps=400, render_alone=50, warmup=50), adversarial=adversarial, adversarial_weight=0.03,
    )  # fmt: skip


def portraits_taught_tiny() -> TeachConfig:
    """A course of seconds, for tests and for looking at the machinery: 16 px."""
    generator = GeneratorConfig(
        size=16, style_dim=64, mapping_layers=2, base_layers=1, depth_layers=2, local_layers=3, local_channels=8,
        coarse_channels=8, coarse_size=8, min_feature_size=4, render_channels={8: 8, 16: 8},
    )  # fmt: skip
    adversarial = TrainConfig(
        name="portraits-taught-tiny", generator=generator,
        discriminator=DiscriminatorConfig(size=16, channels={16: 8, 8: 8, 4: 8}), images=32, batch=4, r1_image=1.0,
        r1_mask=20.0, lambda_mask=1.0, path_weight=0.0, log_every=4, sheet_every=8, checkpoint_every=4, monitor_every=0,
    )  # fmt: skip
    return TeachConfig(
        name="portraits-taught-tiny", generator=generator, lessons=LessonConfig(count=64, held_out=16),
        mapping=MappingStage(steps=40, batch=32, warmup=4), points=PointsStage(steps=40, points=64, warmup=4),
        pairs=PairsStage(steps=20, batch=4, warmup=4, render_alone=5), adversarial=adversarial, precision="fp32",
        log_every=10, sheet_every=20, checkpoint_every=10, monitor_every=20,
    )  # fmt: skip


COURSES: dict[str, Callable[[], TeachConfig]] = {
    "portraits-128": portraits_128,
    "portraits-256": portraits_256,
    "portraits-taught-64": portraits_taught_64,
    "portraits-taught-tiny": portraits_taught_tiny,
}


def course(name: str) -> TeachConfig:
    """The course called ``name``; UnknownName if there is none."""
    if name not in COURSES:
        raise UnknownName("course", name, COURSES)
    return COURSES[name]()
