"""Training batches as a pure function of (seed, step), so that a resumed run sees what an unbroken one would."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, Self

import torch
from torch import Tensor

from semedit.pictures.tensors import one_hot_masks, to_images


@dataclass(frozen=True)
class Share:
    """Slots ``index``, ``index + of``, ``index + 2 of``, ... of a batch: what one process, or one part of it, takes."""

    index: int = 0
    of: int = 1

    def __call__(self, batch: Tensor) -> Tensor:
        return batch[self.index :: self.of]

    def slots(self, batch: int) -> range:
        return range(self.index, batch, self.of)

    def part(self, number: int, count: int) -> "Share":
        """Part ``number`` of ``count`` of this share, as a share of the whole batch."""
        return Share(self.index + number * self.of, self.of * count)


@dataclass(frozen=True)
class Batch:
    """images (B, 3, H, W) in [-1, 1]; masks (B, R, H, W), one-hot in {-1, +1} (R is 0 where there are no labels)."""

    images: Tensor
    masks: Tensor

    def to(self, device: torch.device) -> Self:
        return type(self)(self.images.to(device, non_blocking=True), self.masks.to(device, non_blocking=True))


class Source(Protocol):
    """An endless stream of batches; ``pictures`` says how many different ones there are (0: without end)."""

    @property
    def pictures(self) -> int: ...

    def stream(self, start: int) -> Iterator[Batch]:
        """This process's share of the batches of steps ``start``, ``start + 1``, ..."""
        ...


@dataclass(frozen=True)
class Pool:
    """Pictures (N, 3, H, W) and labels (N, H, W), both uint8, from which batches are drawn at random."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, size: int, seed: int, regions: int, share: Share = Share()) -> Batch:
        """``share`` of the batch of ``size`` pictures that ``seed`` stands for."""
        chosen = share(torch.randint(len(self), (size,), generator=torch.Generator().manual_seed(seed)))
        return Batch(to_images(self.images[chosen]), one_hot_masks(self.labels[chosen], regions))
