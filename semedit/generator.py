"""The SemanticStyleGAN generator (Shi et al. 2022): local generators, soft z-buffer composition, render net.

Reference: "SemanticStyleGAN: Learning Compositional Generative Priors for Controllable Image Synthesis and
Editing", https://arxiv.org/abs/2112.02236, sections 3.1-3.3; formulas as in the released code where it departs from
the paper (spec 01). Departures in form, none in value: all local generators run as one batched product over stacked
weights; the feature heads are applied after the weighting (they are linear), so the B x R x C x h x w feature tensor
never exists; RGB and segmentation branches share one skip path.

Shapes: B batch, R regions, L = base + 2R code rows, E = R * local_layers expanded rows, D style width, C local
channels, F coarse channels, h w coarse size, H W image size, P = h * w.
"""

import math
from typing import ClassVar, Literal

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from semedit.config import Config
from semedit.errors import ConfigError, LatentError
from semedit.latent import Latent, LatentLayout
from semedit.layers import EqualLinear, FixedConv, FixedHead, Folded
from semedit.ops import SQRT2, coordinate_grid, fourier_features, leaky, pixel_norm, up_conv, upsample2
from semedit.protocols import Synthesis
from semedit.regions import CELEBAMASK, RegionTable

Noise = Literal["const", "random"] | list[Tensor]


def official_channels(resolution: int, multiplier: int = 2) -> int:
    """StyleGAN2's channel table: 512 up to 32 px, then 256m, 128m, 64m, 32m, 16m at 64 ... 1024 px (m = 2)."""
    return 512 if resolution <= 32 else 16384 * multiplier // resolution


class GeneratorConfig(Config):
    """Sizes of a generator. The defaults are the official 256 px configuration (spec 01, section 4).

    ``render_channels`` maps an output size to the width of its render block, for example ``{32: 64, 64: 32}``; empty
    means the official table. ``detach_texture`` stops the gradient between shape and texture layers (the paper's
    choice; the released code leaves it off).
    """

    noun: ClassVar[str] = "generator configuration"

    size: int = 256
    regions: int = 13
    transparent: tuple[int, ...] = (10, 12)
    style_dim: int = 512
    mapping_layers: int = 8
    mapping_lr_mul: float = 0.01
    base_layers: int = 2
    depth_layers: int = 6
    local_layers: int = 10
    local_channels: int = 64
    coarse_channels: int = 512
    coarse_size: int = 64
    min_feature_size: int = 16
    render_channels: dict[int, int] = {}
    channel_multiplier: int = 2
    residual_refine: bool = True
    detach_texture: bool = False

    @model_validator(mode="after")
    def _check(self) -> "GeneratorConfig":
        for name in ("size", "coarse_size", "min_feature_size"):
            value = getattr(self, name)
            if value < 4 or value & (value - 1):
                raise ValueError(f"{name} must be a power of two of at least 4, not {value}")
        if not self.min_feature_size <= self.coarse_size <= self.size or self.min_feature_size == self.size:
            raise ValueError("sizes must satisfy min_feature_size <= coarse_size <= size, and min_feature_size < size")
        if not 0 <= self.base_layers <= self.depth_layers <= self.local_layers:
            raise ValueError("layers must satisfy base_layers <= depth_layers <= local_layers")
        if any(not 0 <= region < self.regions for region in self.transparent):
            raise ValueError(f"transparent regions must lie in 0..{self.regions - 1}, not {self.transparent}")
        return self

    @property
    def block_sizes(self) -> tuple[int, ...]:
        """Output sizes of the render blocks, ascending."""
        first, last = int(math.log2(self.min_feature_size)), int(math.log2(self.size))
        return tuple(2**power for power in range(first + 1, last + 1))

    def width(self, resolution: int) -> int:
        """Channels of the render block that puts out ``resolution``."""
        return self.render_channels.get(resolution) or official_channels(resolution, self.channel_multiplier)


class Mapping(nn.Module):
    """z (B, D) -> w (B, D): PixelNorm, then EqualLinear layers with lr_mul 0.01 and the leaky activation."""

    def __init__(self, dim: int, layers: int, lr_mul: float):
        super().__init__()
        self.layers = nn.ModuleList(EqualLinear(dim, dim, lr_mul=lr_mul, activate=True) for _ in range(layers))

    def forward(self, z: Tensor) -> Tensor:
        w = pixel_norm(z)
        for layer in self.layers:
            w = layer(w)
        return w


def shared_bmm(weight: Tensor, x: Tensor) -> Tensor:
    """weight (..., I, J), shared by the batch, times x (B, ..., J, P), as one batched product.

    ``torch.matmul`` would fold the batch into a copy of ``x`` first.
    """
    expanded = weight.expand(*x.shape[: x.dim() - weight.dim()], *weight.shape)
    return torch.bmm(expanded.flatten(0, -3), x.flatten(0, -3)).unflatten(0, x.shape[:-2])


