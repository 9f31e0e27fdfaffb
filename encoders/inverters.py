"""Methods of inversion that begin with the encoder: its refinement alone, followed by a search, or by tuning."""

from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor

from encoders.measures import Measures
from encoders.optimization import OptimizationConfig, OptimizationInverter, measures_for
from encoders.pivotal_tuning import PivotalTuningConfig, tune
from encoders.search import Progress, Search
from semedit.config import Config
from semedit.networks.precision import Precision
from semedit.protocols import Bundle, Inversion, Refines


class RestyleConfig(Config):
    """Options of the refinement."""

    noun: ClassVar[str] = "inversion options"

    refinements: int = Field(5, ge=1, description="passes of the encoder")


class RefinedOptimizationConfig(OptimizationConfig):
    """Options of the refinement, and of the search that goes on from its code."""

    refinements: int = Field(5, ge=1, description="passes of the encoder")
    steps: int = Field(60, ge=1, description="the budget: optimisation steps at most")


class PivotalConfig(RefinedOptimizationConfig):
    """Options of finding the pivot, and of the tuning around it."""

    tuning: PivotalTuningConfig = PivotalTuningConfig()


def refined(refiner: Refines, search: Search, count: int, progress: Progress | None = None) -> Tensor:
    """The codes (B, L, D) of ``count`` refinements, each noted in the search's trajectory."""
    code, image = refiner.start(len(search.target))
    target = refiner.fit(search.target)
    search.note(code)
    with torch.no_grad():
        for number in range(count):
            code, image = refiner.step(target, code, image)
            search.note(code)
            if progress:
                progress(number + 1, count)
    return code


class RestyleInverter:
    """Inverts by the encoder's refinement alone: seconds a picture become a fraction of one."""

    method = "restyle"
    options: ClassVar[type[RestyleConfig]] = RestyleConfig

    def __init__(self, refiner: Refines, measures: Measures, config: RestyleConfig | None = None):
        self.refiner, self.measures, self.config = refiner, measures, config or RestyleConfig()

    @classmethod
    def for_model(cls, model: Bundle, config: RestyleConfig) -> Self:
        """The inverter of a model with an encoder. Raises MissingWeights if it has none."""
        return cls(model.refiner, Measures.of(model.domain, model.generator.device), config)

    def invert(self, images: Tensor, progress: Progress | None = None) -> Inversion:
        """Find the codes of pictures (B, 3, H, W) in [-1, 1]; ``trajectory`` holds the mean code and each step's."""
        search = Search.begin(self.refiner.generator, images)
        codes = refined(self.refiner, search, self.config.refinements, progress)
        return search.finish(codes, self.measures.perceptual)


class RefinedOptimizationInverter:
    """The encoder's refinement, then a search from its code until targets or the budget are reached."""

    method = "restyle+optimize"
    options: ClassVar[type[RefinedOptimizationConfig]] = RefinedOptimizationConfig

    def __init__(self, refiner: Refines, measures: Measures, config: RefinedOptimizationConfig | None = None,
                 precision: Precision = "fp32"):  # fmt: skip
        self.refiner, self.config = refiner, config or RefinedOptimizationConfig()
        self.search = OptimizationInverter(refiner.generator, measures, self.config, precision)

    @classmethod
    def for_model(cls, model: Bundle, config: RefinedOptimizationConfig) -> Self:
        """The inverter of a model with an encoder. Raises MissingWeights if it has none."""
        return cls(model.refiner, measures_for(model, config), config, model.precision)

    def invert(self, images: Tensor, progress: Progress | None = None) -> Inversion:
        """Find the codes of pictures (B, 3, H, W) in [-1, 1]; ``stopped`` says, for each, "target" or "budget"."""
        search = Search.begin(self.refiner.generator, images)
        codes = refined(self.refiner, search, self.config.refinements)
        return self.search.invert(images, progress, start=codes, search=search)


class PivotalInverter:
    """The code of :class:`RefinedOptimizationInverter` as the pivot, and a generator tuned to each picture."""

    method = "pti"
    options: ClassVar[type[PivotalConfig]] = PivotalConfig

    def __init__(self, refiner: Refines, measures: Measures, config: PivotalConfig | None = None,
                 precision: Precision = "fp32"):  # fmt: skip
        self.config, self.measures = config or PivotalConfig(), measures
        self.pivot = RefinedOptimizationInverter(refiner, measures, self.config, precision)

    @classmethod
    def for_model(cls, model: Bundle, config: PivotalConfig) -> Self:
        """The inverter of a model with an encoder. Raises MissingWeights if it has none."""
        return cls(model.refiner, measures_for(model, config), config, model.precision)

    def invert(self, images: Tensor, progress: Progress | None = None) -> Inversion:
        """Find codes of pictures (B, 3, H, W) in [-1, 1] and tune a generator to each; ``tuned`` holds them."""
        search = Search.begin(self.pivot.refiner.generator, images)
        codes = refined(self.pivot.refiner, search, self.config.refinements)
        found = self.pivot.search.invert(images, start=codes, search=search)
        tuned, total = [], len(search.target) * self.config.tuning.steps
        for index, target in enumerate(search.target):

            def count(done: int, _: int, before: int = index * self.config.tuning.steps) -> None:
                if progress:
                    progress(before + done, total)

            pivot = found.latent.data[index : index + 1]
            result = tune(search.generator, pivot, target[None], self.measures.perceptual, self.config.tuning, count)
            tuned.append(result.generator)
        return search.finish(found.latent.data, self.measures.perceptual, stopped=found.stopped, tuned=tuple(tuned))


AnyInverter = OptimizationInverter | RestyleInverter | RefinedOptimizationInverter | PivotalInverter
#: Method -> its inverter.
INVERTERS: dict[str, type[AnyInverter]] = {
    kind.method: kind for kind in (RestyleInverter, OptimizationInverter, RefinedOptimizationInverter, PivotalInverter)
}
#: The method of a model with an encoder, and of one without.
DEFAULT, WITHOUT_ENCODER = "restyle+optimize", "optimize"
