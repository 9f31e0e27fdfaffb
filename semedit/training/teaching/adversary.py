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

from semedit.checkpoints import zoo
from semedit.data.lessons import Lessons
from semedit.data.source import Batch, Source
from semedit.domains import Domain
from semedit.errors import CheckpointError, ConfigError
from semedit.latents.regions import RegionTable
from semedit.networks.discriminator import Discriminator, DiscriminatorConfig, DualDiscriminator
from semedit.networks.style_based import StyleBasedGenerator
from semedit.networks.synthesis import Synthesis
from semedit.storage.content import reading
from semedit.storage.weights import check_state, load_weights
from semedit.training.engine.team import Team
from semedit.training.gan.config import GanConfig, TrainConfig
from semedit.training.gan.draws import BatchPart, CodeDraw
from semedit.training.gan.growing import deepened, doublings
from semedit.training.gan.losses import generator_loss, mask_consistency
from semedit.training.gan.starting import starting_state
from semedit.training.gan.state import GanState, state_of
from semedit.training.gan.step import GanStep
from semedit.training.gan.trainer import Run
from semedit.training.teaching.config import CourseConfig
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


def critic_file(source: str) -> Path:
    """The file of a discriminator: itself, or a model's. CheckpointError for a model that comes without."""
    path = Path(source) if Path(source).is_file() else zoo.find(source).folder / zoo.DISCRIMINATOR
    if not path.is_file():
        raise CheckpointError(f"{source} has no discriminator to begin with")
    return path


def critic_tensors(discriminator: Discriminator, source: str) -> dict[str, Tensor]:
    """The weights that a trained discriminator, a model's or a native file's, has for another one.

    One that sees pictures alone takes the branch of pictures, and the end, from one that sees masks too. A larger one
    begins as the smaller one, grown. Raises CheckpointError for a source without a discriminator, or with one of
    another kind or of other sizes.
    """
    path = critic_file(source)
    found = load_weights(path)
    if found.kind not in (discriminator.KIND, DualDiscriminator.KIND):
        raise CheckpointError(f"{path}: holds a {found.kind}, not a {discriminator.KIND}")
    own, taken = discriminator.state_dict(), found.tensors
    with reading(path):
        size = DiscriminatorConfig.from_json(dict(found.config)).size
    if size < discriminator.config.size:
        steps, parts = doublings(size, discriminator.config.size), {name.partition(".")[0] for name in own}
        taken = deepened(own, {name: taken[name] for name in taken if name.partition(".")[0] in parts}, steps)
    tensors = {name: taken[name] for name in own if name in taken}
    check_state(discriminator, tensors, path)
    return tensors


def adopt(discriminator: Discriminator, source: str) -> None:
    """Give a discriminator the weights of a trained one; the errors of :func:`critic_tensors`."""
    discriminator.load_state_dict(critic_tensors(discriminator, source))


def check_adversary(course: CourseConfig) -> None:
    """Raises, before anything is taught, what would end the course at its last stage: ConfigError for an adversary of
    other sizes than the generator's, CheckpointError for a ``critic`` that does not fit the adversary."""
    adversarial = course.adversarial
    if adversarial is None:
        return
    own, wanted = adversarial.generator.to_json(), course.generator.to_json()
    if changed := [f"adversarial.generator.{name}={wanted[name]}" for name in wanted if own.get(name) != wanted[name]]:
        raise ConfigError(f"the adversary's stage has a generator of other sizes; set {', '.join(changed)}")
    if course.critic:
        with torch.device("meta"):
            sketch = adversarial.build_discriminator()
        critic_tensors(sketch, course.critic)


class TaughtRun(Run):
    """The run of the adversary's stage; ``generator`` is what the stage before it has averaged."""

    def __init__(
        self,
        config: GanConfig,
        folder: Path,
        domain: Domain,
        team: Team,
        say: Callable[[str], None],
        *,
        lessons: Lessons,
        losses: PairLosses,
        course: CourseConfig,
        generator: StyleBasedGenerator,
    ):
        self.lessons, self.losses, self.course, self.generator = lessons, losses, course, generator
        super().__init__(config, folder, domain, team, say)

    def begin(self, regions: RegionTable) -> GanState:
        """The taught generator and a discriminator: ``critic``, that of the run's start, or a fresh one."""
        config, device, brings_critic = self.config, self.team.device, bool(self.course.critic)
        if isinstance(config, TrainConfig):
            state = starting_state(config, device, regions, self.say, brings_critic=brings_critic)
        else:
            state = self.begin_alone()
        if brings_critic:
            adopt(state.discriminator, self.course.critic)
        return state

    def begin_alone(self) -> GanState:
        config = self.config
        torch.manual_seed(config.seed)
        trained, average = (copy.deepcopy(self.generator) for _ in range(2))
        trained.requires_grad_(True).train()
        return state_of(config, self.team.device, trained, config.build_discriminator(), average)

    def open_source(self) -> Source:
        config = self.config
        lessons = LessonSource(self.lessons, config.batch, config.seed, self.team.share)
        return TaughtSource(lessons, config.regions)

    def open_step(self, augment: tuple[str, ...]) -> GanStep:
        return TaughtStep(self.config, self.state, self.team, augment, self.losses, self.course.adversarial_weight)