class LocalGenerators(nn.Module):
    """All R local generators as one: modulated 1x1 layers on Fourier features, with depth and feature heads.

    A 1x1 modulated layer is a matrix product, so the R networks are R slices of one stacked weight, and a layer of the
    whole batch is one batched product of (B R, C, C) by (B R, C, P). Modulating and demodulating the C x C matrices
    touches C^2 numbers a sample where modulating activations would touch C P; no grouped convolution is involved.
    Region 0 (background) owns no depth head: its depth is zero everywhere.
    """

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        regions, channels, dim = config.regions, config.local_channels, config.style_dim
        self.depth_layers, self.detach_texture = config.depth_layers, config.detach_texture
        self.frequencies = int(math.log2(config.size))
        inputs = 2 * (2 * self.frequencies + 1)
        self.embedding = nn.Parameter(torch.randn(channels, inputs))
        stack = (config.local_layers, regions)
        self.weight = nn.Parameter(torch.randn(*stack, channels, channels))
        self.style_weight = nn.Parameter(torch.randn(*stack, channels, dim))
        self.style_bias = nn.Parameter(torch.ones(*stack, channels))
        self.bias = nn.Parameter(torch.zeros(*stack, channels))
        self.feature_weight = nn.Parameter(torch.randn(regions, config.coarse_channels, channels))
        self.feature_modulation = nn.Parameter(torch.ones(regions, channels))
        self.feature_bias = nn.Parameter(torch.zeros(regions, config.coarse_channels))
        self.depth_weight = nn.Parameter(torch.randn(regions - 1, channels))
        self.depth_modulation = nn.Parameter(torch.ones(regions - 1, channels))
        self.depth_bias = nn.Parameter(torch.zeros(regions - 1))

    def embed(self, coords: Tensor) -> Tensor:
        """Position embedding (..., C, P) of coordinates (..., 2, h, w); shared by all regions."""
        features = fourier_features(coords, self.frequencies).flatten(-2)
        return torch.matmul(self.embedding / math.sqrt(self.embedding.shape[1]), features)

    def modulated_weights(self, codes: Tensor) -> Tensor:
        """Per-sample layer matrices (L', B, R, C, C) of an expanded code (B, R, L', D), gain sqrt(2) included."""
        rows = codes.permute(2, 1, 0, 3)  # (L', R, B, D)
        styles = torch.matmul(rows, self.style_weight.transpose(-1, -2) / math.sqrt(codes.shape[-1]))
        styles = (styles + self.style_bias[:, :, None]).transpose(1, 2)  # (L', B, R, C)
        scaled = self.weight / math.sqrt(self.weight.shape[-1])
        power = torch.matmul(styles.square()[..., None, :], scaled.square().transpose(-1, -2)[:, None])[..., 0, :]
        gain = SQRT2 * torch.rsqrt(power + 1e-8)  # (L', B, R, C), the demodulation of each output channel
        return scaled[:, None] * styles[..., None, :] * gain[..., None]

    def forward(self, codes: Tensor, coords: Tensor) -> tuple[Tensor, Tensor]:
        """Texture features x (B, R, C, P) and depths (B, R, P) of an expanded code (B, R, L', D).

        ``coords`` is (2, h, w), shared, or (B, R, 2, h, w).
        """
        batch, regions, layers, _ = codes.shape
        channels = self.weight.shape[-1]
        weights, biases = self.modulated_weights(codes), (self.bias * SQRT2)[..., None]
        points = self.embed(coords)
        if points.dim() == 2:  # one picture of coordinates for everybody: the first layer is a single product
            x = torch.matmul(weights[0].reshape(-1, channels), points).view(batch, regions, channels, -1)
        else:
            x = torch.matmul(weights[0], points)
        x = leaky(x + biases[0].to(x.dtype))
        depths = self.depth(x) if self.depth_layers == 1 else None
        for layer in range(1, layers):
            if layer == self.depth_layers and self.detach_texture:
                x = torch.cat([x[:, :1], x[:, 1:].detach()], dim=1)
            bias = biases[layer].expand(batch, -1, -1, -1).flatten(0, 1)  # (B R, C, 1)
            x = leaky(torch.baddbmm(bias, weights[layer].flatten(0, 1), x.flatten(0, 1)).view_as(x))
            if layer == self.depth_layers - 1:
                depths = self.depth(x)
        if depths is None:
            raise ConfigError("a local generator needs at least one depth layer")
        return x, depths

    def depth(self, x: Tensor) -> Tensor:
        """Pseudo-depth maps (B, R, P), zero for the background, of features (B, R, C, P)."""
        heads = F.pad(self.depth_weight * self.depth_modulation / math.sqrt(x.shape[2]), (0, 0, 1, 0))  # (R, C)
        bias = F.pad(self.depth_bias, (1, 0))
        return shared_bmm(heads[:, None], x).float()[:, :, 0] + bias[:, None]

    def blend(self, x: Tensor, weights: Tensor) -> Tensor:
        """Fused features (B, F, P) = sum_k weights_k to_feat_k(x_k), of x (B, R, C, P) and weights (B, R, P)."""
        heads = self.feature_weight * (self.feature_modulation / math.sqrt(x.shape[2]))[:, None]  # (R, F, C)
        weighted = (x * weights[:, :, None].to(x.dtype)).flatten(1, 2)  # (B, R C, P)
        stacked = heads.transpose(0, 1).flatten(1)  # (F, R C)
        return shared_bmm(stacked, weighted).add_(shared_bmm(self.feature_bias.T, weights))


