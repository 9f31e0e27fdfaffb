"""Composition on a real picture (Shi et al. 2022, figure 8): a code's foreground on the features of a photo.

Functions return pictures (N, 3, H, W) in [-1, 1].
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from semedit.config import finite
from semedit.editing.generators import semantic
from semedit.editing.model import Model
from semedit.errors import ConfigError, LatentError
from semedit.latents.latent import Latent
from semedit.metrics.placed import placed
from semedit.networks.ops import coordinate_grid


@dataclass(frozen=True)
class Place:
    """Where the foreground goes: shifted by shares of the picture's side, right and down, and zoomed about its centre.

    Fourier features repeat outside the picture that they were learnt on, so there the foreground is left out, below it
    too: 2 down + zoom of at least 1 brings shoulders to the lower edge.
    """

    right: float = 0.0
    down: float = 0.0
    zoom: float = 1.0

    @classmethod
    def parse(cls, text: str) -> "Place":
        """``right,down`` or ``right,down,zoom``. Raises ConfigError for anything else, or a zoom outside 0.1..10."""
        try:
            place = cls(*(finite(float(part), "a part of a place") for part in text.split(",")))
        except (ValueError, TypeError):
            raise ConfigError(f"'{text}': a place is RIGHT,DOWN or RIGHT,DOWN,ZOOM") from None
        if not 0.1 <= place.zoom <= 10 or text.count(",") < 1:
            raise ConfigError(f"'{text}': a place is RIGHT,DOWN or RIGHT,DOWN,ZOOM, the zoom between 0.1 and 10")
        return place

    def coords(self, model: Model) -> Tensor:
        """Sampling coordinates (1, R, 2, h, w): the background's unchanged, the foreground's moved and scaled."""
        generator = semantic(model.generator, "composition")
        size, regions = generator.config.coarse_size, len(generator.regions)
        grid = coordinate_grid(size, size)
        shift = 2 * torch.tensor([self.right, self.down])[:, None, None]
        moved = (grid - shift) / self.zoom
        return torch.stack([grid, *([moved] * (regions - 1))])[None]


def picture_features(
    model: Model,
    picture: Tensor,
    steps: int = 200,
    lr: float = 0.05,
    restraint: float = 0.003,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Tensor, Tensor]:
    """A real picture (1, 3, H, W) as a feature map (1, F, h, w) that the render net turns into it, and that rendering.

    Found with Adam from the mean code's background, on squared and perceptual distance; ``restraint`` keeps the
    features near those that the render net knows, so that a foreground blends with them.
    """
    generator, device = semantic(model.generator, "composition"), model.device
    table, size = generator.regions, generator.config.coarse_size
    mean = generator.latent(generator.mean_w())
    with torch.no_grad():
        x, _ = generator.local(generator.codes(mean), coordinate_grid(size, size, device))
        alone = torch.zeros(1, len(table), size * size, device=device)
        alone[:, 0] = 1
        start = generator.local.blend(x, alone).unflatten(-1, (size, size))
    features = start.clone().requires_grad_()
    coarse = (2 * alone - 1).unflatten(-1, (size, size))
    noise, target = generator.noise_maps("const", 1), picture.to(device)
    perceptual, optimiser = placed(model.domain.perceptual(), device), torch.optim.Adam([features], lr=lr)
    for step in range(steps):
        optimiser.zero_grad()
        image = generator.render(features, coarse, noise)[0]
        loss = F.mse_loss(image, target) + 0.05 * perceptual.distance(image, target).mean()
        loss = loss + restraint * (features - start).square().mean()
        loss.backward()
        optimiser.step()
        if progress:
            progress(step + 1, steps)
    with torch.no_grad():
        return features.detach(), generator.render(features, coarse, noise)[0]


def compose(model: Model, latent: Latent, background: Tensor, places: list[Place]) -> Tensor:
    """The foreground of one code on a background feature map (1, F, h, w), at each of ``places``: (P, 3, H, W).

    Moving and zooming go through the Fourier coordinates, so nothing is resampled.
    """
    if len(latent) != 1:
        raise LatentError(f"one code is composed at a time, not {len(latent)}")
    coords = torch.cat([place.coords(model) for place in places])
    within = (coords.abs() <= 1 + 1e-6).all(2)  # (P, R, h, w)
    stand_in = background.expand(len(places), -1, -1, -1)
    return model.synthesise(latent.repeat(len(places)), coords=coords, composition=within, background=stand_in).image
