"""Speed of a full training step against the plainest implementation of the same step: same weights, draws, losses.

A step is its four phases, the lazy ones counted by how rarely they are due. Each phase is timed alternately in both
formulations.
"""

import statistics
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.speed import textbook
from benchmarks.speed.timing import OutputsDifferError, time_pair
from semedit.data.source import Batch
from semedit.networks.discriminator import DualDiscriminator
from semedit.networks.synthesis import Synthesis
from semedit.pictures.tensors import one_hot_masks
from semedit.training.gan.config import TrainConfig
from semedit.training.gan.state import initial_state
from semedit.training.gan.step import GanStep, GeneratorPass

PHASES = ("d_main", "d_reg", "g_main", "g_reg")


class TextbookPass(GeneratorPass):
    """The generator's part of a step with the textbook synthesis."""

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
    critic: Any = TextbookDiscriminator(state.discriminator)
    step.d_pass = step.d_fast = step.judge = critic
    return step


def random_batch(config: TrainConfig, seed: int = 0) -> Batch:
    """Smooth random pictures with random labels, of the run's sizes."""
    size, draw = config.generator.size, torch.Generator().manual_seed(seed)
    coarse = torch.randn(config.batch, 3, 8, 8, generator=draw)
    labels = torch.randint(config.generator.regions, (config.batch, 8, 8), generator=draw)
    images = nn.functional.interpolate(coarse, size=(size, size), mode="bilinear").clamp(-1, 1)
    fine = labels.repeat_interleave(size // 8, 1).repeat_interleave(size // 8, 2)
    return Batch(images, one_hot_masks(fine, config.generator.regions))


def run_phase(step: GanStep, phase: str, batch: Batch) -> Callable[[], None]:
    """A call that does one phase with fixed random numbers."""

    def call() -> None:
        torch.manual_seed(1)
        step.state.generator.requires_grad_(phase.startswith("g"))
        step.state.discriminator.requires_grad_(phase.startswith("d"))
        getattr(step, phase)(*((batch,) if phase.startswith("d") else ()))

    return call


def compare_steps(config: TrainConfig, runs: int) -> dict[str, Any]:
    """One row of the table. Raises OutputsDifferError if the two formulations' losses are not the same."""
    batch, ours, theirs = (
        random_batch(config),
        GanStep(config, initial_state(config, torch.device("cpu"))),
        plain_step(config),
    )
    for phase in PHASES:
        run_phase(ours, phase, batch)()
        run_phase(theirs, phase, batch)()
    first, second = ours.mean_losses(), theirs.mean_losses()
    tolerance = 1e-3 if config.precision == "fp32" else 0.1
    for name, value in first.items():
        if abs(value - second[name]) > tolerance * max(1e-3, abs(value), abs(second[name])) + tolerance * 0.1:
            raise OutputsDifferError(f"{config.name}: loss '{name}' is {value:.5g} and {second[name]:.5g}")
    due = {"d_main": 1, "g_main": 1, "d_reg": config.r1_every, "g_reg": config.path_every}
    mine = plain = 0.0
    low, high = [], []
    for phase in PHASES:
        a, b = time_pair(run_phase(ours, phase, batch), run_phase(theirs, phase, batch), runs)
        mine, plain = mine + statistics.median(a) / due[phase], plain + statistics.median(b) / due[phase]
        low.append((min(b) / due[phase], max(a) / due[phase]))
        high.append((max(b) / due[phase], min(a) / due[phase]))
    return {
        "recipe": config.name,
        "batch": config.batch,
        "precision": config.precision,
        "images_per_second": config.batch / mine,
        "textbook_images_per_second": config.batch / plain,
        "ratio": plain / mine,
        "ratio_low": sum(b for b, _ in low) / sum(a for _, a in low),
        "ratio_high": sum(b for b, _ in high) / sum(a for _, a in high),
    }
