"""Feature blending in a SemanticStyleGAN: a reference's fused features and render activations, within a mask."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from semedit.errors import ConfigError, ImageError
from semedit.latents.latent import Latent
from semedit.networks.generator import Noise, SemanticGenerator
from semedit.networks.ops import coordinate_grid
from semedit.networks.synthesis import Synthesis


def blend_semantic_features(
    generator: SemanticGenerator,
    target: Latent | Tensor,
    reference: Latent | Tensor,
    mask: Tensor,
    size: int | None = None,
    *,
    noise: Noise = "const",
) -> Synthesis:
    """The target's pictures with the reference's activations inside ``mask``, in all layers of up to ``size`` px.

    The layers are the fused features (of ``coarse_size`` px, pooled in front of the render net), what each render block
    puts out, and the pictures that grow beside them; the default size is that of the fused features. The coarse
    segmentation follows the mask at any size. mask (1 or B, 1, H, W) in [0, 1]; one reference serves all targets.
    Raises ConfigError for a size that the generator has no layer of, ImageError for a mask of another shape.
    """
    config = generator.config
    size = config.coarse_size if size is None else size
    sizes = (config.min_feature_size, *config.block_sizes)
    if size not in sizes:
        raise ConfigError(f"no layer of this generator has {size} px (choose from: {', '.join(map(str, sizes))})")
    own, other = fused(generator, target), fused(generator, reference)
    count = len(own.features)
    if mask.dim() != 4 or mask.shape[1] != 1 or len(mask) not in (1, count):
        raise ImageError(f"a mask of shape {tuple(mask.shape)}; (1 or {count}, 1, H, W) is wanted")

    def inside(here: Tensor, there: Tensor, always: bool = False) -> Tensor:
        side = here.shape[-1]
        if side > size and not always:
            return here
        weight = F.adaptive_avg_pool2d(mask.to(here), side) if mask.shape[-1] >= side else F.interpolate(mask, side)
        return torch.lerp(here, there.expand_as(here), weight.to(here).expand_as(here))

    stages = list[tuple[Tensor, Tensor | None]]()

    def record(_: int, x: Tensor, skip: Tensor | None) -> tuple[Tensor, Tensor | None]:
        stages.append((x, skip))
        return x, skip

    def paste(index: int, x: Tensor, skip: Tensor | None) -> tuple[Tensor, Tensor | None]:
        x_other, skip_other = stages[index]
        if skip is not None and skip_other is not None:
            skip = inside(skip, skip_other)
        return inside(x, x_other), skip

    maps = generator.noise_maps(noise, count)
    shown, parsed = generator.render(other.features, other.coarse, maps[: len(maps)], record)
    features, coarse = inside(own.features, other.features), inside(own.coarse, other.coarse, always=True)
    image, segmentation = generator.render(features, coarse, maps, paste)
    return Synthesis(inside(image, shown), inside(segmentation, parsed), coarse, own.depths)


@dataclass(frozen=True)
class Fused:
    """What the render net is given of codes: features (B, F, h, w), coarse segmentation (B, R, h, w); and depths."""

    features: Tensor
    coarse: Tensor
    depths: Tensor


def fused(generator: SemanticGenerator, latent: Latent | Tensor) -> Fused:
    """The fused features of codes."""
    codes, size = generator.codes(latent), (generator.config.coarse_size, generator.config.coarse_size)
    placed = generator.placing(latent, codes.device) if isinstance(latent, Latent) else {}
    x, depths = generator.local(codes, placed.get("coords", coordinate_grid(*size, codes.device)))
    masks, weights = generator.composite(depths, placed.get("composition"))
    features = generator.local.blend(x, weights).unflatten(-1, size)
    return Fused(features, (2.0 * masks - 1.0).unflatten(-1, size), depths.unflatten(-1, size))
