"""Configurations of the stages in which a generator learns from lessons."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from semedit.config import Config, Seed
from semedit.latents.regions import RegionTable
from semedit.networks.generator import GeneratorConfig, SemanticGenerator
from semedit.networks.style_based import StyleBasedConfig, StyleBasedGenerator
from semedit.training.gan.config import GanConfig, TrainConfig


class StageConfig(Config):
    """What every stage has."""

    noun: ClassVar[str] = "stage configuration"

    steps: int = Field(ge=0, description="steps in all; 0 leaves the stage out")
    batch: int = Field(8, ge=1, description="lessons a step, of all processes together; many small steps learn fastest")
    lr: float = Field(4e-3, gt=0, description="Adam's learning rate, for biases, modulations and heads")
    matrix_lr: float = Field(0.02, gt=0, description="Muon's learning rate, for matrices, relative to their size")
    warmup: int = Field(200, ge=1, description="steps in which the learning rates rise")
    cooling: float = Field(0.5, ge=0, le=1, description="last share of the run, in which they fall to nothing")
    average: float = Field(0.995, ge=0, lt=1, description="decay of the averaged generator, a step")


class MappingStage(StageConfig):
    """The mapping network alone: w should tell every target of z by a linear function, at little norm."""

    steps: int = Field(30_000, ge=0, description="steps in all; 0 leaves the stage out")
    batch: int = Field(256, ge=1, description="codes a step, of all processes together")
    lr: float = Field(8e-3, gt=0, description="Adam's learning rate, before the mapping's own multiplier")
    cooling: float = Field(0.8, ge=0, le=1, description="last share of the run, in which the rate falls to nothing")
    shrink: float = Field(3e-3, ge=0, description="weight of the mean square of w")


class PointsStage(StageConfig):
    """Local generators at random points of pictures: colour through a linear head, masks by their likelihood.

    A point is drawn with a probability proportional to (its label's share of the area + 0.002)^-``balance``.
    """

    steps: int = Field(40_000, ge=0, description="steps in all; 0 leaves the stage out")
    points: int = Field(256, ge=1, description="points of each picture")
    balance: float = Field(0.5, ge=0, le=1, description="0: every pixel alike; 1: every region alike")
    candidates: int = Field(4, ge=1, description="uniform points among which one is chosen by its weight")
    label_weight: float = Field(0.3, ge=0, description="weight of the labels' likelihood beside the colours' L1")
    mapping_scale: float = Field(
        0.02, ge=0, description="the mapping's learning rate, as a share of lr / its multiplier"
    )


class PairsStage(StageConfig):
    """Whole pictures: L1, perceptual distance, refined masks, likelihood of the coarse masks."""

    steps: int = Field(8_000, ge=0, description="steps in all; 0 leaves the stage out")
    render_alone: int = Field(400, ge=0, description="first steps, in which the render net learns alone")
    lr: float = Field(2e-3, gt=0, description="Adam's learning rate, for biases, modulations and heads")
    matrix_lr: float = Field(0.01, gt=0, description="Muon's learning rate, for matrices, relative to their size")
    perceptual_weight: float = Field(0.25, ge=0, description="weight of the perceptual distance beside the L1")
    perceptual_tiles: int = Field(
        1, ge=1, description="above 1: half of the perceptual distance is that of so many tiles a side, at full size"
    )
    mask_weight: float = Field(0.5, ge=0, description="weight of the refined masks' squared error")
    coarse_weight: float = Field(0.1, ge=0, description="weight of the coarse masks' likelihood")
    mapping_scale: float = Field(0.005, ge=0, description="the mapping's learning rate, as in PointsStage")
    balance: float = Field(0.25, ge=0, le=1, description="as in PointsStage, for the pixels of the L1 term")


class LessonConfig(Config):
    """Where lessons come from: the painter of a domain, the samples of a ``generator``, or pictures at ``path``, with
    label maps, and a ``table`` of their factors."""

    noun: ClassVar[str] = "lesson configuration"

    domain: str = Field("portraits", description="the domain whose painter teaches, and whose measures are taken")
    generator: str = Field("", description="name or file of a generator whose samples are the lessons (distillation)")
    path: str = Field("", description="folder or LMDB of pictures and label maps whose factors a table gives")
    table: str = Field("", description="CSV file: a column of pictures' names, then one a factor")
    label_map: str = Field("", description="YAML file that says what the labels at path mean (default: the domain's)")
    style: Literal["soft", "cel"] = Field("soft", description="the painter's style")
    count: int = Field(24_000, ge=1, description="lessons made once and drawn from")
    held_out: int = Field(256, ge=1, description="lessons that are only measured on")
    seed: Seed = Field(1, description="of the lessons; those held out have the next one")
    mixing: float = Field(0.6, ge=0, le=1, description="share of lessons whose rows come from two codes")


class CourseConfig(Config):
    """A course: a generator and the stages it goes through, each optional. Subclasses say of which kind it is.

    A generator without regions has no points to learn at, and is taught by lessons of one code, without mixing.
    """

    noun: ClassVar[str] = "teaching configuration"

    name: str = Field(description="what the run folder is called unless told otherwise")
    generator: StyleBasedConfig = Field(description="the generator that is taught")
    start: str = Field("", description="name or file of the generator that the first stage begins with")
    lessons: LessonConfig = Field(LessonConfig(), description="where lessons come from")
    mapping: MappingStage = Field(MappingStage(), description="the mapping network alone")
    points: PointsStage = Field(PointsStage(), description="mapping and local generators, at points")
    pairs: PairsStage = Field(PairsStage(), description="everything, by whole pictures")
    adversarial: GanConfig | None = Field(None, description="the adversary's stage, beside the losses of the pairs")
    critic: str = Field("", description="model, or file, of a trained discriminator that the adversary begins as")
    adversarial_weight: float = Field(0.03, ge=0, description="weight of the adversary beside the losses of the pairs")
    seed: Seed = Field(0, description="of the first weights and of every draw")
    precision: Literal["fp32", "bf16"] = Field("bf16", description="of the networks' arithmetic; weights are fp32")
    log_every: int = Field(100, ge=1, description="steps between lines of the log")
    sheet_every: int = Field(1000, ge=1, description="steps between sheets of held-out lessons")
    checkpoint_every: int = Field(1000, ge=1, description="steps between states on disk")
    monitor_every: int = Field(1000, ge=0, description="steps between measures of held-out lessons; 0: never")

    @model_validator(mode="after")
    def _critic_has_a_stage(self) -> Self:
        if self.critic and self.adversarial is None:
            raise ValueError("critic is what the adversary begins as, and adversarial=null leaves the adversary out")
        return self

    @property
    def keeps_codes(self) -> bool:
        """Whether codes of the start mean the same in the end: neither its mapping nor its local generators learn."""
        still = self.pairs.steps <= self.pairs.render_alone and not (self.mapping.steps or self.points.steps)
        judged = self.adversarial is not None and self.adversarial.freeze_local != "true_freeze"
        return bool(self.start) and still and not judged

    def build_generator(self, regions: RegionTable) -> StyleBasedGenerator:
        """A fresh generator of the course's sizes, its weights drawn from torch's global generator."""
        raise NotImplementedError


class TeachConfig(CourseConfig):
    """A course of a SemanticStyleGAN."""

    generator: GeneratorConfig = Field(description="the generator that is taught")
    adversarial: TrainConfig | None = Field(None, description="the adversary's stage, beside the losses of the pairs")

    def build_generator(self, regions: RegionTable) -> SemanticGenerator:
        return SemanticGenerator(self.generator, regions)
