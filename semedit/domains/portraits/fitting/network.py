"""How the portraits domain's networks are trained: drawn pictures with exact labels, and one loop for all.

Networks of different tasks see different pictures from different seeds, and share no weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from semedit.config import Config, Seed
from semedit.data.chunks import chunk_seed
from semedit.domains.portraits.drawing.renderer import render
from semedit.domains.portraits.factors import IDENTITY, attributes, kinds
from semedit.domains.portraits.law import sample_factors, scaled
from semedit.networks.precision import training_cast
from semedit.networks.trunk import TrunkConfig
from semedit.pictures.tensors import to_bytes, to_images

SCENE_TARGETS = ("yaw", "pitch", "roll", "scale", "x", "y", "light", "hair_length", "hair_volume", "eye_open")


class FitConfig(Config):
    """How a domain network is trained: ``pictures`` drawn, ``epochs`` over them, one-cycle AdamW at peak ``lr``."""

    noun: ClassVar[str] = "fit configuration"

    pictures: int = Field(16_000, ge=64)
    held_out: int = Field(2_000, ge=16)
    epochs: int = Field(5, ge=1)
    batch: int = Field(64, ge=2)
    lr: float = Field(3e-3, gt=0)
    noise: float = Field(0.06, ge=0, description="standard deviation of the noise added to inputs")
    seed: Seed = 11


class TrunkFitConfig(FitConfig):
    """How a network with a trunk is trained."""

    trunk: TrunkConfig = TrunkConfig()


@dataclass(frozen=True)
class LabelledPortraits:
    """Drawn pictures with everything known about them; images and labels are uint8."""

    images: Tensor
    labels: Tensor
    attributes: Tensor
    factors: Tensor
    kinds: Tensor

    def __len__(self) -> int:
        return len(self.images)


def draw_labelled(count: int, size: int, seed: int, chunk: int = 512) -> LabelledPortraits:
    """Draw ``count`` portraits of ``size`` px with labels, attributes and regression targets in [-1, 1]."""
    parts: list[tuple[Tensor, ...]] = []
    for k, start in enumerate(range(0, count, chunk)):
        factors = sample_factors(min(chunk, count - start), chunk_seed(seed, k))
        images, labels = render(factors, size)
        targets = scaled(factors, (*IDENTITY, *SCENE_TARGETS))
        parts.append((to_bytes(images), labels, attributes(factors), targets, kinds(factors)))
    return LabelledPortraits(*(torch.cat(column) for column in zip(*parts, strict=True)))


def as_input(images: Tensor, noise: float) -> Tensor:
    """uint8 pictures as network input, jittered in brightness and with noise: generated pictures are not drawn ones."""
    x = to_images(images)
    if noise:
        x = x * (1 + 0.1 * torch.randn(len(x), 1, 1, 1)) + 0.05 * torch.randn(len(x), 1, 1, 1)
        x = x + noise * torch.rand(len(x), 1, 1, 1) * torch.randn_like(x)
    return x


def fit_network(network: nn.Module, images: Tensor, config: FitConfig, loss_of: Callable[[Tensor, Tensor], Tensor],
                progress: Callable[[int, int], None] | None) -> None:  # fmt: skip
    """Minimise ``loss_of(inputs, indices)`` over uint8 ``images`` with AdamW and a one-cycle schedule, in bf16."""
    steps = config.epochs * (len(images) // config.batch)
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.lr, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.lr, total_steps=steps, pct_start=0.2)
    generator, done = torch.Generator().manual_seed(config.seed), 0
    network.train()
    for _ in range(config.epochs):
        order = torch.randperm(len(images), generator=generator)
        for indices in order[: len(order) // config.batch * config.batch].split(config.batch):
            optimiser.zero_grad(set_to_none=True)
            with training_cast("bf16", "cpu"):
                loss = loss_of(as_input(images[indices], config.noise), indices)
            loss.backward()
            optimiser.step()
            schedule.step()
            done += 1
            if progress:
                progress(done, steps)
    network.eval()
