"""Batches of lessons, for a run."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch

from semedit.data.lessons import Lessons
from semedit.data.source import Batch, Share
from semedit.pictures.tensors import one_hot_masks, to_images
from semedit.training.engine.state import step_seed


class LessonSource:
    """Batches drawn at random from lessons in memory; step i's are a function of (seed, i)."""

    def __init__(self, lessons: Lessons, batch: int, seed: int, share: Share):
        self.lessons, self.batch, self.seed, self.share = lessons, batch, seed, share

    @property
    def pictures(self) -> int:
        return len(self.lessons)

    def stream(self, start: int) -> Iterator[Lessons]:
        step = start
        while True:
            generator = torch.Generator().manual_seed(step_seed(self.seed, step))
            yield self.lessons.select(self.share(torch.randint(len(self.lessons), (self.batch,), generator=generator)))
            step += 1


@dataclass(frozen=True)
class TaughtBatch(Batch):
    """Pictures and masks as other trainers see them, and the lessons that they are of."""

    lessons: Lessons

    def to(self, device: torch.device) -> Self:
        return type(self)(self.images.to(device), self.masks.to(device), self.lessons.to(device))


class TaughtSource:
    """A lesson source's batches as those of pictures."""

    def __init__(self, source: LessonSource, regions: int):
        self.source, self.regions = source, regions

    @property
    def pictures(self) -> int:
        return self.source.pictures

    def stream(self, start: int) -> Iterator[TaughtBatch]:
        for lessons in self.source.stream(start):
            masks = one_hot_masks(lessons.labels, self.regions)
            yield TaughtBatch(to_images(lessons.images), masks, lessons)
