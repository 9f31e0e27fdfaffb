"""The textbook formulation of the networks, for comparison in speed: written as the papers describe it.

A Python loop over regions; each modulated layer as a grouped convolution with per-sample weights; every region's
feature map made in full before the blend; resampling by stuffing zeros and convolving N*C one-channel pictures. It
computes from a SemanticGenerator's own weights and puts out the same pictures.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from semedit.networks.discriminator import DualDiscriminator, ResBlock, minibatch_stddev
from semedit.networks.generator import SemanticGenerator
from semedit.networks.layers import EqualConv2d, FixedConv, FixedHead
from semedit.networks.ops import coordinate_grid, fourier_features
from semedit.networks.render import RenderBlock
from semedit.networks.synthesis import Synthesis

KERNEL = torch.outer(torch.tensor([1.0, 3.0, 3.0, 1.0]), torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64


def upfirdn(x: Tensor, kernel: Tensor, up: int, pad: tuple[int, int]) -> Tensor:
    """Stuff zeros, pad, and filter N*C one-channel pictures."""
    batch, channels, height, width = x.shape
    flat = x.reshape(batch * channels, 1, height, 1, width, 1)
    flat = F.pad(flat, (0, up - 1, 0, 0, 0, up - 1)).reshape(batch * channels, 1, height * up, width * up)
    flat = F.pad(flat, (pad[0], pad[1], pad[0], pad[1]))
    flat = F.conv2d(flat, kernel.to(flat)[None, None])
    return flat.reshape(batch, channels, flat.shape[-2], flat.shape[-1])


def activate(x: Tensor, bias: Tensor) -> Tensor:
    return F.leaky_relu(x + bias.to(x.dtype)[:, None, None], 0.2) * math.sqrt(2)


def modulated(x: Tensor, weight: Tensor, style: Tensor) -> Tensor:
    """Modulated, demodulated 1x1 convolution of x (B, C, h, w) with per-sample weights, as one grouped convolution."""
    batch, channels, height, width = x.shape
    scaled = weight[None] * style[:, None] / math.sqrt(channels)  # (B, C, C)
    scaled = scaled * torch.rsqrt(scaled.square().sum(2, keepdim=True) + 1e-8)
    kernel = scaled.reshape(batch * channels, channels, 1, 1).to(x.dtype)
    return F.conv2d(x.reshape(1, batch * channels, height, width), kernel, groups=batch).reshape(x.shape)


def fixed_conv(x: Tensor, conv: FixedConv, up: bool) -> Tensor:
    """The render net's convolution, its weights modulated and demodulated at every call."""
    weight = conv.weight * conv.modulation[:, None, None] / math.sqrt(conv.weight[0].numel())
    weight = (weight * torch.rsqrt(weight.square().sum((1, 2, 3), keepdim=True) + 1e-8)).to(x.dtype)
    if not up:
        return F.conv2d(x, weight, padding=1)
    return upfirdn(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), KERNEL * 4, 1, (1, 1))


def fixed_head(x: Tensor, head: FixedHead, skip: Tensor | None) -> Tensor:
    weight = head.weight * head.modulation / math.sqrt(head.weight.shape[1])
    y = F.conv2d(x, weight[:, :, None, None].to(x.dtype)) + head.bias.to(x.dtype)[:, None, None]
    return y if skip is None else y + upfirdn(skip, KERNEL * 4, 2, (2, 1))


