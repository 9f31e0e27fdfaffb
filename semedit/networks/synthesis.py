"""What a generator returns."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True)
class Synthesis:
    """What one call of a generator puts out.

    image (B, 3, H, W), about [-1, 1]; segmentation (B, R, H, W), unbounded, its argmax is the label map;
    coarse_segmentation (B, R, h, w) in [-1, 1]; depths (B, R, h, w), zero for the background.
    """

    image: Tensor
    segmentation: Tensor
    coarse_segmentation: Tensor
    depths: Tensor

    @property
    def labels(self) -> Tensor:
        """Label map (B, H, W), int64."""
        return self.segmentation.argmax(1)

    @classmethod
    def cat(cls, parts: "list[Synthesis]") -> "Synthesis":
        """One batch of several."""
        return cls(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    def __getitem__(self, index: slice) -> "Synthesis":
        """Some of the pictures."""
        return Synthesis(*(getattr(self, field.name)[index] for field in fields(self)))
