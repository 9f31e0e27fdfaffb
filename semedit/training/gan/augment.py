"""Differentiable augmentation for small data sets (Zhao et al. 2020, https://arxiv.org/abs/2006.10738).

Real and generated pictures go through the same random changes before the discriminator, and gradients flow back through
them. Colours change in the picture alone; translation and cutout move and cut picture and masks together.
"""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from semedit.data.source import Share
from semedit.training.engine.feed import DataConfig

POLICIES = ("colour", "translation", "cutout")
TRANSLATION, CUTOUT = 1 / 8, 1 / 2  # shares of the side


@dataclass(frozen=True)
class AugmentDraw:
    """The random numbers of B augmentations: ``colour`` (B, 3) for brightness, saturation and contrast,
    ``translation`` and ``cutout`` (B, 2), all in [0, 1); an absent one leaves the picture alone."""

    values: dict[str, Tensor] = field(default_factory=dict)

    def take(self, share: Share) -> "AugmentDraw":
        return replace(self, values={name: share(value) for name, value in self.values.items()})

    def image(self, x: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) under all changes."""
        if "colour" in self.values:
            x = recolour(x, self.values["colour"])
        return self.masks(x)

    def masks(self, x: Tensor) -> Tensor:
        """Pictures or masks (B, C, H, W) under the geometric changes; what comes in from outside is 0."""
        if "translation" in self.values:
            x = translate(x, self.values["translation"])
        if "cutout" in self.values:
            x = cut_out(x, self.values["cutout"])
        return x


def draw_augment(batch: int, policies: tuple[str, ...], device: torch.device) -> AugmentDraw:
    """Random numbers for ``policies`` (of POLICIES) from torch's global generator."""
    widths = {"colour": 3, "translation": 2, "cutout": 2}
    return AugmentDraw({name: torch.rand(batch, widths[name], device=device) for name in policies})


def recolour(x: Tensor, draw: Tensor) -> Tensor:
    """Brightness +-0.5, saturation 0..2, contrast 0.5..1.5 of pictures in [-1, 1]."""
    brightness, saturation, contrast = (draw[:, i, None, None, None].to(x.dtype) for i in range(3))
    x = x + (brightness - 0.5)
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * (2 * saturation)
    middle = x.mean((1, 2, 3), keepdim=True)
    return middle + (x - middle) * (contrast + 0.5)


def translate(x: Tensor, draw: Tensor) -> Tensor:
    """Shift by whole pixels, up to an eighth of the side each way."""
    batch, _, height, width = x.shape
    reach = (int(height * TRANSLATION + 0.5), int(width * TRANSLATION + 0.5))
    steps = [(draw[:, i] * (2 * reach[i] + 1)).long() - reach[i] for i in range(2)]
    rows, inside_rows = shifted(height, steps[0])
    columns, inside_columns = shifted(width, steps[1])
    index = torch.arange(batch, device=x.device)[:, None, None]
    moved = x.permute(0, 2, 3, 1)[index, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    return moved * (inside_rows[:, None, :, None] & inside_columns[:, None, None, :])


def shifted(side: int, steps: Tensor) -> tuple[Tensor, Tensor]:
    """Source positions (B, side) of a shift, kept within the picture, and whether they lay within it."""
    source = torch.arange(side, device=steps.device)[None] - steps[:, None]
    return source.clamp(0, side - 1), (source >= 0) & (source < side)


def cut_out(x: Tensor, draw: Tensor) -> Tensor:
    """Set a square of half the side, anywhere, to 0."""
    cut = [
        (torch.arange(side, device=x.device)[None] + 0.5 - draw[:, i, None] * side).abs() < side * CUTOUT / 2
        for i, side in enumerate(x.shape[-2:])
    ]
    return x * ~(cut[0][:, None, :, None] & cut[1][:, None, None, :])


def differentiable_policies(data: DataConfig, pictures: int) -> tuple[str, ...]:
    """The differentiable augmentations of a run on so many pictures (0: without end)."""
    small = 0 < pictures < data.small_set
    return POLICIES if data.differentiable == "on" or (data.differentiable == "auto" and small) else ()
