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
from pydantic import Field, model_validator
from torch import Tensor

from semedit.errors import ConfigError, LatentError
from semedit.latents.latent import Latent
from semedit.latents.layout import LatentLayout
from semedit.latents.regions import CELEBAMASK, RegionTable
from semedit.networks.layers import official_channels
from semedit.networks.local import LocalGenerators
from semedit.networks.ops import coordinate_grid
from semedit.networks.placing import placed_options
from semedit.networks.points import Coarse
from semedit.networks.render import RenderNet, Visit
from semedit.networks.style_based import (
    MOST,
    MOST_LAYERS,
    MappingNetwork,
    Noise,
    StyleBasedConfig,
    StyleBasedGenerator,
    noise_maps,
)
from semedit.networks.synthesis import Synthesis

#: How far below the nearest region's pseudo-depth another one counts as hidden: its weight would be less than 1e-20.
HIDDEN = -20.0 * math.log(10.0)


class GeneratorConfig(StyleBasedConfig):
    """Sizes of a generator. The defaults are the official 256 px configuration.

    In ``detach_texture``, ``background_pose`` and ``heads`` the paper and the released code (the defaults) differ.
    """

    noun: ClassVar[str] = "generator configuration"

    size: int = Field(256, le=MOST, description="side of pictures in px, a power of two")
    regions: int = Field(13, ge=1, le=255, description="regions, each with its local generator; 13 are CelebAMask-HQ's")
    transparent: tuple[int, ...] = Field(
        (10, 12), description="indices of the regions that others are seen through: glasses and earrings"
    )
    style_dim: int = Field(512, ge=1, le=MOST, description="width D of z and of w; StyleGAN2's")
    mapping_layers: int = Field(8, ge=1, le=MOST_LAYERS, description="layers from z to w; StyleGAN2's")
    mapping_lr_mul: float = Field(
        0.01, gt=0, description="share of the learning rate at which the mapping learns; StyleGAN2's"
    )
    base_layers: int = Field(
        2, ge=0, description="first layers of a local generator, which all regions but the background feed alike: pose"
    )
    depth_layers: int = Field(6, description="layers in front of the depth head, base layers among them: shape")
    local_layers: int = Field(
        10, le=MOST_LAYERS, description="layers of a local generator in all; those behind the depth: texture"
    )
    local_channels: int = Field(64, ge=1, description="width of the local generators' layers")
    coarse_channels: int = Field(512, ge=1, description="width of the features that the render net is given")
    coarse_size: int = Field(64, description="side in px at which regions are put together, a power of two")
    min_feature_size: int = Field(
        16, description="side in px to which features are pooled in front of the first render block, a power of two"
    )
    render_channels: dict[int, int] = Field(
        {}, description="output size in px -> width of its render block, as {32: 64}; others have the official table's"
    )
    channel_multiplier: int = Field(
        2, ge=1, description="factor of the official table's widths above 32 px; 2 in all official weights"
    )
    residual_refine: bool = Field(True, description="add the coarse segmentation to the refined one at coarse_size")
    detach_texture: bool = Field(
        False, description="stop the gradient between shape and texture layers, except the background's (the paper)"
    )
    background_pose: bool = Field(False, description="feed the base rows to the background too (the paper)")
    heads: Literal["block", "convolution"] = Field(
        "block", description="put RGB and segmentation heads after each block, or after each convolution (the paper)"
    )

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
        """Output sizes of the render blocks, ascending.

        >>> GeneratorConfig(size=256, min_feature_size=16).block_sizes
        (32, 64, 128, 256)
        """
        first, last = int(math.log2(self.min_feature_size)), int(math.log2(self.size))
        return tuple(2**power for power in range(first + 1, last + 1))

    def width(self, resolution: int) -> int:
        """Channels of the render block that puts out ``resolution``."""
        return self.render_channels.get(resolution) or official_channels(resolution, self.channel_multiplier)


