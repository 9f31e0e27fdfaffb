"""The plainest formulations behind the face of ours: what inverts, refines and draws takes them as it takes ours."""

from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.speed import textbook
from semedit.domains.portraits.drawing.head import Pose, rectangle
from semedit.domains.portraits.drawing.renderer import PARTS, backdrop
from semedit.domains.portraits.drawing.sheet import Grid, Sheet
from semedit.domains.portraits.factors import Factors
from semedit.latents.latent import Latent
from semedit.networks.generator import SemanticGenerator
from semedit.networks.style_based import Noise
from semedit.networks.synthesis import Synthesis


class TextbookGenerator(SemanticGenerator):
    """The weights of ``generator``, synthesised by the textbook formulation."""

    def __init__(self, generator: SemanticGenerator):
        super().__init__(generator.config, generator.regions)
        self.load_state_dict(generator.state_dict())
        self.eval().requires_grad_(False)

    def forward(self, latent: Latent | Tensor, *, noise: Noise = "const", **options: object) -> Synthesis:
        """The picture of a code whose regions were not moved."""
        if options:
            raise ValueError(f"the textbook formulation knows no {', '.join(options)}")
        data = latent.data if isinstance(latent, Latent) else latent
        return textbook.synthesise(self, data, self.noise_maps(noise, len(data)))


def whole(pose: Pose) -> Tensor:
    """The whole canvas as every part's rectangle (B, 4)."""
    side = torch.ones_like(pose["x"])
    return rectangle(-side, -side, side, side)


@torch.no_grad()
def paint(factors: Factors, size: int) -> Tensor:
    """Portraits (B, 3, size, size) in [-1, 1] whose parts are each drawn at every pixel, all pictures at once."""
    sheet = Sheet(factors, Grid(size, factors["yaw"].device), cel=False)
    sheet.fill(backdrop)
    for part in PARTS:
        sheet.add(replace(part, box=whole))
    return sheet.planes[:3].unflatten(1, (len(factors), size, size)).transpose(0, 1) * 2 - 1
