"""StyleGAN2's picture at the official 256 px, and its textbook formulation: weights of its own for each sample."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from baselines.stylegan2 import StyleCode, StyleGAN2Config, StyleGAN2Generator
from baselines.stylegan2.layers import StyledConv, ToRGB
from benchmarks.speed.textbook import KERNEL, activate, upfirdn


def random_stylegan2(size: int = 256) -> StyleGAN2Generator:
    """The official configuration with random weights whose noise and biases are not zero."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = StyleGAN2Generator(StyleGAN2Config(size=size))
        with torch.no_grad():
            for name, parameter in generator.named_parameters():
                if name.endswith(("bias", "noise_weight")):
                    parameter.add_(0.1 * torch.randn_like(parameter))
    return generator.eval().requires_grad_(False)


def styled_conv(x: Tensor, conv: StyledConv, style: Tensor, noise: Tensor) -> Tensor:
    """x (B, I, h, w), style (B, I) -> (B, O, H, W): modulated, demodulated, as one grouped convolution."""
    batch, channels = x.shape[:2]
    weight = conv.weight[None] * style[:, None, :, None, None] / math.sqrt(conv.weight[0].numel())
    weight = weight * torch.rsqrt(weight.square().sum((2, 3, 4), keepdim=True) + 1e-8)  # (B, O, I, 3, 3)
    flat = x.reshape(1, batch * channels, *x.shape[2:])
    if conv.up:
        kernel = weight.transpose(1, 2).flatten(0, 1)  # (B I, O, 3, 3)
        y = F.conv_transpose2d(flat, kernel, stride=2, groups=batch)
        y = upfirdn(y.unflatten(1, (batch, -1))[0], KERNEL * 4, 1, (1, 1))
    else:
        y = F.conv2d(flat, weight.flatten(0, 1), padding=1, groups=batch).unflatten(1, (batch, -1))[0]
    return activate(y + noise * conv.noise_weight, conv.bias)


def to_rgb(x: Tensor, head: ToRGB, style: Tensor, skip: Tensor | None) -> Tensor:
    batch, channels = x.shape[:2]
    weight = head.weight[None] * style[:, None] / math.sqrt(head.weight.shape[1])  # (B, 3, I)
    flat = x.reshape(1, batch * channels, *x.shape[2:])
    y = F.conv2d(flat, weight.flatten(0, 1)[:, :, None, None], groups=batch).unflatten(1, (batch, -1))[0]
    y = y + head.bias[:, None, None]
    return y if skip is None else y + upfirdn(skip, KERNEL * 4, 2, (2, 1))


def synthesise(generator: StyleGAN2Generator, code: StyleCode) -> Tensor:
    """The picture (B, 3, S, S) of a code, as the paper describes it."""
    batch, noise = len(code.conv[0]), generator.noise_maps("const", 1)
    x, picture = generator.constant[None].expand(batch, -1, -1, -1), None
    for index, conv in enumerate(generator.convs):
        assert isinstance(conv, StyledConv)
        x = styled_conv(x, conv, code.conv[index], noise[index])
        if index % 2 == 0:
            head = generator.heads[index // 2]
            assert isinstance(head, ToRGB)
            picture = to_rgb(x, head, code.rgb[index // 2], picture)
    assert picture is not None
    return picture
