"""The named courses of StyleGAN2: pairs of code and picture, as for a generator with regions, then its adversary.

Every layer of a StyleGAN2 reads the same w, and no row of its codes is a region's. What is known of it is the picture
of one z: there are no mixed lessons, no points to learn at, and no masks.
"""

from collections.abc import Callable
from typing import ClassVar

from pydantic import Field

from baselines.stylegan2 import recipes
from baselines.stylegan2.generator import StyleGAN2Config, StyleGAN2Generator
from baselines.stylegan2.training import StyleGAN2TrainConfig
from semedit.latents.regions import RegionTable
from semedit.training.teaching.config import CourseConfig, LessonConfig, MappingStage, PairsStage, PointsStage

#: The stage that a StyleGAN2 leaves out.
NO_POINTS = PointsStage(steps=0)


class StyleGAN2CourseConfig(CourseConfig):
    """A course of a StyleGAN2."""

    noun: ClassVar[str] = "StyleGAN2 teaching configuration"

    generator: StyleGAN2Config = Field(description="the generator that is taught")
    lessons: LessonConfig = Field(LessonConfig(mixing=0), description="where lessons come from")
    points: PointsStage = Field(NO_POINTS, description="left out: there are no local generators")
    adversarial: StyleGAN2TrainConfig | None = Field(
        None, description="the adversary's stage, beside the losses of the pairs"
    )

    def build_generator(self, regions: RegionTable) -> StyleGAN2Generator:  # noqa: ARG002 (it knows none)
        return StyleGAN2Generator(self.generator)


def portraits_128() -> StyleGAN2CourseConfig:
    """Drawn portraits at 128 px: the default generator's course, whose points are steps of whole pictures here.

    The shipped one began with the default generator's mapping, and its adversary as that one's discriminator
    (``critic``).
    """
    alone = recipes.portraits_128()
    adversarial = alone.replace(
        name="stylegan2-portraits-128", images=2_400, batch=8, lr=1e-3, path_weight=0.0, ema_decay=0.995
    )
    return StyleGAN2CourseConfig(
        name="stylegan2-portraits-128", generator=alone.generator, lessons=LessonConfig(count=60_000, mixing=0),
        pairs=PairsStage(steps=7_500, render_alone=0), adversarial=adversarial, adversarial_weight=0.1,
    )  # fmt: skip


def portraits_taught_tiny() -> StyleGAN2CourseConfig:
    """A course of seconds, for tests and for looking at the machinery: 16 px."""
    alone = recipes.portraits_tiny()
    generator = alone.generator.replace(style_dim=64)
    adversarial = alone.replace(
        name="stylegan2-taught-tiny", generator=generator, images=32, batch=4, path_weight=0.0, log_every=4,
        sheet_every=8, checkpoint_every=4, monitor_every=0,
    )  # fmt: skip
    return StyleGAN2CourseConfig(
        name="stylegan2-taught-tiny", generator=generator, lessons=LessonConfig(count=64, held_out=16, mixing=0),
        mapping=MappingStage(steps=40, batch=32, warmup=4),
        pairs=PairsStage(steps=20, batch=4, warmup=4, render_alone=0), adversarial=adversarial, precision="fp32",
        log_every=10, sheet_every=20, checkpoint_every=10, monitor_every=20,
    )  # fmt: skip


COURSES: dict[str, Callable[[], StyleGAN2CourseConfig]] = {
    "stylegan2-portraits-128": portraits_128,
    "stylegan2-taught-tiny": portraits_taught_tiny,
}
