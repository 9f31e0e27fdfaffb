"""Where edits have changed a picture: the masks of their regions, as weights for pasting and for inpainting tools."""

import torch
from torch import Tensor

from semedit.latents.latent import Latent
from semedit.latents.regions import RegionTable
from semedit.networks.synthesis import Rendering
from semedit.pictures.change import soft_mask


def edited_regions(latent: Latent, table: RegionTable) -> tuple[int, ...] | None:
    """Label indices in ``table`` of all regions that the edits of one code are about; None if they are about the whole
    picture.

    Base rows are shared by all regions, so an edit of theirs may show anywhere; so may one that names no regions.
    """
    found = set[int]()
    for event in latent.history:
        selection = table.select(str(event.get("regions") or "all"))
        if selection.base:
            return None
        found |= set(selection.regions)
    return tuple(sorted(found))


def change_mask(before: Rendering, after: Rendering, latent: Latent, table: RegionTable) -> Tensor:
    """Weights (B, H, W) in [0, 1] of where the edits of ``latent`` show: its edited regions in the label maps before
    and after, grown, with a soft edge. ``table`` says what the label maps mean; pictures without any may have changed
    everywhere."""
    old, new = before.labels, after.labels
    regions = None if old is None or new is None else edited_regions(latent, table)
    if old is None or new is None or regions is None:
        return torch.ones_like(before.image[:, 0])
    chosen = torch.tensor(regions, device=old.device)
    inside = torch.isin(old, chosen) | torch.isin(new, chosen)
    return torch.stack([soft_mask(one) for one in inside])
