"""What the generator is asked in each stage, as modules from a batch of lessons to named losses.

An objective is one module, so that a data-parallel wrapper sees everything that is differentiated. Random numbers are
drawn for the global batch and shared out.
"""

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from semedit.data.lessons import Lessons, Teacher
from semedit.data.source import Share
from semedit.networks.generator import SemanticGenerator
from semedit.networks.precision import training_cast
from semedit.networks.style_based import StyleBasedGenerator
from semedit.networks.synthesis import Rendering, Synthesis
from semedit.pictures.tensors import one_hot_masks, to_images
from semedit.training.teaching.config import MappingStage, PairsStage, PointsStage

FLOOR = 1e-6
#: Added to a label's share of the area before it becomes a weight, so that the rarest do not take everything.
RAREST = 2e-3


def wplus(generator: StyleBasedGenerator, lessons: Lessons) -> Tensor:
    """The W+ codes (B, L, D) of lessons; without regions, where rows have another meaning, those of the first z."""
    if not generator.regions:
        return generator.layout.wplus(generator.mapping(lessons.first))
    first, second = generator.mapping(lessons.first), generator.mapping(lessons.second)
    return torch.where(lessons.from_second[..., None], second[:, None], first[:, None])


def label_weights(labels: Tensor, regions: int, balance: float) -> Tensor:
    """Weight (R,) of each label, (share of the area + 0.002)^-balance, 1 in the mean over pixels."""
    area = torch.bincount(labels.flatten().long(), minlength=regions)[:regions].float()
    area = area / area.sum()
    weights = (area + RAREST) ** -balance
    return weights / (weights * area).sum()


def choose_points(labels: Tensor, weight: Tensor, shape: tuple[int, int, int], share: Share) -> Tensor:
    """Flat pixel indices (B, P) of this process's label maps (B, H, W): of each C uniform candidates one, drawn by its
    label's ``weight`` (R,). ``shape`` is that of the global draw, (batch, P, C)."""
    candidates = share(torch.randint(labels[0].numel(), shape, device=labels.device))
    draws = share(torch.rand(shape, device=labels.device))
    found = labels.flatten(1).gather(1, candidates.flatten(1)).view_as(candidates)
    ends = weight[found.long()].cumsum(2)
    chosen = (draws[..., :1] * ends[..., -1:] > ends).sum(2, keepdim=True).clamp(max=shape[2] - 1)
    return candidates.gather(2, chosen)[..., 0]


