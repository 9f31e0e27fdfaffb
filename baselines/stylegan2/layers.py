"""The modulated layers of StyleGAN2 (Karras et al. 2020, section 2.2), without per-sample weights.

A modulated convolution scales the channels of its input by a style s (B, I), and demodulation those of its output by
d_o = rsqrt(sum_i s_i^2 sum_k w_oik^2 + 1e-8). Both are applied to activations, so that a batch shares one ordinary
convolution; a convolution with weights of its own for each sample computes the same. The activation's gain sqrt(2) is
folded into d, the noise and the bias.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from semedit.networks.layers import EqualLinear, Folded
from semedit.networks.ops import SQRT2, leaky, up_conv, upsample2


class StyledConv(nn.Module):
    """Modulated, demodulated 3x3 convolution (``up``: that doubles the size), noise, bias, leaky activation.

    ``style`` maps rows (B, D) of a code to modulations (B, I).
    """

    def __init__(self, in_ch: int, out_ch: int, style_dim: int, *, up: bool):
        super().__init__()
        self.up = up
        self.weight = nn.Parameter(torch.randn(out_ch, in_ch, 3, 3))
        self.style = EqualLinear(style_dim, in_ch, bias=1.0)
        self.noise_weight = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(out_ch))
        self._scaled, self._power = Folded(), Folded()

    def scaled_weight(self) -> Tensor:
        """weight / sqrt(9 I), as (O, I, 3, 3), or (I, O, 3, 3) for the transposed convolution."""

        def make() -> Tensor:
            scaled = self.weight / math.sqrt(self.weight[0].numel())
            form = scaled.transpose(0, 1) if self.up else scaled
            return form.contiguous(memory_format=torch.channels_last)

        return self._scaled(make, self.weight)

    def demodulation(self, style: Tensor) -> Tensor:
        """sqrt(2) d (B, O) of styles (B, I)."""

        def make() -> Tensor:
            return self.weight.square().sum((2, 3)) / self.weight[0].numel()  # (O, I)

        return SQRT2 * torch.rsqrt(F.linear(style.square(), self._power(make, self.weight)) + 1e-8)

    def forward(self, x: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        """x (B, I, h, w), style (B, I), noise (1 or B, 1, H, W) -> (B, O, H, W), H = h or 2h."""
        gain = self.demodulation(style)
        x = x * style.to(x.dtype)[:, :, None, None]
        y = up_conv(x, self.scaled_weight()) if self.up else F.conv2d(x, self.scaled_weight(), padding=1)
        bias = (self.bias * SQRT2).to(y.dtype)[:, None, None]
        y = torch.addcmul(bias, y, gain.to(y.dtype)[:, :, None, None])
        return leaky(y.add_((noise * (self.noise_weight * SQRT2)).to(y.dtype)))


class ToRGB(nn.Module):
    """Modulated 1x1 convolution to RGB without demodulation, plus a bias, on top of the doubled picture so far.

    Here the 3 x C weights are modulated, which are fewer numbers than the activations. ``channels`` are more than 3
    where a head puts out masks beside the picture.
    """

    def __init__(self, in_ch: int, style_dim: int, channels: int = 3):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, in_ch))
        self.style = EqualLinear(style_dim, in_ch, bias=1.0)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, style: Tensor, skip: Tensor | None) -> Tensor:
        """x (B, I, H, W), style (B, I), skip (B, 3, H/2, W/2) or None -> (B, 3, H, W), in float32 at least."""
        weight = self.weight * style[:, None] / math.sqrt(self.weight.shape[1])  # (B, 3, I)
        y = torch.baddbmm(self.bias[:, None].to(x.dtype), weight.to(x.dtype), x.flatten(2)).unflatten(2, x.shape[2:])
        y = y.to(torch.promote_types(y.dtype, torch.float32))
        return y if skip is None else y + upsample2(skip)
