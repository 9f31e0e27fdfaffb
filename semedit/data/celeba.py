"""CelebA as it is downloaded: aligned pictures, forty binary attributes, and which part of the set each belongs to.

``list_attr_celeba.txt`` (a count, the names, then a line of 1 and -1 for each picture), ``list_eval_partition.txt``
(0 train, 1 validation, 2 test), pictures in ``img_align_celeba``. CelebAMask-HQ is made of some of them: its mapping
file says which, so that what a classifier is trained on can leave out what generators are tested on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from semedit.data.celebamask import FIRST_HELD_OUT
from semedit.data.collection import Pair, prepare
from semedit.data.disk import StepSampler
from semedit.data.source import Share
from semedit.errors import ConfigError, ImageError
from semedit.pictures.reading import read_picture
from semedit.pictures.tensors import to_images
from semedit.storage.content import exists, read_text

IMAGES, ATTRIBUTES, PARTITION = "img_align_celeba", "list_attr_celeba.txt", "list_eval_partition.txt"
MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
TRAIN, VALIDATION, TEST = 0, 1, 2
#: The five attributes that the domain of faces calls by names of its own; No_Beard is turned round.
RENAMED = {"Smiling": "smile", "Bald": "bald", "No_Beard": "beard", "Bangs": "bangs", "Eyeglasses": "glasses"}
TURNED = "No_Beard"
#: What a picture's line says of an attribute.
SIGNS = {"1", "-1"}


@dataclass(frozen=True)
class CelebA:
    """Pictures and their attributes: ``files`` (N), ``names`` (A), ``labels`` (N, A) bool."""

    files: tuple[Path, ...]
    names: tuple[str, ...]
    labels: Tensor

    def __len__(self) -> int:
        return len(self.files)


def read_celeba(root: str | Path, part: int, mapping: str | Path | None = None) -> CelebA:
    """The pictures of one part. ``mapping`` is CelebAMask-HQ's file, whose held-out pictures (28,000 on) are left out.

    Raises ConfigError for a file that is missing or of another form.
    """
    root = Path(root)
    lines = _lines(root / ATTRIBUTES)
    if len(lines) < 3 or not lines[0].strip().isdigit():
        raise ConfigError(f"{root / ATTRIBUTES}: a count, the names of the attributes and a line a picture are wanted")
    theirs = lines[1].split()
    parts = {words[0]: words[1] for line in _lines(root / PARTITION) if len(words := line.split()) > 1}
    left_out = held_out(mapping) if mapping else frozenset()
    rows = [line.split() for line in lines[2:] if line.strip()]
    chosen = [row for row in rows if parts.get(row[0]) == str(part) and row[0] not in left_out]
    if not chosen:
        raise ConfigError(f"{root}: no picture of part {part} in {PARTITION}")
    if bad := next((row for row in chosen if len(row) != len(theirs) + 1), None):
        raise ConfigError(f"{root / ATTRIBUTES}: {len(bad) - 1} values for {bad[0]}, of {len(theirs)} attributes")
    if bad := next((row for row in chosen if not SIGNS.issuperset(row[1:])), None):
        raise ConfigError(f"{root / ATTRIBUTES}: attributes of {bad[0]} other than 1 and -1")
    values = np.array([row[1:] for row in chosen]) == "1"
    for index, name in enumerate(theirs):
        if name == TURNED:
            values[:, index] = ~values[:, index]
    names = tuple(RENAMED.get(name, name.lower()) for name in theirs)
    return CelebA(tuple(root / IMAGES / row[0] for row in chosen), names, torch.from_numpy(values))


def held_out(mapping: str | Path) -> frozenset[str]:
    """Names of the CelebA pictures that CelebAMask-HQ holds out, of its mapping file (idx orig_idx orig_file)."""
    found = set()
    for line in _lines(Path(mapping))[1:]:
        words = line.split()
        if len(words) >= 3 and words[0].isdigit() and int(words[0]) >= FIRST_HELD_OUT:
            found.add(words[2])
    if not found:
        raise ConfigError(f"{mapping}: names no held-out picture; the columns idx, orig_idx and orig_file are wanted")
    return frozenset(found)


def _lines(path: Path) -> list[str]:
    if not exists(path):
        raise ConfigError(f"{path}: no such file; CelebA has {ATTRIBUTES}, {PARTITION} and {IMAGES}/")
    return read_text(path, ConfigError).splitlines()


@dataclass(frozen=True)
class AttributeBatch:
    """images (B, 3, S, S) in [-1, 1]; labels (B, A) bool."""

    images: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> Self:
        return type(self)(self.images.to(device, non_blocking=True), self.labels.to(device, non_blocking=True))


class CelebADataset(Dataset[tuple[Tensor, Tensor]]):
    """Items by (index, seed): the central square of a picture, (3, S, S) uint8, mirrored for half of the seeds."""

    def __init__(self, data: CelebA, size: int, *, mirror: bool):
        self.data, self.size, self.mirror = data, size, mirror

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, item: tuple[int, int]) -> tuple[Tensor, Tensor]:
        index, seed = item
        path = self.data.files[index]
        if not path.exists():
            raise ImageError(f"{path}: named in {ATTRIBUTES}, and not there")
        pixels, _ = prepare(Pair(str(path), read_picture(path), None), self.size, None)
        turned = self.mirror and torch.rand((), generator=torch.Generator().manual_seed(seed)) < 0.5
        return pixels.flip(-1) if turned else pixels, self.data.labels[index]


@dataclass(frozen=True)
class CelebASource:
    """Batches of a data set, read as they are needed by ``workers`` processes."""

    dataset: CelebADataset
    batch: int
    seed: int
    share: Share
    workers: int

    def stream(self, start: int) -> Iterator[AttributeBatch]:
        """This process's share of the batches of steps ``start``, ``start + 1``, ..."""
        sampler = StepSampler(len(self.dataset), self.batch, self.seed, self.share, start)
        for pixels, labels in DataLoader(self.dataset, batch_sampler=sampler, num_workers=self.workers):
            yield AttributeBatch(to_images(pixels), labels)
