"""Which share of a change lies inside a region, whatever the generator: by its own label maps, or as parsed."""

import torch
from torch import Tensor

from baselines.blending import region_masks
from semedit.editing.model import Model
from semedit.errors import MissingWeights
from semedit.networks.synthesis import Rendering, Segmented
from semedit.pictures.tensors import quantise

#: Px by which masks are grown.
DILATED = 2


def share_inside(model: Model, place: str, old: Rendering, new: Rendering) -> Tensor:
    """Share (B,) of the absolute change of 8-bit pixels inside the regions that ``place`` names, where they lie in
    either picture; 1 where nothing changed, NaN where neither the generator nor the domain tells regions.

    Raises UnknownName for a region that the domain does not have.
    """
    own = model.generator.regions
    regions = (own if own.names else model.domain.regions).select(place).regions
    try:
        inside = torch.maximum(*(region_masks(model, shown, regions) for shown in (old, new)))
    except MissingWeights:
        return torch.full((len(old.image),), float("nan"))
    inside = torch.nn.functional.max_pool2d(inside, 2 * DILATED + 1, stride=1, padding=DILATED)
    change = (quantise(old.image) - quantise(new.image)).abs().sum(1, keepdim=True)
    total = change.flatten(1).sum(1)
    return torch.where(total > 0, (change * inside).flatten(1).sum(1) / total.clamp(min=1e-12), torch.ones_like(total))


def share_protocol(place: str, shown: Rendering) -> str:
    """What such a share is called."""
    masks = "own" if isinstance(shown, Segmented) else "parsed"
    return f"inside-share({place} by {masks} masks, old or new, dilated {DILATED} px, 8 bit)@{shown.image.shape[-1]}"
