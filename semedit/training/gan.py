"""One iteration of SemanticStyleGAN's GAN training, in named phases.

Phases: Dmain (adversarial), Dreg (lazy R1), Gmain (adversarial + mask consistency), Greg (lazy path length), EMA.
"""

import copy
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from semedit.data.source import Batch
from semedit.discriminator import DualDiscriminator
from semedit.generator import SemanticGenerator
from semedit.regions import RegionTable, generic_regions
from semedit.training.losses import (
    discriminator_loss,
    generator_loss,
    mask_consistency,
    path_lengths,
    r1_penalties,
    update_path_mean,
)
from semedit.training.recipes import TrainConfig


def mix_styles(first: Tensor, second: Tensor, layout_rows: int, base_rows: int) -> Tensor:
    """Style mixing: W+ codes (B, L, D) whose regions come from two codes (B, D).

    Base rows come from ``first``. For each sample and region one of three is drawn: both rows from ``first``, shape
    from ``first`` and texture from ``second``, or both from ``second``.
    """
    batch, regions = first.shape[0], (layout_rows - base_rows) // 2
    choice = torch.randint(3, (batch, regions), device=first.device)
    from_second = torch.stack([choice == 2, choice >= 1], dim=2).flatten(1)  # (B, 2R): shape, texture, ...
    from_second = torch.cat([from_second.new_zeros(batch, base_rows), from_second], dim=1)
    return torch.where(from_second[..., None], second[:, None], first[:, None])


@torch.no_grad()
def update_ema(average: nn.Module, current: nn.Module, decay: float) -> None:
    """p_ema <- decay p_ema + (1 - decay) p for parameters; buffers (the noise maps) stay their own."""
    pairs = zip(average.parameters(), current.parameters(), strict=True)
    targets, sources = (list(group) for group in zip(*pairs, strict=True))
    torch._foreach_lerp_(targets, sources, 1 - decay)


@dataclass
class GanState:
    """Everything that training changes: networks, optimisers, the running path length, the step to do next."""

    generator: SemanticGenerator
    discriminator: DualDiscriminator
    average: SemanticGenerator
    g_optim: torch.optim.Adam
    d_optim: torch.optim.Adam
    path_mean: Tensor
    step: int = 0
    losses: dict[str, float] = field(default_factory=dict)


def lazy_adam(module: nn.Module, lr: float, every: int) -> torch.optim.Adam:
    """Adam with StyleGAN2's correction for lazy regularisation: lr and beta2 to the power of every / (every + 1)."""
    ratio = every / (every + 1)
    return torch.optim.Adam(module.parameters(), lr=lr * ratio, betas=(0.0, 0.99**ratio), fused=True)


def initial_state(config: TrainConfig, device: torch.device, regions: RegionTable | None = None) -> GanState:
    """Fresh networks from ``config.seed``; the averaged generator starts as a copy."""
    torch.manual_seed(config.seed)
    table = regions or generic_regions(config.generator.regions, config.generator.transparent)
    generator = SemanticGenerator(config.generator, table).to(device)
    discriminator = DualDiscriminator(config.discriminator).to(device)
    average = copy.deepcopy(generator).eval().requires_grad_(False)
    return GanState(
        generator,
        discriminator,
        average,
        lazy_adam(generator, config.lr, config.path_every),
        lazy_adam(discriminator, config.lr, config.r1_every),
        torch.zeros((), device=device),
    )


class GanStep:
    """The phases of an iteration on a GanState. Random draws come from torch's global generator, seeded by the loop."""

    def __init__(self, config: TrainConfig, state: GanState):
        self.config, self.state = config, state
        self.device = state.path_mean.device

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16")

    def codes(self, batch: int) -> Tensor:
        """W+ codes (B, L, D) of random z, mixed with probability ``style_mixing``."""
        generator = self.state.generator
        z = torch.randn(batch, generator.config.style_dim, device=self.device)
        first = generator.mapping(z)
        if torch.rand(()) >= self.config.style_mixing:
            return generator.layout.wplus(first)
        second = generator.mapping(torch.randn_like(z))
        return mix_styles(first, second, generator.layout.rows, generator.layout.base_rows)

    def run(self, batch: Batch) -> None:
        """All phases that are due at this step, in order; advances the step."""
        state, config = self.state, self.config
        state.generator.requires_grad_(False)
        state.discriminator.requires_grad_(True)
        self.d_main(batch)
        if state.step % config.r1_every == 0:
            self.d_reg(batch)
        state.generator.requires_grad_(True)
        state.discriminator.requires_grad_(False)
        self.g_main(len(batch.images))
        if config.path_weight > 0 and state.step % config.path_every == 0:
            self.g_reg(max(1, len(batch.images) // config.path_batch_shrink))
        update_ema(state.average, state.generator, config.ema_decay)
        state.step += 1

    def apply(self, loss: Tensor, optimiser: torch.optim.Adam) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    def d_main(self, batch: Batch) -> None:
        state = self.state
        with torch.no_grad(), self.autocast():
            fake = state.generator(self.codes(len(batch.images)), noise="random")
        with self.autocast():
            fake_logits = state.discriminator(fake.image, fake.segmentation)
            real_logits = state.discriminator(batch.images, batch.masks)
        loss = discriminator_loss(real_logits, fake_logits)
        self.apply(loss, state.d_optim)
        state.losses |= {
            "d": loss.item(),
            "real_score": real_logits.mean().item(),
            "fake_score": fake_logits.mean().item(),
        }

    def d_reg(self, batch: Batch) -> None:
        config, state = self.config, self.state
        images, masks = batch.images.clone().requires_grad_(), batch.masks.clone().requires_grad_()
        with self.autocast():
            logits = state.discriminator(images, masks)
        r1_image, r1_mask = r1_penalties(logits, images, masks)
        penalty = 0.5 * (config.r1_image * r1_image + config.r1_mask * r1_mask) * config.r1_every
        self.apply(penalty + 0 * logits.sum(), state.d_optim)
        state.losses |= {"r1_image": r1_image.item(), "r1_mask": r1_mask.item()}

    def g_main(self, batch: int) -> None:
        config, state = self.config, self.state
        with self.autocast():
            fake = state.generator(self.codes(batch), noise="random")
            logits = state.discriminator(fake.image, fake.segmentation)
        adversarial, mask = generator_loss(logits), mask_consistency(fake)
        self.apply(adversarial + config.lambda_mask * mask, state.g_optim)
        state.losses |= {"g": adversarial.item(), "mask": mask.item()}

    def g_reg(self, batch: int) -> None:
        config, state = self.config, self.state
        with torch.no_grad():
            codes = state.generator.layout.expand(self.codes(batch)).flatten(1, 2)
        codes.requires_grad_()
        with self.autocast():
            out = state.generator(codes, noise="random")
        size = out.image.shape[-1]
        lengths = path_lengths(out.image, codes, torch.randn_like(out.image) / size)
        mean = update_path_mean(state.path_mean, lengths)
        penalty = (lengths - mean).square().mean()
        # Every parameter takes part, so that none is left without a gradient slot.
        idle = 0 * (out.image.sum() + out.segmentation.sum())
        self.apply(config.path_weight * config.path_every * penalty + idle, state.g_optim)
        state.path_mean = mean.detach()
        state.losses |= {"path": penalty.item(), "path_length": mean.item()}
