"""How far apart two codes are, seen at points: what an encoder can be taught with before it sees pictures.

Local generators are functions of a point. At a few hundred points, and without the render net, they tell the place of
every region and, through a linear reading of their features, its colours: most of a picture's error for a third of
the time.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from semedit.errors import ConfigError
from semedit.networks.generator import SemanticGenerator
from semedit.networks.style_based import StyleBasedGenerator
from semedit.training.teaching.objectives import PointReader

#: Samples of the generator, and points of each, by which colours are read from features.
READ_SAMPLES, READ_POINTS = 96, 512
#: Share of the features' mean variance that is added to each when the reading is solved for.
RIDGE = 1e-3


class PointsDistance(nn.Module):
    """Mean squared distance of colours, and of masks, that a generator has for two codes at the same points.

    The reading of colours is the linear least-squares one of the generator's own samples. Raises ConfigError for a
    generator without regions.
    """

    def __init__(self, generator: StyleBasedGenerator, precision: str = "fp32"):
        super().__init__()
        if not isinstance(generator, SemanticGenerator):
            raise ConfigError(f"a {generator.KIND} has no local generators to look at points; set point_weight=0")
        self.reader = PointReader(generator, fitted_head(generator, precision), precision)

    def forward(self, codes: Tensor, others: Tensor, points: Tensor) -> Tensor:
        """(B,) of W+ codes (B, L, D) at points (B, P, 2) in pixels (x, y); ``others`` get no gradient.

        The squared difference of colours in [-1, 1], in the mean over channels, and of masks in [0, 1], summed over
        regions.
        """
        with torch.no_grad():
            true_colours, true_masks = self.reader(others, points)
        colours, masks = self.reader(codes, points)
        seen = (colours - true_colours).square().mean((1, 2))
        return seen + (masks - true_masks).square().sum(1).mean(1)


@torch.no_grad()
def fitted_head(generator: SemanticGenerator, precision: str) -> nn.Linear:
    """The linear reading (F -> 3) of blended features that is nearest to the generator's pictures of its samples."""
    draws = torch.Generator().manual_seed(0)
    z = torch.randn(READ_SAMPLES, generator.config.style_dim, generator=draws).to(generator.device)
    points = (torch.rand(READ_SAMPLES, READ_POINTS, 2, generator=draws) * generator.config.size).to(generator.device)
    whole, width = nn.Identity(), generator.config.coarse_channels
    features, colours = [], []
    for some, places in zip(z.split(8), points.split(8), strict=True):
        codes = generator.layout.wplus(generator.mapping(some))
        image = generator(codes).image.float()
        found, _ = PointReader(generator, whole, precision)(codes, places - 0.5)
        features.append(found.flatten(0, 1))
        grid = (places / generator.config.size * 2 - 1)[:, None]
        colours.append(F.grid_sample(image, grid, align_corners=False)[:, :, 0].transpose(1, 2).flatten(0, 1))
    x, y = torch.cat(features).double(), torch.cat(colours).double()
    mean, shift = x.mean(0), y.mean(0)
    x, y = x - mean, y - shift
    square = x.T @ x
    ridge = RIDGE * square.diagonal().mean() * torch.eye(width, dtype=x.dtype, device=x.device)
    weight = torch.linalg.solve(square + ridge, x.T @ y).T
    head = nn.Linear(width, 3).to(generator.device)
    head.weight.copy_(weight)
    head.bias.copy_(shift - weight @ mean)
    return head.requires_grad_(False)