def local_generators(generator: SemanticGenerator, codes: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Feature maps (B, F, h, w) and depths (B, 1, h, w) of each region, one region after another."""
    local, config = generator.local, generator.config
    batch, size, channels = codes.shape[0], config.coarse_size, config.local_channels
    position = fourier_features(coordinate_grid(size, size), local.frequencies)[None]
    embedding = (local.embedding / math.sqrt(local.embedding.shape[1]))[:, :, None, None]
    start = F.conv2d(position, embedding).expand(batch, -1, -1, -1)
    features, depths = [], []
    for k in range(config.regions):
        x, depth = start, torch.zeros(batch, 1, size, size)
        for i in range(config.local_layers):
            weight = local.style_weight[i, k] / math.sqrt(config.style_dim)
            style = F.linear(codes[:, k, i], weight, local.style_bias[i, k])
            x = activate(modulated(x, local.weight[i, k], style), local.bias[i, k])
            if i == config.depth_layers - 1 and k:
                head = (local.depth_weight * local.depth_modulation)[k - 1] / math.sqrt(channels)
                depth = F.conv2d(x, head[None, :, None, None].to(x.dtype)) + local.depth_bias[k - 1].to(x.dtype)
        head = local.feature_weight[k] * local.feature_modulation[k] / math.sqrt(channels)
        features.append(
            F.conv2d(x, head[:, :, None, None].to(x.dtype)) + local.feature_bias[k].to(x.dtype)[:, None, None]
        )
        depths.append(depth)
    return features, depths


def synthesise(generator: SemanticGenerator, latent: Tensor, noise: list[Tensor] | None = None) -> Synthesis:
    """The synthesis of a code in W, W+ or expanded W+, with given noise maps or the constant buffers."""
    config = generator.config
    features, depths = local_generators(generator, generator.layout.expand(latent))
    masks = torch.cat([d.float() for d in depths], 1).softmax(1)
    see_through = torch.zeros(config.regions)
    see_through[list(config.transparent)] = 1
    opaque = masks * (1 - see_through)[:, None, None]
    weights = opaque / (opaque.sum(1, keepdim=True) + 1e-8) + masks * see_through[:, None, None]
    fused = sum((weights[:, k : k + 1] * feature for k, feature in enumerate(features)), torch.zeros(()))
    coarse, noise = 2 * masks - 1, noise or generator.render.noise_buffers()
    x, image, segmentation = F.adaptive_avg_pool2d(fused, config.min_feature_size), None, None
    for b, block in enumerate(generator.render.blocks):
        assert isinstance(block, RenderBlock)
        if x.shape[-1] == config.coarse_size:
            x = torch.cat([x, fused.to(x.dtype)], 1)
        x = activate(fixed_conv(x, block.up, up=True) + block.noise_weight[0] * noise[2 * b], block.up_bias)
        x = activate(fixed_conv(x, block.conv, up=False) + block.noise_weight[1] * noise[2 * b + 1], block.conv_bias)
        image, segmentation = fixed_head(x, block.to_rgb, image), fixed_head(x, block.to_seg, segmentation)
        if config.residual_refine and x.shape[-1] == config.coarse_size:
            segmentation = segmentation + coarse
    assert image is not None and segmentation is not None
    return Synthesis(image, segmentation, coarse, torch.cat(depths, 1))


def equal_conv(x: Tensor, layer: EqualConv2d, down: bool = False) -> Tensor:
    """The discriminator's convolution: blur with stuffed zeros' filter, then stride, then activation."""
    weight = layer.weight * layer.scale
    pad = weight.shape[-1] // 2
    if down:
        x = upfirdn(x, KERNEL, 1, (2, 2) if pad else (1, 1))
    x = F.conv2d(x, weight.to(x.dtype), stride=2 if down else 1, padding=0 if down else pad)
    return x if layer.bias is None else activate(x, layer.bias)


def discriminate(discriminator: DualDiscriminator, image: Tensor, segmentation: Tensor | None) -> Tensor:
    """Logits (B, 1) of pictures and masks."""

    def through(branch: nn.Sequential, x: Tensor) -> Tensor:
        first, *blocks = branch
        assert isinstance(first, EqualConv2d)
        x = equal_conv(x, first)
        for block in blocks:
            assert isinstance(block, ResBlock)
            inner = equal_conv(equal_conv(x, block.conv1), block.conv2, down=True)
            x = (inner + equal_conv(x, block.skip, down=True)) / math.sqrt(2)
        return x

    x = through(discriminator.image_branch, image)
    if segmentation is not None:
        x = x + through(discriminator.mask_branch, segmentation)
    x = equal_conv(minibatch_stddev(x, discriminator.config.group), discriminator.final_conv)
    return discriminator.final_linear(x.flatten(1)).float()
