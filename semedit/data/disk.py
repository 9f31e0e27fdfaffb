"""From files to training batches: torch's DataLoader over a collection, with joint augmentation of both parts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from semedit.data.collection import Collection, prepare
from semedit.data.label_map import LabelMap
from semedit.data.source import Batch, Share
from semedit.latents.regions import RegionTable
from semedit.pictures.tensors import one_hot_masks, to_images


@dataclass(frozen=True)
class JointAugment:
    """Random mirror, shift, scale and rotation of a picture together with its labels.

    ``mirror``: half of the pictures, with left and right regions exchanged. ``shift`` and ``scale``
    are shares, ``rotate`` in degrees, each way; half of the pictures get the three. Uncovered pixels become black and
    region 0.
    """

    mirror: bool = False
    shift: float = 0.0
    scale: float = 0.0
    rotate: float = 0.0

    def __call__(
        self, pixels: Tensor, labels: Tensor, table: RegionTable | None, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """pixels (3, S, S) and labels (S, S) or empty, uint8."""
        draws = torch.rand(6, generator=generator).tolist()
        if self.mirror and draws[0] < 0.5:
            pixels, labels = pixels.flip(-1), mirrored(labels, table)
        if (self.shift or self.scale or self.rotate) and draws[1] < 0.5:
            # Loading torchvision takes longer than all the rest that the commands load: it waits until it is used.
            from torchvision.transforms.v2 import InterpolationMode
            from torchvision.transforms.v2 import functional as transforms

            side = pixels.shape[-1]
            x, y, scale, angle = (2 * draw - 1 for draw in draws[2:])
            move = [round(self.shift * side * x), round(self.shift * side * y)]

            def affine(picture: Tensor, how: Any) -> Tensor:
                return transforms.affine(
                    picture, angle=self.rotate * angle, translate=move, scale=1 + self.scale * scale, shear=[0.0],
                    interpolation=how,
                )  # fmt: skip

            pixels = affine(pixels, InterpolationMode.BILINEAR)
            labels = affine(labels[None], InterpolationMode.NEAREST)[0] if labels.numel() else labels
        return pixels, labels


def mirrored(labels: Tensor, table: RegionTable | None) -> Tensor:
    """Labels (..., H, W) mirrored left to right, with the table's left and right regions exchanged."""
    if not labels.numel() or table is None:
        return labels
    exchange = torch.arange(256, dtype=torch.uint8)
    for left, right in table.flip_pairs:
        a, b = table.index(left), table.index(right)
        exchange[a], exchange[b] = b, a
    return exchange[labels.flip(-1).long()]


class CollectionDataset(Dataset[tuple[Tensor, Tensor]]):
    """Items by (index, seed): the seed decides the augmentation."""

    def __init__(self, collection: Collection, size: int, labels: LabelMap | None, augment: JointAugment):
        self.collection, self.size, self.labels, self.augment = collection, size, labels, augment

    def __len__(self) -> int:
        return len(self.collection)

    def __getitem__(self, item: tuple[int, int]) -> tuple[Tensor, Tensor]:
        index, seed = item
        pixels, labels = prepare(self.collection.read(index), self.size, self.labels)
        table = self.labels.table if self.labels else None
        return self.augment(pixels, labels, table, torch.Generator().manual_seed(seed))


class StepSampler(Sampler[list[tuple[int, int]]]):
    """Indices of the batches from step ``start`` on, without end; each epoch has a shuffle of its own.

    Sample n of a run is item n mod N of epoch n div N, whatever the number of processes, so a run resumes anywhere on
    any number of them.
    """

    def __init__(self, items: int, batch: int, seed: int, share: Share, start: int):
        self.items, self.batch, self.seed, self.share, self.start = items, batch, seed, share, start

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        step, epoch, order = self.start, -1, torch.empty(0)
        while True:
            chosen = []
            for slot in self.share.slots(self.batch):
                number = step * self.batch + slot
                if number // self.items != epoch:
                    epoch = number // self.items
                    order = torch.randperm(
                        self.items, generator=torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
                    )
                chosen.append((int(order[number % self.items]), self.seed * 2_000_003 + number))
            yield chosen
            step += 1


class DiskSource:
    """Batches of a collection, decoded by ``workers`` processes."""

    def __init__(self, dataset: CollectionDataset, *, batch: int, seed: int, regions: int, share: Share, workers: int):
        self.dataset, self.batch, self.seed = dataset, batch, seed
        self.regions, self.share, self.workers = regions, share, workers

    @property
    def pictures(self) -> int:
        return len(self.dataset)

    def stream(self, start: int) -> Iterator[Batch]:
        sampler = StepSampler(len(self.dataset), self.batch, self.seed, self.share, start)
        loader = DataLoader(self.dataset, batch_sampler=sampler, num_workers=self.workers)
        for pixels, labels in loader:
            masks = one_hot_masks(labels, self.regions) if labels.numel() else torch.empty(len(pixels), 0)
            yield Batch(to_images(pixels), masks)