class SemanticGenerator(StyleBasedGenerator):
    """The complete generator; see the module's docstring.

    ``config`` has its sizes; ``regions`` names the label indices and must have ``config.regions`` entries, or
    ConfigError is raised.
    """

    KIND: ClassVar[str] = "generator"
    PARTS: ClassVar[tuple[str, ...]] = ("local", "render")
    config: GeneratorConfig

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

    @property
    def device(self) -> torch.device:
        return self.local.embedding.device

    def save_memory(self, on: bool) -> None:
        """Whether the render net's blocks are computed anew in the backward pass, instead of being kept."""
        self.render.gradient_checkpointing = on

    def placing(self, latent: Latent, device: torch.device) -> dict[str, Tensor]:
        """The options ``coords`` and ``composition`` for codes whose regions were moved; none for others."""
        return placed_options(latent, self.config.coarse_size, device)

    def noise_maps(self, noise: Noise, batch: int) -> list[Tensor]:
        """The 2 * n_blocks noise maps that ``noise`` stands for: buffers, fresh draws (B, 1, H, W), or a given list."""
        return noise_maps(noise, self.render.noise_buffers(), batch)

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
        """Soft z-buffer: masks m (B, R, P) and blending weights (B, R, P) of depths (B, R, P), and of what takes part,
        ``composition`` (B, R), (B, R, P) or (B, R, h, w).

        A weight below 1e-20 is zero, and so is its gradient: no picture can tell, and products of such numbers fall
        among the denormals, on which many processors crawl.
        """
        hidden = depths.detach() < depths.detach().amax(1, keepdim=True) + HIDDEN
        masks = depths.masked_fill(hidden, -math.inf).softmax(dim=1)
        if composition is not None:
            masks = masks * pointwise(composition).to(masks.dtype)
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
        visit: Visit | None = None,
    ) -> Synthesis:
        """Synthesise a picture and its segmentation from a code in W, W+ or expanded W+.

        latent: Latent, or tensor (B, D), (B, L, D) or (B, E, D); LatentError otherwise.
        noise: "const" (the buffers), "random", or a list of maps broadcastable to (B, 1, H, W).
        composition: (B, R) of 0/1, the regions that take part; or (B, R, h, w), where each does.
        coords: (B, R, 2, h, w), sampling coordinates of each region; moving or scaling them moves or zooms it. By
            default those of the Latent's placements, or the picture's own.
        background: (B, F, h, w), a feature map that stands in for the background's own, such as a real picture's.
        visit: sees, and may replace, what each block of the render net reads; see RenderNet.
        """
        codes = self.codes(latent)
        size, batch = self.config.coarse_size, codes.shape[0]
        if coords is None and isinstance(latent, Latent):
            placed = self.placing(latent, codes.device)
            coords, within = placed.get("coords"), placed.get("composition")
            if composition is not None and within is not None:
                within = within * (composition if composition.dim() == 4 else composition[:, :, None, None])
            composition = composition if within is None else within
        grid = coordinate_grid(size, size, codes.device) if coords is None else coords
        if background is None:
            made = self.coarse(codes, grid, composition)
        else:
            made = self.before(background.flatten(2), codes, grid, composition)
        coarse = (2.0 * made.masks - 1.0).unflatten(-1, (size, size))
        features = made.features.unflatten(-1, (size, size))
        image, segmentation = self.render(features, coarse, self.noise_maps(noise, batch), visit)
        return Synthesis(image, segmentation, coarse, made.depths.unflatten(-1, (size, size)))

    def coarse(self, codes: Tensor, coords: Tensor, composition: Tensor | None = None) -> Coarse:
        """Features, masks, depths of expanded codes (B, R, L', D) at ``coords`` (2, h, w) or (B, R or 1, 2, h, w)."""
        taking_part = None if composition is None else pointwise(composition)
        return self.local.composed(codes, coords, self.composite, taking_part)

    def before(self, background: Tensor, codes: Tensor, coords: Tensor, composition: Tensor | None) -> Coarse:
        """The same in front of a feature map (B, F, P) that stands in for the background's own."""
        x, depths = self.local(codes, coords)
        masks, weights = self.composite(depths, composition)
        own = torch.cat([torch.zeros_like(weights[:, :1]), weights[:, 1:]], dim=1)
        return Coarse(self.local.blend(x, own) + background * weights[:, :1], masks, depths)


def pointwise(composition: Tensor) -> Tensor:
    """What takes part, (B, R), (B, R, P) or (B, R, h, w), as (B, R, 1) or (B, R, P)."""
    return composition[:, :, None] if composition.dim() == 2 else composition.flatten(2)
