"""Feature blending: activations of a reference are pasted into those of a target, within a mask.

Reference: Suzuki et al., "Spatially Controllable Image Synthesis with Internal Representation Collaging", 2018,
https://arxiv.org/abs/1811.10153, as Editing in Style (Collins et al. 2020, figure 5) compares with it: in all layers up
to a size. The picture of a StyleGAN2 grows beside its activations, and is blended with them.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from baselines.stylegan2 import StyleCode, StyleGAN2Generator, StyleGAN2Synthesis
from semedit.errors import ConfigError, ImageError
from semedit.latents.latent import Latent
from semedit.networks.style_based import Noise

Stage = tuple[Tensor, Tensor | None]


def blend_features(
    generator: StyleGAN2Generator,
    target: Latent | Tensor | StyleCode,
    reference: Latent | Tensor | StyleCode,
    mask: Tensor,
    size: int = 32,
    *,
    noise: Noise = "const",
) -> StyleGAN2Synthesis:
    """The target's pictures with the reference's activations inside ``mask``, in all layers of up to ``size`` px.

    mask (1 or B, 1, H, W) in [0, 1], 1 where the reference's are taken; it is averaged down to each layer. The paper's
    sizes are 32 and 64. Raises ConfigError for a size that the generator has no layer of, ImageError for a mask of
    another shape, LatentError for codes that do not fit.
    """
    if size not in generator.config.resolutions:
        sizes = ", ".join(str(resolution) for resolution in generator.config.resolutions)
        raise ConfigError(f"no layer of this generator has {size} px (choose from: {sizes})")
    code, other = generator.styles(target), generator.styles(reference)
    if mask.dim() != 4 or mask.shape[1] != 1 or len(mask) not in (1, len(code)):
        raise ImageError(f"a mask of shape {tuple(mask.shape)}; (1 or {len(code)}, 1, H, W) is wanted")
    maps, stages = generator.noise_maps(noise, len(code)), list[Stage]()
    weights = {s: F.interpolate(mask, size=(s, s), mode="area") for s in generator.config.resolutions if s <= size}

    def record(_: int, x: Tensor, skip: Tensor | None) -> Stage:
        stages.append((x, skip))
        return x, skip

    def paste(index: int, x: Tensor, skip: Tensor | None) -> Stage:
        x_other, skip_other = stages[index]
        if skip is not None and skip_other is not None:
            skip = inside(skip, skip_other)
        return inside(x, x_other), skip

    def inside(own: Tensor, theirs: Tensor) -> Tensor:
        if own.shape[-1] not in weights:
            return own
        return torch.lerp(own, theirs.expand_as(own), weights[own.shape[-1]].to(own).expand_as(own))

    _, shown = generator.run(other, maps, record)
    _, image = generator.run(code, maps, paste)
    return StyleGAN2Synthesis(inside(image, shown))
