"""The dual-branch discriminator D(image, mask) of SemanticStyleGAN (Shi et al. 2022, section 3.4).

Two StyleGAN2 residual branches, one for the image and one for the segmentation, are summed at 4x4 before the
minibatch standard deviation, so that the gradient penalty of each input can be weighted apart.
"""

import math
from typing import ClassVar

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from semedit.config import Config
from semedit.errors import ConfigError
from semedit.networks.layers import EqualConv2d, EqualLinear, official_channels
from semedit.networks.ops import down_conv
from semedit.networks.precision import working_dtype


class DiscriminatorConfig(Config):
    """Sizes of a discriminator; the defaults are official."""

    noun: ClassVar[str] = "discriminator configuration"

    size: int = Field(256, description="side of pictures in px, a power of two of at least 8")
    regions: int = Field(13, ge=1, description="channels of the segmentation; 13 are CelebAMask-HQ's regions")
    channels: dict[int, int] = Field(
        {}, description="side in px (size ... 4) -> width there, as {64: 24}; others have the official table's"
    )
    channel_multiplier: int = Field(
        2, ge=1, description="factor of the official table's widths above 32 px; 2 in all official weights"
    )
    group: int = Field(4, ge=1, description="pictures whose standard deviation is taken together; StyleGAN2's")

    @model_validator(mode="after")
    def _check(self) -> "DiscriminatorConfig":
        if self.size < 8 or self.size & (self.size - 1):
            raise ValueError(f"size must be a power of two of at least 8, not {self.size}")
        return self

    def width(self, resolution: int) -> int:
        return self.channels.get(resolution) or official_channels(resolution, self.channel_multiplier)


class ResBlock(nn.Module):
    """(B, ``in_ch``, H, W) -> (B, ``out_ch``, H/2, W/2): (conv3x3, down-conv3x3) beside a 1x1 down-conv without bias;
    their sum over sqrt(2), which is folded into the weights of both."""

    def __init__(self, in_ch: int, out_ch: int):
        super().__init__()
        self.conv1 = EqualConv2d(in_ch, in_ch, 3, activate=True)
        self.conv2 = EqualConv2d(in_ch, out_ch, 3, activate=True, gain=math.sqrt(0.5), conv=down_conv)
        self.skip = EqualConv2d(in_ch, out_ch, 1, activate=False, gain=math.sqrt(0.5), conv=down_conv)

    def forward(self, x: Tensor) -> Tensor:
        return self.skip(x).add_(self.conv2(self.conv1(x)))


def branch(config: DiscriminatorConfig, in_ch: int) -> nn.Sequential:
    """(B, in_ch, S, S) -> (B, C, 4, 4): a 1x1 convolution, then residual blocks down to 4x4."""
    sizes = [config.size // 2**step for step in range(int(math.log2(config.size)) - 1)]  # S, S/2, ..., 4
    blocks = [ResBlock(config.width(size), config.width(size // 2)) for size in sizes[:-1]]
    return nn.Sequential(EqualConv2d(in_ch, config.width(config.size), 1, activate=True), *blocks)


def minibatch_stddev(x: Tensor, group: int) -> Tensor:
    """Append one channel to ``x`` (B, C, h, w): the mean standard deviation within its group of min(B, group).

    Groups are strided: sample i belongs to group i mod (B / G). ConfigError if G does not divide B.

    >>> minibatch_stddev(torch.randn(8, 3, 4, 4), group=4).shape
    torch.Size([8, 4, 4, 4])
    """
    batch, channels, height, width = x.shape
    members = min(batch, group)
    if batch % members:
        raise ConfigError(f"the batch ({batch}) must be divisible by the minibatch-stddev group ({members})")
    columns = x.float().view(members, batch // members, channels, height, width)
    deviation = torch.sqrt(columns.var(0, unbiased=False) + 1e-8).mean((1, 2, 3))  # (B / G,)
    return torch.cat([x, deviation.to(x.dtype).repeat(members)[:, None, None, None].expand(-1, 1, height, width)], 1)


class Discriminator(nn.Module):
    """Something of sizes ``config`` that judges pictures: (B, 3, S, S), and what belongs to them, -> logits (B, K)."""

    #: What its native weight files say they hold.
    KIND: ClassVar[str]

    def __init__(self, config: DiscriminatorConfig):
        super().__init__()
        self.config = config
        #: Recompute the residual blocks in the backward pass instead of keeping what they need.
        self.gradient_checkpointing = False

    def shares(self, logits: Tensor) -> Tensor | None:  # noqa: ARG002 (one logit a picture has no shares)
        """How much each of the logits (B, K) of a picture counts in the losses: (K,); None where they count alike."""
        return None

    def through(self, layers: nn.Sequential, x: Tensor) -> Tensor:
        """A branch (see :func:`branch`) on pictures or masks (B, C, S, S)."""
        x = x.to(working_dtype(x), memory_format=torch.channels_last)  # a part of such a map is passed on as it is
        x = x.contiguous(memory_format=torch.channels_last)
        for layer in layers:
            if self.gradient_checkpointing and torch.is_grad_enabled():
                x = checkpoint(layer, x, use_reentrant=False)
            else:
                x = layer(x)
        return x


class DualDiscriminator(Discriminator):
    """Realness logits of pictures, with or without their segmentation; ``config`` has the sizes."""

    KIND: ClassVar[str] = "discriminator"

    def __init__(self, config: DiscriminatorConfig):
        super().__init__(config)
        self.image_branch, self.mask_branch = branch(config, 3), branch(config, config.regions)
        width = config.width(4)
        self.final_conv = EqualConv2d(width + 1, width, 3, activate=True)
        self.final_linear = nn.Sequential(EqualLinear(width * 16, width, activate=True), EqualLinear(width, 1))

    def forward(self, image: Tensor, segmentation: Tensor | None = None) -> Tensor:
        """image (B, 3, S, S), segmentation (B, R, S, S) or None -> logits (B, 1)."""
        x = self.through(self.image_branch, image)
        if segmentation is not None:
            x = x + self.through(self.mask_branch, segmentation)
        x = self.final_conv(minibatch_stddev(x, self.config.group))
        return self.final_linear(x.flatten(1)).float()
