"""Resampling and activation primitives of StyleGAN2 (Karras et al. 2020), in public autograd only.

All filters use the binomial kernel k = outer([1,3,3,1], [1,3,3,1]) / 64. None of them stuffs zeros: the skip
upsampling is bilinear interpolation (the polyphase form of 4k), blurs are depthwise convolutions, and the
stride-2 blur in front of a strided convolution keeps the samples that the convolution reads.
Everything here is differentiable twice, as R1 and the path-length penalty need.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

SQRT2 = math.sqrt(2.0)
SLOPE = 0.2


def leaky(x: Tensor) -> Tensor:
    """LeakyReLU with slope 0.2, in place, without the gain sqrt(2) that callers fold into weights and biases.

    >>> leaky(torch.tensor([-1.0, 2.0]))
    tensor([-0.2000,  2.0000])
    """
    return F.leaky_relu(x, SLOPE, inplace=True)


def leaky_backward(gradient: Tensor, y: Tensor) -> Tensor:
    """The gradient in front of the activation, of that behind it and of what it put out; in place, itself without one.

    >>> leaky_backward(torch.tensor([1.0, 1.0]), torch.tensor([-0.2, 2.0]))
    tensor([0.2000, 1.0000])
    """
    return torch.ops.aten.leaky_relu_backward.grad_input(gradient, y, SLOPE, True, grad_input=gradient)


def pixel_norm(x: Tensor) -> Tensor:
    """x * rsqrt(mean over channels of x^2 + 1e-8), over dim 1.

    >>> pixel_norm(torch.tensor([[3.0, 4.0]]))
    tensor([[0.8485, 1.1314]])
    """
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


def blur_kernel(channels: int, like: Tensor, gain: float = 1.0) -> Tensor:
    """The binomial kernel as depthwise weights (C, 1, 4, 4), in the dtype and on the device of ``like``."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], device=like.device, dtype=like.dtype)
    return (taps[:, None] * taps * (gain / 64.0)).expand(channels, 1, 4, 4)


class _Blur(torch.autograd.Function):
    """Depthwise filtering with the binomial kernel, whose gradient is the same filter: the kernel is symmetric.

    A convolution's own backward would also do, but for depthwise kernels it is several times slower on the CPU.
    Differentiable any number of times, as its backward is made of itself.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, bias: Tensor | None, pad: int, gain: float) -> Tensor:
        ctx.pad, ctx.gain = pad, gain
        own = None if bias is None else bias.to(x.dtype)
        return F.conv2d(x, blur_kernel(x.shape[1], x, gain), own, padding=pad, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, None, None]:
        (gradient,) = gradients
        wide = torch.promote_types(gradient.dtype, torch.float32)
        for_bias = gradient.sum((0, 2, 3), dtype=wide) if ctx.needs_input_grad[1] else None
        return _Blur.apply(gradient, None, 3 - ctx.pad, ctx.gain), for_bias, None, None


def blur(x: Tensor, pad: int, gain: float = 1.0, bias: Tensor | None = None) -> Tensor:
    """Low-pass ``x`` (B, C, H, W) with gain*k and ``pad`` (0 to 3) zeros on each side, then add bias (C,).

    The output side is H + 2 pad - 3.
    """
    return _Blur.apply(x, bias, pad, gain)


class _Halved(torch.autograd.Function):
    """The binomial filter at every second sample of both sides; its adjoint is a quarter of :func:`upsample2`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004
        return F.conv2d(x, blur_kernel(x.shape[1], x), stride=2, padding=1, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        return upsample2(gradients[0] * 0.25)


def halved(x: Tensor) -> Tensor:
    """Low-pass ``x`` (B, C, H, W), of even sides, with k and padding (1, 1), and keep every second row and column.

    >>> halved(torch.ones(1, 1, 4, 4))[0, 0, 0]
    tensor([0.7656, 0.7656])
    """
    return _Halved.apply(x)


def upsample2(x: Tensor) -> Tensor:
    """Double the size of ``x`` (B, C, H, W) with the filter 4k, padding (2, 1): the skip path of StyleGAN2.

    The two phases of [1,3,3,1]/4 are (1,3)/4 and (3,1)/4, which is bilinear interpolation on half-pixel centres
    with zeros beyond the border.

    >>> upsample2(torch.ones(1, 1, 2, 2))[0, 0, 1]
    tensor([0.7500, 1.0000, 1.0000, 0.7500])
    """
    height, width = x.shape[-2:]
    padded = F.pad(x, (1, 1, 1, 1))
    doubled = F.interpolate(padded, scale_factor=2, mode="bilinear", align_corners=False)
    return doubled[..., 2 : 2 + 2 * height, 2 : 2 + 2 * width]


def up_conv(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Transposed 3x3 convolution with stride 2, then the blur 4k with padding (1, 1), then a bias (O,).

    (B, I, H, W) -> (B, O, 2H, 2W); ``weight`` is (I, O, 3, 3).
    """
    return blur(F.conv_transpose2d(x, weight, stride=2), pad=1, gain=4.0, bias=bias)  # over (B, O, 2H+1, 2W+1)


def down_conv(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Blur, then a convolution with stride 2 and no padding: halves ``x`` (B, I, H, W) -> (B, O, H/2, W/2).

    ``weight`` is (O, I, 3, 3), with blur padding (2, 2), or (O, I, 1, 1), with padding (1, 1).
    """
    if weight.shape[-1] == 1:
        return F.conv2d(halved(x), weight, bias)
    return F.conv2d(blur(x, pad=2), weight, bias, stride=2)


def coordinate_grid(height: int, width: int, device: torch.device | None = None) -> Tensor:
    """Coordinates (2, h, w): channel 0 is x along the width, channel 1 is y along the height, -1..1 inclusive.

    >>> coordinate_grid(2, 3)[0]
    tensor([[-1.,  0.,  1.],
            [-1.,  0.,  1.]])
    """
    y = torch.linspace(-1, 1, height, device=device)
    x = torch.linspace(-1, 1, width, device=device)
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)])


def fourier_features(coords: Tensor, frequencies: int) -> Tensor:
    """Fourier features (..., 2(2F+1), h, w) of coordinates (..., 2, h, w): [xy, sin(2^0 xy), cos(2^0 xy), ...].

    >>> fourier_features(coordinate_grid(8, 8), frequencies=6).shape
    torch.Size([26, 8, 8])
    """
    groups = [coords]
    for octave in range(frequencies):
        groups += [torch.sin(coords * 2**octave), torch.cos(coords * 2**octave)]
    return torch.cat(groups, dim=-3)
