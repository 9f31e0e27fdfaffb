"""The configuration of one run of the encoder's trainer."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from encoders.backbone import EncoderConfig
from semedit.config import Config, Seed
from semedit.training.engine.feed import DataConfig
from semedit.training.teaching.config import LessonConfig


class EncoderTrainConfig(Config):
    """One run of the encoder's trainer; the losses' weights and the schedule are ReStyle's."""

    noun: ClassVar[str] = "encoder training configuration"

    name: str = Field(description="the run's name, and that of its folder unless told")
    encoder: EncoderConfig = Field(description="sizes of the encoder")
    data: DataConfig = Field(DataConfig(mirror=True), description="where training pictures come from")
    lessons: LessonConfig | None = Field(None, description="pictures whose codes are known, instead of those of data")
    steps: int = Field(500_000, ge=1, description="optimiser steps in all")
    batch: int = Field(8, ge=1, description="pictures of a step, those of all processes together")
    refinements: int = Field(5, ge=1, description="refinements of each batch")
    lr: float = Field(1e-4, gt=0, description="Ranger's learning rate")
    matrix_lr: float = Field(
        0.0, ge=0, description="Muon's learning rate for matrices, relative to their first size; 0: Ranger for all"
    )
    cooling: float = Field(0.0, ge=0, le=1, description="last share of the run, in which the rates fall to nothing")
    perceptual_weight: float = Field(0.8, ge=0, description="weight of the domain's perceptual distance")
    mse_weight: float = Field(1.0, ge=0, description="weight of the mean squared error on [-1, 1]")
    identity_weight: float = Field(0.1, ge=0, description="weight of 1 - similarity of persons; 0 needs no network")
    latent_weight: float = Field(0.0, ge=0, description="mean squared distance of codes from the mean code")
    code_weight: float = Field(
        0.0, ge=0, description="mean squared distance from the lessons' codes, in units of the variance of codes"
    )
    point_weight: float = Field(
        0.0, ge=0, description="squared distance, at points, of the local generators for a code and the lesson's code"
    )
    points: int = Field(256, ge=1, description="points of each picture")
    point_balance: float = Field(0.0, ge=0, le=1, description="0: points lie anywhere; 1: in every region alike")
    frozen_norms: bool = Field(
        False, description="batch norms keep the start's statistics, so that refinements learn as they act"
    )
    start: str = Field("", description="encoder, or IR-SE50 face network, whose weights the training begins with")
    mean_samples: int = Field(100_000, ge=1, description="mapped codes whose mean the refinement starts from")
    seed: Seed = Field(0, description="seed of the encoder and of every draw")
    precision: Literal["fp32", "bf16"] = Field("fp32", description="number format of the networks' passes")
    log_every: int = Field(50, ge=1, description="steps between lines of the log")
    sheet_every: int = Field(500, ge=1, description="steps between sheets of reconstructions")
    checkpoint_every: int = Field(500, ge=1, description="steps between writings of the state, from which runs resume")

    @model_validator(mode="after")
    def _check(self) -> "EncoderTrainConfig":
        for name in ("code_weight", "point_weight"):
            if getattr(self, name) and self.lessons is None:
                raise ValueError(f"{name} needs lessons: nobody knows the codes of other pictures")
        if self.frozen_norms and not self.start:
            raise ValueError("frozen_norms needs start: fresh batch norms have no statistics to keep")
        if self.lessons is not None and self.data.path:
            raise ValueError("lessons would be learnt from instead of data.path; leave one out (lessons=null)")
        return self

    @property
    def looks(self) -> bool:
        """Whether a loss looks at pictures; otherwise nothing is differentiated through the generator."""
        return bool(self.perceptual_weight or self.mse_weight or self.identity_weight)