class RenderBlock(nn.Module):
    """Fixed up-conv, noise, activation; fixed conv, noise, activation; RGB and segmentation heads on a shared skip."""

    def __init__(self, in_ch: int, out_ch: int, regions: int):
        super().__init__()
        self.up, self.conv = FixedConv(in_ch, out_ch), FixedConv(out_ch, out_ch)
        self.up_bias, self.conv_bias = nn.Parameter(torch.zeros(out_ch)), nn.Parameter(torch.zeros(out_ch))
        self.noise_weight = nn.Parameter(torch.zeros(2))
        self.to_rgb, self.to_seg = FixedHead(out_ch, 3), FixedHead(out_ch, regions)
        self.folded = Folded()

    def forward(self, x: Tensor, skip: Tensor | None, noise: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """(B, I, H, W), skip (B, 3+R, H, W) or None -> (B, O, 2H, 2W) and the next skip (B, 3+R, 2H, 2W)."""
        x = up_conv(x, self.up.effective_weight(transposed=True), self.up_bias * SQRT2)
        x = leaky(x.add_((noise[0] * (self.noise_weight[0] * SQRT2)).to(x.dtype)))
        x = F.conv2d(x, self.conv.effective_weight(), self.conv_bias * SQRT2, padding=1)
        x = leaky(x.add_((noise[1] * (self.noise_weight[1] * SQRT2)).to(x.dtype)))
        return x, self.heads(x) if skip is None else self.heads(x) + upsample2(skip)

    def heads(self, x: Tensor) -> Tensor:
        weight = torch.cat([self.to_rgb.effective_weight(), self.to_seg.effective_weight()])
        bias = torch.cat([self.to_rgb.bias, self.to_seg.bias])
        return F.conv2d(x, weight[:, :, None, None], bias).float()


def refine(skip: Tensor, coarse: Tensor) -> Tensor:
    """Add the coarse segmentation (B, R, h, w) to the segmentation part of a skip (B, 3+R, h, w)."""
    return torch.cat([skip[:, :3], skip[:, 3:] + coarse], dim=1)


class RenderNet(nn.Module):
    """Fused features (B, F, h, w) and coarse segmentation (B, R, h, w) -> image and refined segmentation."""

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.coarse_size, self.min_size = config.coarse_size, config.min_feature_size
        self.residual_refine, self.gradient_checkpointing = config.residual_refine, False
        self.blocks = nn.ModuleList()
        channels = config.coarse_channels
        for size in config.block_sizes:
            extra = config.coarse_channels if size // 2 == config.coarse_size else 0
            self.blocks.append(RenderBlock(channels + extra, config.width(size), config.regions))
            channels = config.width(size)
        for index, size in enumerate(size for size in config.block_sizes for _ in range(2)):
            self.register_buffer(f"noise_{index}", torch.randn(1, 1, size, size))

    def noise_buffers(self) -> list[Tensor]:
        return [getattr(self, f"noise_{index}") for index in range(2 * len(self.blocks))]

    def forward(self, features: Tensor, coarse: Tensor, noise: list[Tensor]) -> tuple[Tensor, Tensor]:
        x = F.adaptive_avg_pool2d(features, self.min_size)
        skip: Tensor | None = None
        x = x.contiguous(memory_format=torch.channels_last)
        for index, block in enumerate(self.blocks):
            if x.shape[-1] == self.coarse_size:
                x = torch.cat([x, features.to(x.dtype)], dim=1)
            pair = (noise[2 * index], noise[2 * index + 1])
            if self.gradient_checkpointing and torch.is_grad_enabled():
                x, skip = checkpoint(block, x, skip, pair, use_reentrant=False)
            else:
                x, skip = block(x, skip, pair)
            if self.residual_refine and x.shape[-1] == self.coarse_size:
                skip = refine(skip, coarse)
        assert skip is not None  # there is at least one block
        return skip[:, :3], skip[:, 3:]


class SemanticGenerator(nn.Module):
    """The complete generator; see the module's docstring.

    ``regions`` names the label indices; it must have ``config.regions`` entries.
    """

    def __init__(self, config: GeneratorConfig, regions: RegionTable = CELEBAMASK):
        super().__init__()
        if len(regions) != config.regions:
            raise ConfigError(f"the region table has {len(regions)} regions, the generator {config.regions}")
        self.config, self.regions = config, regions
        self.layout = LatentLayout(config.base_layers, config.regions, config.depth_layers, config.local_layers)
        self.mapping = Mapping(config.style_dim, config.mapping_layers, config.mapping_lr_mul)
        self.local = LocalGenerators(config)
        self.render = RenderNet(config)
        #: Set by whoever loads or saves the weights; ties latent codes to them.
        self.fingerprint = ""

    @property
    def device(self) -> torch.device:
        return self.local.embedding.device

    def noise_maps(self, noise: Noise, batch: int) -> list[Tensor]:
        """The 2 * n_blocks noise maps that ``noise`` stands for: buffers, fresh draws (B, 1, H, W), or a given list."""
        buffers = self.render.noise_buffers()
        if isinstance(noise, str):
            if noise == "const":
                return buffers
            if noise == "random":
                return [torch.randn(batch, *buffer.shape[1:], device=buffer.device) for buffer in buffers]
            raise ConfigError(f"noise is 'const', 'random' or a list of tensors, not '{noise}'")
        if len(noise) != len(buffers) or any(n.shape[-2:] != b.shape[-2:] for n, b in zip(noise, buffers, strict=True)):
            wanted = ", ".join(f"{b.shape[-1]}x{b.shape[-2]}" for b in buffers)
            raise ConfigError(f"noise needs {len(buffers)} maps of sizes {wanted}")
        return list(noise)

    def codes(self, latent: Latent | Tensor) -> Tensor:
        """Expanded code (B, R, L', D) of a Latent or of a tensor (B, D), (B, L, D) or (B, E, D)."""
        if isinstance(latent, Latent):
            latent.check_generator(self.fingerprint)
            latent = latent.data
        if latent.shape[-1] != self.config.style_dim:
            raise LatentError(
                f"a latent of width {latent.shape[-1]} for a generator of style width {self.config.style_dim}"
            )
        return self.layout.expand(latent)

    def composite(self, depths: Tensor, composition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Soft z-buffer: masks m (B, R, P) and blending weights (B, R, P) of depths (B, R, P)."""
        masks = depths.softmax(dim=1)
        if composition is not None:
            masks = masks * composition[:, :, None].to(masks.dtype)
            masks = masks / (masks.sum(1, keepdim=True) + 1e-8)
        if not self.config.transparent:
            return masks, masks
        see_through = masks.new_zeros(masks.shape[1], 1)
        see_through[list(self.config.transparent)] = 1.0
        opaque = masks * (1.0 - see_through)
        return masks, opaque / (opaque.sum(1, keepdim=True) + 1e-8) + masks * see_through

    def forward(
        self,
        latent: Latent | Tensor,
        *,
        noise: Noise = "const",
        composition: Tensor | None = None,
        coords: Tensor | None = None,
    ) -> Synthesis:
        """Synthesise a picture and its segmentation from a code in W, W+ or expanded W+.

        latent: Latent, or tensor (B, D), (B, L, D) or (B, E, D); LatentError otherwise.
        noise: "const" (the buffers), "random", or a list of maps broadcastable to (B, 1, H, W).
        composition: (B, R) of 0/1, the regions that take part.
        coords: (B, R, 2, h, w), sampling coordinates of each region; moving or scaling them moves or zooms it.
        """
        codes = self.codes(latent)
        size, batch = self.config.coarse_size, codes.shape[0]
        grid = coordinate_grid(size, size, codes.device) if coords is None else coords
        x, depths = self.local(codes, grid)
        masks, weights = self.composite(depths, composition)
        features = self.local.blend(x, weights).unflatten(-1, (size, size))
        coarse = (2.0 * masks - 1.0).unflatten(-1, (size, size))
        image, segmentation = self.render(features, coarse, self.noise_maps(noise, batch))
        return Synthesis(image, segmentation, coarse, depths.unflatten(-1, (size, size)))

    @torch.no_grad()
    def mean_w(self, samples: int = 10_000, seed: int = 0) -> Tensor:
        """Mean mapped code (1, D) over ``samples`` draws of z from a CPU generator with ``seed``."""
        z = torch.randn(samples, self.config.style_dim, generator=torch.Generator().manual_seed(seed))
        return self.mapping(z.to(self.device)).mean(0, keepdim=True)

    def latent(self, data: Tensor, **metadata: object) -> Latent:
        """Wrap a code tensor of this generator as a Latent, its space told by its shape."""
        return Latent.of(data, layout=self.layout, regions=self.regions, fingerprint=self.fingerprint, **metadata)
