"""The adversary's stage of a course: GAN training that goes on learning from pairs.

The discriminator sees lessons and samples of random codes; the generator is judged on the lessons' codes, beside the
losses of the pairs stage.
"""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from semedit.data.lessons import Lessons
from semedit.data.source import Batch, Source
from semedit.domains import Domain
from semedit.errors import ConfigError
from semedit.latents.regions import RegionTable
from semedit.networks.style_based import StyleBasedGenerator
from semedit.networks.synthesis import Synthesis
from semedit.training.engine.team import Team
from semedit.training.gan.config import GanConfig, TrainConfig
from semedit.training.gan.draws import BatchPart, CodeDraw
from semedit.training.gan.losses import generator_loss, mask_consistency
from semedit.training.gan.state import GanState, state_of
from semedit.training.gan.step import GanStep
from semedit.training.gan.trainer import Run
from semedit.training.teaching.objectives import PairLosses
from semedit.training.teaching.source import LessonSource, TaughtBatch, TaughtSource


class TaughtStep(GanStep):
    """A GAN's step whose generator is judged on codes of lessons, and held to their pictures by ``losses``; the
    adversary's part has the weight ``adversarial``. The mapping network stays: the lessons said which code is whose, so
    that what was learnt on codes (encoders, directions, flows) goes on to hold."""

    def __init__(self, config: GanConfig, state: GanState, team: Team, augment: tuple[str, ...], losses: PairLosses,
                 adversarial: float):  # fmt: skip
        self.losses, self.adversarial = losses, adversarial
        super().__init__(config, state, team, augment)

    def _trained_generator(self) -> list[nn.Parameter]:
        mapping = set(self.state.generator.mapping.parameters())
        return [p for p in super()._trained_generator() if p not in mapping]

    def g_main(self, batch: Batch) -> None:
        if not isinstance(batch, TaughtBatch):
            raise ConfigError("the adversary's stage of a course takes batches of lessons")
        config, lessons = self.config, batch.lessons
        noise = self.state.generator.noise_maps("random", config.batch)
        augment = self.draw_augment(config.batch)

        def loss_of(part: BatchPart) -> Tensor:
            own = lessons.select(slice(part.local.index, None, part.local.of))
            draw = CodeDraw(own.first, [part.share(n) for n in noise])
            if config.regions:
                draw = replace(draw, second=own.second, from_second=own.from_second)
            with self.autocast():
                out, _, _ = self.g_fast(draw)
                logits = self.judge(*self.generated(out, augment.take(part.share)))
            adversarial, pairs = generator_loss(logits), self.losses(out, own)
            self.note(g=adversarial, **pairs)
            held = torch.stack([self.losses.weights[name] * value for name, value in pairs.items()]).sum()
            loss = self.adversarial * adversarial
            if isinstance(out, Synthesis):
                mask = mask_consistency(out)
                self.note(mask=mask)
                loss = loss + config.lambda_mask * mask
            return loss + held

        self.descend(self.state.g_optim, self.g_pass, loss_of)


class TaughtRun(Run):
    """The run of the adversary's stage; ``generator`` is what the stage before it has averaged."""

    def __init__(self, config: GanConfig, folder: Path, domain: Domain, team: Team, say: Callable[[str], None],
                 lessons: Lessons, losses: PairLosses, weight: float, generator: StyleBasedGenerator):  # fmt: skip
        self.lessons, self.losses, self.weight, self.generator = lessons, losses, weight, generator
        super().__init__(config, folder, domain, team, say)

    def begin(self, regions: RegionTable) -> GanState:
        """The taught generator and a fresh discriminator; for one with regions, as its run's start says."""
        config = self.config
        if isinstance(config, TrainConfig):
            return super().begin(regions)
        torch.manual_seed(config.seed)
        trained, average = (copy.deepcopy(self.generator) for _ in range(2))
        trained.requires_grad_(True).train()
        return state_of(config, self.team.device, trained, config.build_discriminator(), average)

    def open_source(self) -> Source:
        config = self.config
        lessons = LessonSource(self.lessons, config.batch, config.seed, self.team.share)
        return TaughtSource(lessons, config.regions)

    def open_step(self, augment: tuple[str, ...]) -> GanStep:
        return TaughtStep(self.config, self.state, self.team, augment, self.losses, self.weight)
