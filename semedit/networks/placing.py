"""How the generator is called for codes whose regions were moved or zoomed."""

import torch
from torch import Tensor

from semedit.latents.latent import Latent
from semedit.latents.placement import Placement, placements
from semedit.networks.ops import coordinate_grid


def placed_options(latent: Latent, size: int, device: torch.device | str) -> dict[str, Tensor]:
    """The generator's options ``coords`` (B, R, 2, h, w) and ``composition`` (B, R, h, w), h = w = ``size``, for codes
    with placements; none where all regions are where their codes put them.

    Fourier features repeat outside the picture that they were learnt on, so a region is left out where it would be read
    there; below, its lowest line goes on, as shoulders do, and the background goes on everywhere.

    Raises LatentError for placements that cannot be read, UnknownName for regions that the code does not have.
    """
    found = [placements(past.metadata) for past in latent.pasts]
    if not any(found):
        return {}
    table, own = latent.regions, Placement().to_json()
    values = torch.tensor([own]).repeat(len(latent), len(table), 1)
    for index, placed in enumerate(found):
        for name, placement in placed.items():
            values[index, table.index(name)] = torch.tensor(placement.to_json())
    values = values.to(device)[..., None, None]
    coords = coordinate_grid(size, size, values.device) * values[:, :, :1] + values[:, :, 1:]
    coords[:, 0] = coords[:, 0].clamp(-1, 1)
    coords[:, :, 1] = coords[:, :, 1].clamp(max=1)
    return {"coords": coords, "composition": (coords.abs() <= 1 + 1e-6).all(2).float()}
