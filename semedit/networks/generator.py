"""The SemanticStyleGAN generator (Shi et al. 2022): local generators, soft z-buffer composition, render net.

Reference: "SemanticStyleGAN: Learning Compositional Generative Priors for Controllable Image Synthesis and
Editing", https://arxiv.org/abs/2112.02236, sections 3.1-3.3; formulas as in the released code where it departs from
the paper.

Shapes: B batch, R regions, L = base + 2R code rows, E = R * local_layers expanded rows, D style width, h w coarse size,
H W image size, P = h * w.
"""

import math
from typing import ClassVar, Literal

import torch
from pydantic import model_validator
from torch import Tensor, nn

from semedit.config import Config
from semedit.errors import ConfigError, LatentError
from semedit.latents.latent import Latent
from semedit.latents.layout import LatentLayout
from semedit.latents.regions import CELEBAMASK, RegionTable
from semedit.networks.layers import EqualLinear, official_channels
from semedit.networks.local import LocalGenerators
from semedit.networks.ops import coordinate_grid, pixel_norm
from semedit.networks.render import RenderNet
from semedit.networks.synthesis import Synthesis

Noise = Literal["const", "random"] | list[Tensor]


class GeneratorConfig(Config):
    """Sizes of a generator. The defaults are the official 256 px configuration.

    ``render_channels`` maps an output size to the width of its render block, for example ``{32: 64, 64: 32}``; empty
    means the official table. Three choices in which the paper and the released code (the defaults) differ:
    ``detach_texture`` stops the gradient between shape and texture layers, except in the background;
    ``background_pose`` gives the background the base rows too; ``heads`` puts the RGB and segmentation heads after each
    "block" or, as in the paper, each "convolution".
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
    background_pose: bool = False
    heads: Literal["block", "convolution"] = "block"

    @model_validator(mode="after")
    def _check(self) -> "GeneratorConfig":
        for name in ("size", "coarse_size", "min_feature_size"):
            value = getattr(self, name)
            if value < 4 or value & (value - 1):
                raise ValueError(f"{name} must be a power of two of at least 4, not {value}")
        if not self.min_feature_size <= self.coarse_size <= self.size or self.min_feature_size == self.size:
            raise ValueError("sizes must satisfy min_feature_size <= coarse_size <= size, and min_feature_size < size")
        if not 0 <= self.base_layers <= self.depth_layers <= self.local_layers or self.depth_layers < 1:
            raise ValueError("layers must satisfy base_layers <= depth_layers <= local_layers, and depth_layers >= 1")
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


class MappingNetwork(nn.Module):
    """z (B, D) -> w (B, D): PixelNorm, then EqualLinear layers with lr_mul 0.01 and the leaky activation."""

    def __init__(self, dim: int, layers: int, lr_mul: float):
        super().__init__()
        self.layers = nn.ModuleList(EqualLinear(dim, dim, lr_mul=lr_mul, activate=True) for _ in range(layers))

    def forward(self, z: Tensor) -> Tensor:
        w = pixel_norm(z)
        for layer in self.layers:
            w = layer(w)
        return w


class SemanticGenerator(nn.Module):
    """The complete generator; see the module's docstring.

    ``regions`` names the label indices; it must have ``config.regions`` entries.
    """

    def __init__(self, config: GeneratorConfig, regions: RegionTable = CELEBAMASK):
        super().__init__()
        if len(regions) != config.regions:
            raise ConfigError(f"the region table has {len(regions)} regions, the generator {config.regions}")
        self.config, self.regions = config, regions
        self.layout = LatentLayout(
            config.base_layers, config.regions, config.depth_layers, config.local_layers, config.background_pose
        )
        self.mapping = MappingNetwork(config.style_dim, config.mapping_layers, config.mapping_lr_mul)
        self.local = LocalGenerators(
            regions=config.regions,
            layers=config.local_layers,
            depth_layers=config.depth_layers,
            channels=config.local_channels,
            style_dim=config.style_dim,
            coarse_channels=config.coarse_channels,
            frequencies=int(math.log2(config.size)),
            detach_texture=config.detach_texture,
        )
        self.render = RenderNet(
            regions=config.regions,
            coarse_channels=config.coarse_channels,
            coarse_size=config.coarse_size,
            min_size=config.min_feature_size,
            widths={size: config.width(size) for size in config.block_sizes},
            residual_refine=config.residual_refine,
            heads_per_block=2 if config.heads == "convolution" else 1,
        )
        #: Set by whoever loads or saves the weights; ties latent codes to them.
        self.fingerprint = ""
        #: Fingerprints of the generators that this one was adapted from, whose codes it reads too.
        self.lineage: tuple[str, ...] = ()

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

    def check(self, latent: Latent) -> None:
        """LatentError unless ``latent`` is a code of this generator, or of one that it was adapted from."""
        latent.check_generator(self.fingerprint, *self.lineage)

    def codes(self, latent: Latent | Tensor) -> Tensor:
        """Expanded code (B, R, L', D) of a Latent or of a tensor (B, D), (B, L, D) or (B, E, D)."""
        if isinstance(latent, Latent):
            self.check(latent)
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
            chosen = composition.flatten(2) if composition.dim() == 4 else composition[:, :, None]
            masks = masks * chosen.to(masks.dtype)
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
        background: Tensor | None = None,
    ) -> Synthesis:
        """Synthesise a picture and its segmentation from a code in W, W+ or expanded W+.

        latent: Latent, or tensor (B, D), (B, L, D) or (B, E, D); LatentError otherwise.
        noise: "const" (the buffers), "random", or a list of maps broadcastable to (B, 1, H, W).
        composition: (B, R) of 0/1, the regions that take part; or (B, R, h, w), where each does.
        coords: (B, R, 2, h, w), sampling coordinates of each region; moving or scaling them moves or zooms it.
        background: (B, F, h, w), a feature map that stands in for the background's own, such as a real picture's.
        """
        codes = self.codes(latent)
        size, batch = self.config.coarse_size, codes.shape[0]
        grid = coordinate_grid(size, size, codes.device) if coords is None else coords
        x, depths = self.local(codes, grid)
        masks, weights = self.composite(depths, composition)
        own = weights if background is None else torch.cat([torch.zeros_like(weights[:, :1]), weights[:, 1:]], dim=1)
        features = self.local.blend(x, own).unflatten(-1, (size, size))
        if background is not None:
            features = features + background * weights[:, :1].unflatten(-1, (size, size))
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
