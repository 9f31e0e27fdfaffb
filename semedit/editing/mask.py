"""Where edits have changed a picture: the masks of their regions, as weights for pasting and for inpainting tools."""

import torch
from torch import Tensor

from semedit.latents.latent import Latent
from semedit.networks.synthesis import Synthesis
from semedit.pictures.change import soft_mask


def edited_regions(latent: Latent) -> tuple[int, ...] | None:
    """Label indices of all regions that the edits of one code are about; None if they are about the whole picture.

    Base rows are shared by all regions, so an edit of theirs may show anywhere; so may one that names no regions.
    """
    table, found = latent.regions, set[int]()
    for event in latent.history:
        selection = table.select(str(event.get("regions") or "all"))
        if selection.base:
            return None
        found |= set(selection.regions)
    return tuple(sorted(found))


def change_mask(before: Synthesis, after: Synthesis, latent: Latent) -> Tensor:
    """Weights (B, H, W) in [0, 1] of where the edits of ``latent`` show: its edited regions in the label maps before
    and after, grown, with a soft edge."""
    regions = edited_regions(latent)
    if regions is None:
        return torch.ones_like(before.image[:, 0])
    chosen = torch.tensor(regions, device=before.labels.device)
    inside = torch.isin(before.labels, chosen) | torch.isin(after.labels, chosen)
    return torch.stack([soft_mask(one) for one in inside])
