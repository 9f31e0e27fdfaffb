"""SemanticGAN's own discriminators: one judges pictures, one judges patches of pictures with their masks.

Reference: Li et al., "Semantic Segmentation with Generative Models", 2021, https://arxiv.org/abs/2104.05833: beside a
StyleGAN2 discriminator of pictures, a patch discriminator of pictures and masks together, at several scales (Wang et
al. 2018, https://arxiv.org/abs/1711.11585, section 3.2). As Shi et al. 2022 train it (table 1, row "SemanticGAN"), all
pictures have labels. Departures: convolutions are StyleGAN2's, with blurred strides and equalised rates, where Wang et
al. have batches normalised; both discriminators have the logistic loss, weigh alike, and are penalised by R1 together.
"""

from typing import ClassVar

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.stylegan2.discriminator import StyleGAN2Discriminator, StyleGAN2DiscriminatorConfig
from semedit.networks.discriminator import Discriminator, DiscriminatorConfig
from semedit.networks.layers import EqualConv2d
from semedit.networks.ops import down_conv

#: How often a patch discriminator halves the side of what it sees.
STRIDES = 3


class PatchDiscriminatorConfig(DiscriminatorConfig):
    """Sizes of a discriminator of pictures, and of one of patches with masks."""

    noun: ClassVar[str] = "patch discriminator configuration"

    scales: int = Field(3, ge=1, description="sizes at which patches are judged, each half of the one before")
    patch_width: int = Field(64, ge=1, description="channels of a patch discriminator's first layer; doubled by each")

    @model_validator(mode="after")
    def _check_scales(self) -> "PatchDiscriminatorConfig":
        if self.sides[-1] < 1:
            raise ValueError(f"{self.scales} scales of {self.size} px leave no patch; take fewer")
        return self

    @property
    def sides(self) -> tuple[int, ...]:
        """How many patches a scale has along a side.

        >>> PatchDiscriminatorConfig(size=256).sides
        (32, 16, 8)
        """
        return tuple(self.size // 2 ** (STRIDES + scale) for scale in range(self.scales))


class PatchBranch(nn.Sequential):
    """(B, in_ch, S, S) -> realness logits (B, 1, S / 8, S / 8) of overlapping patches."""

    def __init__(self, in_ch: int, width: int):
        widths = [width * 2**step for step in range(STRIDES)]
        layers = [EqualConv2d(a, b, 3, activate=True, conv=down_conv)
                  for a, b in zip([in_ch, *widths], widths, strict=False)]  # fmt: skip
        last = widths[-1]
        super().__init__(*layers, EqualConv2d(last, last, 3, activate=True), EqualConv2d(last, 1, 3, activate=False))


class PatchDiscriminator(Discriminator):
    """Logits of pictures, and of patches of pictures with masks."""

    KIND: ClassVar[str] = "semanticgan-discriminator"
    config: PatchDiscriminatorConfig

    def __init__(self, config: PatchDiscriminatorConfig):
        super().__init__(config)
        sizes = {name: getattr(config, name) for name in ("size", "channels", "channel_multiplier", "group")}
        self.whole = StyleGAN2Discriminator(StyleGAN2DiscriminatorConfig(**sizes))
        self.patches = nn.ModuleList(PatchBranch(3 + config.regions, config.patch_width) for _ in config.sides)

    def forward(self, images: Tensor, segmentation: Tensor | None = None) -> Tensor:
        """(B, 3, S, S) and masks (B, R, S, S) -> logits (B, 1 + P): of the picture, then of the P patches of all
        scales, the largest scale first; without masks of the picture alone, (B, 1)."""
        self.whole.gradient_checkpointing = self.gradient_checkpointing
        logits = [self.whole(images)]
        if segmentation is not None:
            seen = torch.cat([images, segmentation], dim=1)
            for place, branch in enumerate(self.patches):
                assert isinstance(branch, PatchBranch)
                seen = F.avg_pool2d(seen, 2) if place else seen
                logits.append(self.through(branch, seen).flatten(1).to(logits[0].dtype))
        return torch.cat(logits, dim=1)

    def shares(self, logits: Tensor) -> Tensor | None:
        """One for the picture, and one for the patches: an equal part for each scale, in it for each patch."""
        parts = [logits.new_ones(1)]
        if logits.shape[1] > 1:
            parts += [logits.new_full((side**2,), 1 / (side**2 * len(self.patches))) for side in self.config.sides]
        return torch.cat(parts)
