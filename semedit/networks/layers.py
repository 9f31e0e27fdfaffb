"""Equalised layers, and the "fixed" convolution of SemanticStyleGAN's render net.

A gain sqrt(2) that follows an activation is folded into the weights and bias before it: sqrt(2) lrelu(y) is
lrelu(sqrt(2) y).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from semedit.networks.ops import SQRT2, leaky


class EqualLinear(nn.Module):
    """y = x (W lr_mul / sqrt(in))^T + b lr_mul, of x (..., ``in_dim``) -> y (..., ``out_dim``).

    ``bias`` is what b starts at; ``lr_mul`` the share of the learning rate at which W and b learn; ``activate`` puts
    the leaky activation with gain sqrt(2) behind.
    """

    def __init__(self, in_dim: int, out_dim: int, *, bias: float = 0.0, lr_mul: float = 1.0, activate: bool = False):
        super().__init__()
        # In place: on the meta device "/" is written in Python, and would import torch's compiler for it.
        self.weight = nn.Parameter(torch.randn(out_dim, in_dim).div_(lr_mul))
        self.bias = nn.Parameter(torch.full((out_dim,), bias))
        self.lr_mul, self.activate = lr_mul, activate
        self.scale = lr_mul / math.sqrt(in_dim)

    def forward(self, x: Tensor) -> Tensor:
        gain = SQRT2 if self.activate else 1.0
        y = F.linear(x, self.weight * (self.scale * gain), self.bias * (self.lr_mul * gain))
        return leaky(y) if self.activate else y


class EqualConv2d(nn.Module):
    """Convolution of ``kernel`` k with weight / sqrt(in k^2) and an optional bias + leaky activation after it.

    (B, ``in_ch``, H, W) -> (B, ``out_ch``, H, W), padded by k // 2, or whatever ``conv`` makes of (x, weight, bias).
    With ``activate`` the bias belongs to the activation, as in StyleGAN2's ConvLayer; without it there is none.
    ``gain`` is a factor of what comes out.
    """

    def __init__(self, in_ch: int, out_ch: int, kernel: int, *, activate: bool, gain: float = 1.0,
                 conv: Callable[[Tensor, Tensor, Tensor | None], Tensor] | None = None):  # fmt: skip
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_ch, in_ch, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(out_ch)) if activate else None
        self.scale, self.gain = 1.0 / math.sqrt(in_ch * kernel**2), gain
        self.conv = conv or (lambda x, weight, bias: F.conv2d(x, weight, bias, padding=kernel // 2))

    def forward(self, x: Tensor) -> Tensor:
        if self.bias is None:
            return self.conv(x, self.weight * (self.scale * self.gain), None)
        gain = SQRT2 * self.gain
        return leaky(self.conv(x, self.weight * (self.scale * gain), self.bias * gain))


class Folded:
    """Remembers a tensor made from frozen parameters, for as long as those stay what they were.

    In evaluation the modulated and demodulated weights of the render net depend on parameters alone, so they are
    computed once. Nothing is remembered while a source requires a gradient, because optimisers may change it unseen
    (torch's fused ones do not advance the version counter); other changes in place and moves to another device or
    dtype are noticed by version counters and addresses.
    """

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._value: Tensor | None = None

    def __deepcopy__(self, memo: dict[int, object]) -> "Folded":
        return Folded()

    def __call__(self, make: Callable[[], Tensor], *sources: Tensor) -> Tensor:
        if any(source.requires_grad for source in sources):
            self._key = self._value = None
            return make()
        key = tuple((s.data_ptr(), s._version, s.dtype, s.device, tuple(s.shape)) for s in sources)
        if key != self._key or self._value is None:
            with torch.inference_mode(False), torch.no_grad():  # what is kept may be asked for a gradient later
                self._key, self._value = key, make()
        return self._value


class FixedConv(nn.Module):
    """3x3 convolution whose style is a learnt parameter instead of a code: modulated and demodulated, no input style.

    ``in_ch`` I, ``out_ch`` O: weight (O, I, 3, 3), modulation (I,) initialised to 1; w' = weight * modulation /
    sqrt(9 I), demodulated over (I, 3, 3) with epsilon 1e-8. The activation's gain sqrt(2) is folded in.
    """

    def __init__(self, in_ch: int, out_ch: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_ch, in_ch, 3, 3))
        self.modulation = nn.Parameter(torch.ones(in_ch))
        self.folded = Folded()

    def effective_weight(self, transposed: bool = False) -> Tensor:
        """The weight to convolve with, (O, I, 3, 3), or (I, O, 3, 3) for a transposed convolution.

        One module uses one of the two forms, so one is kept.
        """

        def make() -> Tensor:
            weight = self.weight * (self.modulation[:, None, None] / math.sqrt(self.weight[0].numel()))
            demodulated = weight * torch.rsqrt(weight.square().sum((1, 2, 3), keepdim=True) + 1e-8)
            form = demodulated.transpose(0, 1) if transposed else demodulated
            return (form * SQRT2).contiguous(memory_format=torch.channels_last)

        return self.folded(make, self.weight, self.modulation)


class FixedHead(nn.Module):
    """1x1 "fixed" convolution without demodulation, noise or activation: modulation * weight / sqrt(I), plus a bias.

    ``in_ch`` I, ``out_ch`` O: weight (O, I), modulation (I,) initialised to 1, bias (O,).
    """

    def __init__(self, in_ch: int, out_ch: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_ch, in_ch))
        self.modulation = nn.Parameter(torch.ones(in_ch))
        self.bias = nn.Parameter(torch.zeros(out_ch))

    def effective_weight(self) -> Tensor:
        return self.weight * (self.modulation / math.sqrt(self.weight.shape[1]))


def official_channels(resolution: int, multiplier: int = 2) -> int:
    """StyleGAN2's channel table: 512 up to 32 px, then 256m, 128m, 64m, 32m, 16m at 64 ... 1024 px (m = 2).

    >>> [official_channels(size) for size in (4, 32, 64, 256, 1024)]
    [512, 512, 512, 128, 32]
    """
    return 512 if resolution <= 32 else 16384 * multiplier // resolution
