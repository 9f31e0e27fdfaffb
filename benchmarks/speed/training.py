"""Speed of a full training step against the plainest implementation of the same step: same weights, draws, losses.

A step is its four phases, the lazy ones counted by how rarely they are due. Each phase is timed alternately in both
formulations.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.rows import Lines
from benchmarks.speed import textbook
from benchmarks.speed.timing import OutputsDifferError, SpeedRow, time_pair
from semedit.data.source import Batch
from semedit.networks.discriminator import DualDiscriminator
from semedit.networks.generator import SemanticGenerator
from semedit.networks.synthesis import Synthesis
from semedit.pictures.tensors import enlarge, one_hot_masks
from semedit.training.gan.config import TrainConfig
from semedit.training.gan.recipes import recipe
from semedit.training.gan.state import initial_state
from semedit.training.gan.step import GanStep, GeneratorPass, Phase
from semedit.training.teaching.recipes import portraits_128


@dataclass(frozen=True, kw_only=True)
class StepRow(SpeedRow):
    """Pictures a second of full steps of a recipe, ours and those of the plainest formulation."""

    recipe: str
    precision: str
    images_per_second: float
    textbook_images_per_second: float


def default_generator() -> TrainConfig:
    """The adversary's step of the default generator's course."""
    config = portraits_128().adversarial
    assert config is not None
    return config


#: Steps that are timed: the default generator's, the 64 px recipe's, and the official one of 256 px at batch 2.
RECIPES: tuple[Callable[[], TrainConfig], ...] = (
    default_generator,
    lambda: recipe("portraits-adversarial"),
    lambda: recipe("celebamask-hq-256").replace(batch=2),
)


def measure(precisions: Sequence[str], runs: int) -> list[StepRow]:
    """A row for each of RECIPES in each precision."""
    timed = [make() for make in RECIPES]
    return [compare_steps(config.replace(precision=kind), runs) for config in timed for kind in precisions]


def table(rows: list[StepRow]) -> Lines:
    """A line a row."""
    return [
        {
            "recipe": row.recipe,
            "batch": row.batch,
            "type": row.precision,
            "images/s": row.images_per_second,
            "textbook images/s": row.textbook_images_per_second,
            "ratio": row.span,
        }
        for row in rows
    ]


class TextbookPass(GeneratorPass):
    """The generator's part of a step with the textbook synthesis."""

    generator: SemanticGenerator

    def synthesise(self, codes: Tensor, noise: list[Tensor]) -> Synthesis:
        return textbook.synthesise(self.generator, codes, noise)


class TextbookDiscriminator(nn.Module):
    """The discriminator with the textbook convolutions."""

    def __init__(self, discriminator: DualDiscriminator):
        super().__init__()
        self.discriminator = discriminator

    def forward(self, image: Tensor, segmentation: Tensor | None = None) -> Tensor:
        return textbook.discriminate(self.discriminator, image, segmentation)


def plain_step(config: TrainConfig) -> GanStep:
    """The step in its plainest form: textbook networks, and Adam one parameter at a time."""
    state = initial_state(config, torch.device("cpu"))
    for name in ("g_optim", "d_optim"):
        group = getattr(state, name).param_groups[0]
        plain = torch.optim.Adam(group["params"], lr=group["lr"], betas=group["betas"], foreach=False, fused=False)
        setattr(state, name, plain)
    step = GanStep(config, state)
    step.sampler = step.g_pass = step.g_fast = TextbookPass(state.generator)
    assert isinstance(state.discriminator, DualDiscriminator)
    critic: Any = TextbookDiscriminator(state.discriminator)
    step.d_pass = step.d_fast = step.judge = critic
    return step


def random_batch(config: TrainConfig, seed: int = 0) -> Batch:
    """Smooth random pictures with random labels, of the run's sizes."""
    size, draw = config.generator.size, torch.Generator().manual_seed(seed)
    coarse = torch.randn(config.batch, 3, 8, 8, generator=draw)
    labels = torch.randint(config.generator.regions, (config.batch, 8, 8), generator=draw)
    images = nn.functional.interpolate(coarse, size=(size, size), mode="bilinear").clamp(-1, 1)
    return Batch(images, one_hot_masks(enlarge(labels, size // 8), config.generator.regions))


def run_phase(step: GanStep, phase: Phase, batch: Batch) -> Callable[[], None]:
    """A call that does one phase with fixed random numbers."""

    def call() -> None:
        torch.manual_seed(1)
        step.turn_to(phase)
        phase.do(batch)

    return call


def compare_steps(config: TrainConfig, runs: int) -> StepRow:
    """One row of the table. Raises OutputsDifferError if the two formulations' losses are not the same."""
    batch, ours = random_batch(config), GanStep(config, initial_state(config, torch.device("cpu")))
    theirs = plain_step(config)
    pairs = [
        (phase.every, run_phase(ours, phase, batch), run_phase(theirs, same, batch))
        for phase, same in zip(ours.phases, theirs.phases, strict=True)
    ]
    for _, one, other in pairs:
        one()
        other()
    first, second = ours.mean_losses(), theirs.mean_losses()
    tolerance = 1e-3 if config.precision == "fp32" else 0.1
    for name, value in first.items():
        if abs(value - second[name]) > tolerance * max(1e-3, abs(value), abs(second[name])) + tolerance * 0.1:
            raise OutputsDifferError(f"{config.name}: loss '{name}' is {value:.5g} and {second[name]:.5g}")
    mine = plain = 0.0
    low, high = [], []
    for every, one, other in pairs:
        a, b = time_pair(one, other, runs)
        mine, plain = mine + statistics.median(a) / every, plain + statistics.median(b) / every
        low.append((min(b) / every, max(a) / every))
        high.append((max(b) / every, min(a) / every))
    return StepRow(
        task="training-speed",
        method="step",
        model=config.name,
        value=plain / mine,
        n=runs,
        protocol="phases alternating, against the plainest formulation, by how rarely each is due",
        batch=config.batch,
        seconds=mine,
        ratio_low=sum(b for b, _ in low) / sum(a for _, a in low),
        ratio_high=sum(b for b, _ in high) / sum(a for _, a in high),
        recipe=config.name,
        precision=config.precision,
        images_per_second=config.batch / mine,
        textbook_images_per_second=config.batch / plain,
    )