def code_targets(teacher: Teacher, codes: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (K,) of the targets of codes (N, D)."""
    targets = teacher.targets(codes)
    return targets.mean(0), targets.std(0) + 1e-6


class Objective(Protocol):
    """lessons -> losses, unweighted, and the weight of each."""

    weights: Mapping[str, float]

    def __call__(self, lessons: Lessons) -> dict[str, Tensor]: ...


class MappingObjective(nn.Module):
    """Mean squared error of a linear reading of w, in units of each target's standard deviation, and mean w^2."""

    def __init__(self, config: MappingStage, generator: StyleBasedGenerator, head: nn.Linear, teacher: Teacher,
                 moments: tuple[Tensor, Tensor], share: Share):  # fmt: skip
        super().__init__()
        self.mapping, self.head, self.teacher, self.share = generator.mapping, head, teacher, share
        self.batch, self.width = config.batch, generator.config.style_dim
        self.mean, self.std = moments
        self.weights = {"reading": 1.0, "norm": config.shrink}

    def forward(self, _: Lessons) -> dict[str, Tensor]:
        codes = self.share(torch.randn(self.batch, self.width, device=self.mean.device))
        w = self.mapping(codes)
        targets = (self.teacher.targets(codes) - self.mean) / self.std
        return {"reading": (self.head(w) - targets).square().mean(), "norm": w.square().mean()}


class PointReader(nn.Module):
    """Colours (B, P, 3) and masks (B, R, P) of local generators at points (B, P, 2) in pixels (x, y) of a picture."""

    def __init__(self, generator: SemanticGenerator, head: nn.Module, precision: str):
        super().__init__()
        self.generator, self.head, self.precision = generator, head, precision

    def coordinates(self, points: Tensor) -> Tensor:
        """Where pixel centres lie on the coarse grid, whose corners' centres are -1 and 1."""
        size, coarse = self.generator.config.size, self.generator.config.coarse_size
        return ((points.float() + 0.5) * (coarse / size) - 0.5) * (2 / (coarse - 1)) - 1

    def forward(self, codes: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        generator = self.generator
        places = self.coordinates(points).transpose(1, 2)[:, None, :, None]  # (B, 1, 2, 1, P)
        with training_cast(self.precision, codes.device.type):
            coarse = generator.coarse(generator.layout.expand(codes), places)
        return self.head(coarse.features.float().transpose(1, 2)), coarse.masks


class PointsObjective(nn.Module):
    """L1 of colours and negative log-likelihood of labels at points drawn by the weight of their label."""

    label_weight: Tensor
    opaque: Tensor

    def __init__(self, config: PointsStage, reader: PointReader, label_weight: Tensor, share: Share):
        super().__init__()
        self.config, self.reader, self.share = config, reader, share
        self.register_buffer("label_weight", label_weight, persistent=False)
        transparent = list(reader.generator.config.transparent)
        opaque = torch.ones(len(label_weight))
        opaque[transparent] = 0
        self.register_buffer("opaque", opaque, persistent=False)
        self.weights = {"colour": 1.0, "labels": config.label_weight}

    def choose(self, labels: Tensor) -> Tensor:
        """Flat pixel indices (B, P) of label maps (B, H, W): of each few candidates one, by its label's weight."""
        config = self.config
        return choose_points(labels, self.label_weight, (config.batch, config.points, config.candidates), self.share)

    def forward(self, lessons: Lessons) -> dict[str, Tensor]:
        codes = wplus(self.reader.generator, lessons)
        return self.at(lessons, codes, self.choose(lessons.labels))

    def at(self, lessons: Lessons, codes: Tensor, chosen: Tensor) -> dict[str, Tensor]:
        """The losses at flat pixel indices (B, P)."""
        width = lessons.labels.shape[-1]
        colours, masks = self.reader(codes, torch.stack([chosen % width, chosen // width], dim=2))
        true = to_images(lessons.images.flatten(2).gather(2, chosen[:, None].expand(-1, 3, -1))).transpose(1, 2)
        labels, opaque = (x.flatten(1).gather(1, chosen).long() for x in (lessons.labels, lessons.opaque))
        likelihood = F.nll_loss(masks.clamp(min=FLOOR).log(), labels)
        solid = masks * self.opaque[:, None]
        solid = solid / (solid.sum(1, keepdim=True) + 1e-8)
        beneath = F.nll_loss(solid.clamp(min=FLOOR).log(), opaque, reduction="none") * (opaque != labels)
        return {"colour": (colours - true).abs().mean(), "labels": likelihood + beneath.mean()}


class PerceptualDistance(Protocol):
    def distance(self, a: Tensor, b: Tensor) -> Tensor: ...


def tiled(images: Tensor, side: int) -> Tensor:
    """The ``side`` x ``side`` tiles of pictures (B, C, H, W), as pictures (B side^2, C, H / side, W / side)."""
    return torch.cat([tile for band in images.chunk(side, 2) for tile in band.chunk(side, 3)])


class PairLosses(nn.Module):
    """A picture against its lesson: balanced L1, perceptual distance; where it has them, refined and coarse masks.

    The network behind the perceptual distance computes in ``precision``, as the one that is taught does.
    """

    label_weight: Tensor

    def __init__(
        self, config: PairsStage, perceptual: PerceptualDistance, label_weight: Tensor, precision: str = "fp32"
    ):
        super().__init__()
        self.perceptual, self.precision, self.tiles = perceptual, precision, config.perceptual_tiles
        self.register_buffer("label_weight", label_weight, persistent=False)
        self.weights = {
            "colour": 1.0, "perceptual": config.perceptual_weight, "masks": config.mask_weight,
            "coarse": config.coarse_weight,
        }  # fmt: skip

    def forward(self, out: Rendering, lessons: Lessons) -> dict[str, Tensor]:
        true, image = to_images(lessons.images), out.image.float()
        weight = self.label_weight[lessons.labels.long()][:, None]
        with training_cast(self.precision, image.device.type):
            distance = self.perceptual.distance(image, true).mean()
            if self.tiles > 1:
                parts = self.perceptual.distance(tiled(image, self.tiles), tiled(true, self.tiles)).mean()
                distance = (distance + parts) / 2
        seen = {"colour": ((image - true).abs() * weight).mean(), "perceptual": distance}
        return seen | self.of_masks(out, lessons) if isinstance(out, Synthesis) else seen

    def of_masks(self, out: Synthesis, lessons: Lessons) -> dict[str, Tensor]:
        """The losses of refined and coarse masks."""
        masks = one_hot_masks(lessons.labels, len(self.label_weight))
        size = out.coarse_segmentation.shape[-1]
        coarse = ((out.coarse_segmentation.float() + 1) / 2).clamp(min=1e-4).log()
        shares = F.adaptive_avg_pool2d((masks + 1) / 2, size)
        return {
            "masks": (out.segmentation.float() - masks).square().mean(),
            "coarse": -(shares * coarse).sum(1).mean(),
        }


class PairsObjective(nn.Module):
    """Whole pictures of lessons' codes, with fresh noise, and their PairLosses."""

    def __init__(self, config: PairsStage, generator: StyleBasedGenerator, losses: PairLosses, precision: str,
                 share: Share):  # fmt: skip
        super().__init__()
        self.config, self.generator, self.losses = config, generator, losses
        self.precision, self.share, self.weights = precision, share, losses.weights

    def forward(self, lessons: Lessons) -> dict[str, Tensor]:
        noise = [self.share(n) for n in self.generator.noise_maps("random", self.config.batch)]
        with training_cast(self.precision, lessons.images.device.type):
            out = self.generator(wplus(self.generator, lessons), noise=noise)
        losses: dict[str, Tensor] = self.losses(out, lessons)
        return losses
