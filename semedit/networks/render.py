"""The render net of SemanticStyleGAN (Shi et al. 2022, section 3.3): fused features -> picture and mask.

A StyleGAN2 synthesis net without style input. RGB and segmentation share one skip path of 3 + R channels.
"""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from semedit.networks.layers import FixedConv, FixedHead, Folded
from semedit.networks.ops import SQRT2, leaky, up_conv, upsample2
from semedit.networks.winograd import conv2d

#: Called before each block with its number, its input and the skip so far (None at first); gives back what takes their
#: places.
Visit = Callable[[int, Tensor, Tensor | None], tuple[Tensor, Tensor | None]]


class RenderBlock(nn.Module):
    """Fixed up-conv, noise, activation; fixed conv, noise, activation; RGB and segmentation heads on a shared skip.

    ``in_ch`` I and ``out_ch`` O are the widths of input and output, ``regions`` R that of the segmentation head;
    ``heads`` 2 puts another pair of heads after the first convolution.
    """

    def __init__(self, in_ch: int, out_ch: int, regions: int, heads: int = 1):
        super().__init__()
        self.up, self.conv = FixedConv(in_ch, out_ch), FixedConv(out_ch, out_ch)
        self.up_bias, self.conv_bias = nn.Parameter(torch.zeros(out_ch)), nn.Parameter(torch.zeros(out_ch))
        self.noise_weight, self.kept = nn.Parameter(torch.zeros(2)), Folded()
        self.to_rgb, self.to_seg = FixedHead(out_ch, 3), FixedHead(out_ch, regions)
        self.first_heads = nn.ModuleList([FixedHead(out_ch, 3), FixedHead(out_ch, regions)] if heads == 2 else [])

    def forward(self, x: Tensor, skip: Tensor | None, noise: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """(B, I, H, W), skip (B, 3+R, H, W) or None -> (B, O, 2H, 2W) and the next skip (B, 3+R, 2H, 2W)."""
        x = up_conv(x, self.up.effective_weight(transposed=True), self.up_bias * SQRT2)
        x = leaky(x.add_((noise[0] * (self.noise_weight[0] * SQRT2)).to(x.dtype)))
        if self.first_heads:
            first = apply_heads(x, *self.first_heads)
            skip = first if skip is None else first + upsample2(skip)
        weight, sources = self.conv.effective_weight(), (self.conv.weight, self.conv.modulation)
        x = conv2d(x, weight, self.conv_bias * SQRT2, self.kept, *sources)
        x = leaky(x.add_((noise[1] * (self.noise_weight[1] * SQRT2)).to(x.dtype)))
        out = apply_heads(x, self.to_rgb, self.to_seg)
        if skip is None:
            return x, out
        return x, out + (skip if self.first_heads else upsample2(skip))


def apply_heads(x: Tensor, *heads: FixedHead) -> Tensor:
    """Outputs of several 1x1 heads, concatenated, in float32: (B, sum of their widths, H, W)."""
    weight = torch.cat([head.effective_weight() for head in heads])
    bias = torch.cat([head.bias for head in heads])
    return F.conv2d(x, weight[:, :, None, None], bias).float()


def refine(skip: Tensor, coarse: Tensor) -> Tensor:
    """Add the coarse segmentation (B, R, h, w) to the segmentation part of a skip (B, 3+R, h, w)."""
    return torch.cat([skip[:, :3], skip[:, 3:] + coarse], dim=1)


class RenderNet(nn.Module):
    """Fused features (B, F, h, w) and coarse segmentation (B, R, h, w) -> image and refined segmentation.

    ``regions`` R, ``coarse_channels`` F and ``coarse_size`` h = w (px) are the input's; it is pooled to ``min_size`` px
    in front of the first block. ``widths`` gives the channels of each block by its output size, ascending from twice
    ``min_size``. ``residual_refine`` adds the coarse segmentation to the refined one at ``coarse_size``;
    ``heads_per_block`` 2 puts heads after each convolution.
    """

    def __init__(
        self,
        *,
        regions: int,
        coarse_channels: int,
        coarse_size: int,
        min_size: int,
        widths: Mapping[int, int],
        residual_refine: bool,
        heads_per_block: int = 1,
    ):
        super().__init__()
        self.coarse_size, self.min_size = coarse_size, min_size
        self.residual_refine, self.gradient_checkpointing = residual_refine, False
        self.blocks = nn.ModuleList()
        channels = coarse_channels
        for size, width in widths.items():
            extra = coarse_channels if size // 2 == coarse_size else 0
            self.blocks.append(RenderBlock(channels + extra, width, regions, heads_per_block))
            channels = width
        for index, size in enumerate(size for size in widths for _ in range(2)):
            self.register_buffer(f"noise_{index}", torch.randn(1, 1, size, size))

    def noise_buffers(self) -> list[Tensor]:
        return [getattr(self, f"noise_{index}") for index in range(2 * len(self.blocks))]

    def forward(
        self, features: Tensor, coarse: Tensor, noise: list[Tensor], visit: Visit | None = None
    ) -> tuple[Tensor, Tensor]:
        """(B, F, h, w) and (B, R, h, w) -> image (B, 3, H, W) and segmentation (B, R, H, W)."""
        out: Tensor | None = None
        for _, skip in self.trace(features, coarse, noise, visit):
            out = skip
        assert out is not None  # there is at least one block
        return out[:, :3], out[:, 3:]

    def trace(self, features: Tensor, coarse: Tensor, noise: list[Tensor],
              visit: Visit | None = None) -> Iterator[tuple[Tensor, Tensor | None]]:  # fmt: skip
        """The inputs (x, skip) of one block after the other, then the outputs of the last one."""
        x = F.adaptive_avg_pool2d(features, self.min_size)
        skip: Tensor | None = None
        x = x.contiguous(memory_format=torch.channels_last)
        for index, block in enumerate(self.blocks):
            if visit:
                x, skip = visit(index, x, skip)
            if x.shape[-1] == self.coarse_size:
                x = torch.cat([x, features.to(x.dtype)], dim=1)
            yield x, skip
            pair = (noise[2 * index], noise[2 * index + 1])
            if self.gradient_checkpointing and torch.is_grad_enabled():
                x, skip = checkpoint(block, x, skip, pair, use_reentrant=False)
            else:
                x, skip = block(x, skip, pair)
            if self.residual_refine and x.shape[-1] == self.coarse_size:
                skip = refine(skip, coarse)
        yield x, skip
