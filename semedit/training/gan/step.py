"""One iteration of GAN training, in named phases, as SemanticStyleGAN and StyleGAN2 have it.

Phases: Dmain (adversarial), Dreg (lazy R1), Gmain (adversarial + mask consistency), Greg (lazy path length), EMA.
Domain adaptation, and the training of a generator without regions, is the same iteration without masks: the
discriminator sees pictures alone, and mask consistency is asked of those that have coarse masks.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from semedit.data.source import Batch, Share
from semedit.networks.discriminator import DualDiscriminator
from semedit.networks.generator import SemanticGenerator
from semedit.networks.precision import training_cast
from semedit.networks.style_based import StyleBasedGenerator
from semedit.networks.synthesis import Rendering, Segmented, Synthesis
from semedit.training.engine.averaging import update_ema
from semedit.training.engine.team import Team, syncing
from semedit.training.gan.augment import AugmentDraw, draw_augment
from semedit.training.gan.config import GanConfig
from semedit.training.gan.draws import BatchPart, CodeDraw, draw_crossover, draw_mixing
from semedit.training.gan.losses import (
    discriminator_loss,
    generator_loss,
    mask_consistency,
    path_lengths,
    r1_penalties,
    update_path_mean,
    weighed,
)
from semedit.training.gan.state import GanState


class GeneratorPass(nn.Module):
    """Mapping and synthesis as one forward, so that a data-parallel wrapper sees everything that is differentiated."""

    def __init__(self, generator: StyleBasedGenerator):
        super().__init__()
        self.generator = generator

    def synthesise(self, codes: Tensor, noise: list[Tensor]) -> Rendering:
        return self.generator(codes, noise=noise)

    def codes(self, draw: CodeDraw) -> Tensor:
        """W+ codes (B, L, D) of a draw."""
        generator = self.generator
        first = generator.mapping(draw.z)
        if draw.second is None or draw.from_second is None:
            return generator.layout.wplus(first)
        second = generator.mapping(draw.second)
        return torch.where(draw.from_second[..., None], second[:, None], first[:, None])

    def forward(self, draw: CodeDraw, leaf: bool = False) -> tuple[Rendering, Tensor, Tensor]:
        """The synthesis; the code it was made from (B, E, D), a row for each layer that reads one and a graph leaf if
        ``leaf``; and a zero that depends on every parameter, so that none is left without a gradient slot."""
        codes = self.codes(draw)
        zero = 0 * codes.sum()
        if leaf:
            codes = self.generator.layout.rows_read(codes).detach().requires_grad_()
        out = self.synthesise(codes, draw.noise)
        made = out.image.sum() + out.segmentation.sum() if isinstance(out, Segmented) else out.image.sum()
        return out, codes, zero + 0 * made


@dataclass(frozen=True)
class Phase:
    """A part of the iteration that ends in an optimiser's step.

    ``name`` is Dmain, Dreg, Gmain or Greg; ``trains`` says whose weights it changes, the generator's or the
    discriminator's; it is due in every ``every``-th step. ``do`` goes through it on a process's share of a batch.
    """

    name: str
    trains: Literal["g", "d"]
    every: int
    do: Callable[[Batch], None]


class GanStep:
    """The phases of an iteration on a GanState; ``phases`` lists them in their order.

    Random draws come from torch's global generator, which the loop seeds alike on every process. ``augment`` names the
    differentiable augmentations that both real and generated pictures go through before the discriminator.
    """

    def __init__(self, config: GanConfig, state: GanState, team: Team | None = None, augment: tuple[str, ...] = ()):
        self.config, self.state, self.augment = config, state, augment
        self.team = team or Team(device=state.path_mean.device)
        self.device = state.path_mean.device
        local, count = self.team.share, config.accumulate
        self.parts = [BatchPart(local.part(m, count), Share(m, count), m == count - 1) for m in range(count)]
        self.trained = {"g": self._trained_generator(), "d": self._trained_discriminator()}
        for name in ("g", "d"):
            self._network(name).requires_grad_(False)
            self._thaw(name)
        self.phases = self._phases()
        self.sampler = GeneratorPass(state.generator)
        self.g_pass, self.d_pass = self.team.wrap(self.sampler), self.team.wrap(state.discriminator)
        # Compiled graphs have no second derivative, so the penalties keep the plain modules.
        self.g_fast, self.d_fast, self.judge = self.g_pass, self.d_pass, state.discriminator
        if config.compile:
            modules = (self.sampler, self.g_pass, self.d_pass, self.judge)
            compiled: Any = [torch.compile(module, backend=config.compile) for module in modules]
            self.sampler, self.g_fast, self.d_fast, self.judge = compiled

    def _trained_generator(self) -> list[nn.Parameter]:
        generator = self.state.generator
        frozen: set[nn.Parameter] = set()
        if self.config.freeze_local == "true_freeze" and isinstance(generator, SemanticGenerator):
            frozen = set(generator.local.parameters())
        return [p for p in generator.parameters() if p not in frozen]

    def _trained_discriminator(self) -> list[nn.Parameter]:
        discriminator = self.state.discriminator
        unseen: set[nn.Parameter] = set()
        if not self.config.masks and isinstance(discriminator, DualDiscriminator):
            unseen = set(discriminator.mask_branch.parameters())
        return [p for p in discriminator.parameters() if p not in unseen]

    def _phases(self) -> tuple[Phase, ...]:
        config = self.config
        always = [
            Phase("Dmain", "d", 1, self.d_main),
            Phase("Dreg", "d", config.r1_every, self.d_reg),
            Phase("Gmain", "g", 1, self.g_main),
        ]
        lengths = [Phase("Greg", "g", config.path_every, self.g_reg)] if config.path_weight > 0 else []
        return (*always, *lengths)

    def _network(self, name: str) -> nn.Module:
        return self.state.generator if name == "g" else self.state.discriminator

    def _thaw(self, name: str) -> None:
        for parameter in self.trained[name]:
            parameter.requires_grad_(True)

    def turn_to(self, phase: Phase) -> None:
        """Give the weights that a phase changes their gradients, and the other network none."""
        self._network("d" if phase.trains == "g" else "g").requires_grad_(False)
        self._thaw(phase.trains)

    def autocast(self) -> AbstractContextManager[Any]:
        return training_cast(self.config.precision, self.device.type)

    def draw(self, batch: int) -> CodeDraw:
        """The random numbers of ``batch`` samples, styles mixed with probability ``style_mixing``."""
        generator = self.state.generator
        z = torch.randn(batch, generator.config.style_dim, device=self.device)
        draw = CodeDraw(z, generator.noise_maps("random", batch))
        if torch.rand(()) >= self.config.style_mixing:
            return draw
        layout = generator.layout
        if layout.regions:
            rows = draw_mixing(batch, layout.regions, layout.base_rows, self.device)
        else:
            rows = draw_crossover(batch, layout.rows, self.device)
        return replace(draw, second=torch.randn_like(z), from_second=rows)

    def draw_augment(self, batch: int) -> AugmentDraw:
        return draw_augment(batch, self.augment, self.device)

    def shown(self, image: Tensor, segmentation: Tensor, draw: AugmentDraw) -> tuple[Tensor, ...]:
        """What the discriminator is shown of a picture (B, 3, H, W) and its masks (B, R, H, W)."""
        return (draw.image(image), draw.masks(segmentation)) if self.config.masks else (draw.image(image),)

    def generated(self, fake: Rendering, draw: AugmentDraw) -> tuple[Tensor, ...]:
        """What it is shown of generated pictures."""
        masks = fake.segmentation if isinstance(fake, Segmented) else fake.image[:, :0]
        return self.shown(fake.image, masks, draw)

    def run(self, batch: Batch) -> None:
        """All phases that are due at this step, in order; advances the step.

        ``batch`` is this process's share of the global one.
        """
        for phase in self.phases:
            if self.state.step % phase.every == 0:
                self.turn_to(phase)
                phase.do(batch)
        self.average()
        self.state.step += 1

    def average(self) -> None:
        """Exponential moving average; with ``freeze_local`` that of mapping and render net alone."""
        state, decay = self.state, self.config.ema_decay
        if self.config.freeze_local == "off":
            update_ema(state.average, state.generator, decay)
            return
        for part in ("mapping", "render"):
            update_ema(getattr(state.average, part), getattr(state.generator, part), decay)

    def descend(
        self,
        optimiser: torch.optim.Adam,
        module: nn.Module,
        loss_of: Callable[[BatchPart], Tensor],
        spared: nn.Module | None = None,
    ) -> None:
        """One optimiser step on the mean of ``loss_of`` over the parts of the batch; ``spared`` takes no part."""
        optimiser.zero_grad(set_to_none=True)
        for part in self.parts:
            with syncing(module, part.last):
                (loss_of(part) / len(self.parts)).backward()
        for parameter in spared.parameters() if spared else ():
            parameter.grad = None
        optimiser.step()

    def note(self, **losses: Tensor) -> None:
        self.state.losses |= {name: value.detach() for name, value in losses.items()}

    def mean_losses(self) -> dict[str, float]:
        """The latest value of every loss, averaged over the processes."""
        return self.team.mean_losses(self.state.losses)

    def d_main(self, batch: Batch) -> None:
        draw, size = self.draw(self.config.batch), self.config.batch
        for_fake, for_real = self.draw_augment(size), self.draw_augment(size)

        def loss_of(part: BatchPart) -> Tensor:
            with torch.no_grad(), self.autocast():
                fake, _, _ = self.sampler(draw.take(part.share))
            with self.autocast():
                fake_logits = self.d_fast(*self.generated(fake, for_fake.take(part.share)))
                real = (part.local(batch.images), part.local(batch.masks))
                real_logits = self.d_fast(*self.shown(*real, for_real.take(part.share)))
            shares = self.state.discriminator.shares(real_logits)
            loss = discriminator_loss(real_logits, fake_logits, shares)
            self.note(d=loss, real_score=weighed(real_logits, shares), fake_score=weighed(fake_logits, shares))
            return loss

        self.descend(self.state.d_optim, self.d_pass, loss_of)

    def d_reg(self, batch: Batch) -> None:
        config, augment = self.config, self.draw_augment(self.config.batch)

        def loss_of(part: BatchPart) -> Tensor:
            images = part.local(batch.images).clone().requires_grad_()
            masks = part.local(batch.masks).clone().requires_grad_()
            with self.autocast():
                logits = self.d_pass(*self.shown(images, masks, augment.take(part.share)))
            inputs = (images, masks) if config.masks else (images,)
            penalties = r1_penalties(logits, *inputs, shares=self.state.discriminator.shares(logits))
            weights = (config.r1_image, config.r1_mask)
            self.note(**dict(zip(("r1_image", "r1_mask"), penalties, strict=False)))
            weighted = sum((w * r1 for w, r1 in zip(weights, penalties, strict=False)), torch.zeros_like(penalties[0]))
            return 0.5 * weighted * config.r1_every + 0 * logits.sum()

        self.descend(self.state.d_optim, self.d_pass, loss_of)

    def g_main(self, _: Batch) -> None:
        config, draw = self.config, self.draw(self.config.batch)
        augment = self.draw_augment(config.batch)

        def loss_of(part: BatchPart) -> Tensor:
            with self.autocast():
                fake, _, _ = self.g_fast(draw.take(part.share))
                logits = self.judge(*self.generated(fake, augment.take(part.share)))
            adversarial = generator_loss(logits, self.state.discriminator.shares(logits))
            self.note(g=adversarial)
            if not isinstance(fake, Synthesis):
                return adversarial
            mask = mask_consistency(fake)
            self.note(mask=mask)
            return adversarial + config.lambda_mask * mask

        self.descend(self.state.g_optim, self.g_pass, loss_of)

    def g_reg(self, _: Batch) -> None:
        config, state = self.config, self.state
        batch = max(self.team.world * config.accumulate, config.batch // config.path_batch_shrink)
        draw, means = self.draw(batch), []
        noise = torch.randn(batch, 3, config.generator.size, config.generator.size, device=self.device)
        noise /= config.generator.size

        def loss_of(part: BatchPart) -> Tensor:
            with self.autocast():
                out, codes, zero = self.g_pass(draw.take(part.share), leaf=True)
            lengths = path_lengths(out.image, codes, part.share(noise))
            mean = update_path_mean(state.path_mean, self.team.mean(lengths.mean()))
            penalty = (lengths - mean).square().mean()
            means.append(mean.detach())
            self.note(path=penalty, path_length=mean)
            return config.path_weight * config.path_every * penalty + zero

        # Path lengths start at the codes, so the mapping has no say in them and is left alone.
        self.descend(state.g_optim, self.g_pass, loss_of, spared=state.generator.mapping)
        state.path_mean = torch.stack(means).mean()
