"""The StyleGAN2 discriminator (Karras et al. 2020), made of the parts of the dual-branch one."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from semedit.networks.discriminator import Discriminator, DiscriminatorConfig, branch, minibatch_stddev
from semedit.networks.layers import EqualConv2d, EqualLinear


class StyleGAN2DiscriminatorConfig(DiscriminatorConfig):
    """Sizes of a discriminator of pictures alone: no regions."""

    regions: int = 0


class StyleGAN2Discriminator(Discriminator):
    """Realness logits of pictures."""

    KIND: ClassVar[str] = "stylegan2-discriminator"
    config: StyleGAN2DiscriminatorConfig

    def __init__(self, config: StyleGAN2DiscriminatorConfig):
        super().__init__(config)
        width = config.width(4)
        self.image_branch = branch(config, 3)
        self.final_conv = EqualConv2d(width + 1, width, 3, activate=True)
        self.final_linear = nn.Sequential(EqualLinear(width * 16, width, activate=True), EqualLinear(width, 1))

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) -> logits (B, 1). Raises ConfigError unless min(B, 4) divides B."""
        x = self.through(self.image_branch, images)
        x = self.final_conv(minibatch_stddev(x, self.config.group))
        logits: Tensor = self.final_linear(x.flatten(1))
        return logits.to(torch.promote_types(logits.dtype, torch.float32))
