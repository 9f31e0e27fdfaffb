"""Batches of lessons, for a run."""

from collections.abc import Iterator

import torch

from semedit.data.lessons import Lessons
from semedit.data.source import Share
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
