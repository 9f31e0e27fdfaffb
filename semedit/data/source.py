"""Training batches as a pure function of (seed, step), so that a resumed run sees what an unbroken one would."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Batch:
    """images (B, 3, H, W) in [-1, 1]; masks (B, R, H, W), one-hot in {-1, +1}."""

    images: Tensor
    masks: Tensor

    def to(self, device: torch.device) -> "Batch":
        return Batch(self.images.to(device), self.masks.to(device))


def one_hot_masks(labels: Tensor, regions: int) -> Tensor:
    """Labels (B, H, W) as masks (B, R, H, W): +1 for the pixel's region, -1 elsewhere."""
    return F.one_hot(labels.long(), regions).permute(0, 3, 1, 2).float().mul_(2).sub_(1)


@dataclass(frozen=True)
class Pool:
    """Pictures (N, 3, H, W) and labels (N, H, W), both uint8, from which batches are drawn at random."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, size: int, seed: int, regions: int) -> Batch:
        """The batch that ``seed`` stands for."""
        chosen = torch.randint(len(self), (size,), generator=torch.Generator().manual_seed(seed))
        images = self.images[chosen].float() / 127.5 - 1
        return Batch(images, one_hot_masks(self.labels[chosen], regions))
