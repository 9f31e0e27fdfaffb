"""What a generator returns."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self, TypeVar

import torch
from torch import Tensor

R = TypeVar("R", bound="Rendering")


@dataclass(frozen=True)
class Rendering:
    """What one call of any generator puts out: image (B, 3, H, W), about [-1, 1]."""

    image: Tensor

    @property
    def labels(self) -> Tensor | None:
        """Label map (B, H, W), int64; None where the generator knows no regions."""
        return None

    @staticmethod
    def cat(parts: Sequence[R]) -> R:
        """One batch of several of one generator."""
        first = parts[0]
        return type(first)(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(first)))

    def __getitem__(self, index: slice) -> Self:
        """Some of the pictures."""
        return type(self)(*(getattr(self, field.name)[index] for field in fields(self)))


@dataclass(frozen=True)
class Segmented(Rendering):
    """A picture with its segmentation (B, R, H, W), unbounded, whose argmax is the label map."""

    segmentation: Tensor

    @property
    def labels(self) -> Tensor:
        """Label map (B, H, W), int64."""
        return self.segmentation.argmax(1)


@dataclass(frozen=True)
class Synthesis(Segmented):
    """What one call of a SemanticStyleGAN generator puts out.

    image (B, 3, H, W), about [-1, 1]; segmentation (B, R, H, W), unbounded, its argmax is the label map;
    coarse_segmentation (B, R, h, w) in [-1, 1]; depths (B, R, h, w), zero for the background.
    """

    coarse_segmentation: Tensor
    depths: Tensor
