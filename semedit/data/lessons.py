"""Lessons: pictures that come with the codes a generator should have for them.

A code's W+ rows may come from two draws of z (style mixing). Everything is kept as small as it was made: pictures and
labels as bytes, codes as z.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol, Self

import torch
from torch import Tensor

from semedit.data.chunks import chunk_seed
from semedit.errors import ConfigError
from semedit.storage.content import reading
from semedit.storage.tensors import read_tensors, write_tensors


@dataclass(frozen=True)
class Lessons:
    """B pictures and their codes.

    images (B, 3, H, W) and labels (B, H, W), uint8; opaque (B, H, W), uint8, the labels of what transparent regions
    hide; first and second z (B, D); from_second (B, L), bool, the W+ rows that come from the second.
    """

    images: Tensor
    labels: Tensor
    opaque: Tensor
    first: Tensor
    second: Tensor
    from_second: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def select(self, index: Tensor | slice) -> "Lessons":
        return Lessons(*(getattr(self, field.name)[index] for field in fields(self)))

    def to(self, device: torch.device) -> Self:
        return type(self)(*(getattr(self, field.name).to(device, non_blocking=True) for field in fields(self)))

    def room(self, count: int) -> "Lessons":
        """Place, not filled, for ``count`` lessons of this kind."""
        own = (getattr(self, field.name) for field in fields(self))
        return Lessons(*(one.new_empty(count, *one.shape[1:]) for one in own))

    def put(self, part: "Lessons", start: int) -> None:
        """Replace the lessons from ``start`` on by those of ``part``, in place."""
        for field in fields(self):
            getattr(self, field.name)[start : start + len(part)] = getattr(part, field.name)


class Teacher(Protocol):
    """Someone who knows which picture a code should have."""

    @property
    def key(self) -> str:
        """What the lessons depend on besides their number and seed."""
        ...

    def lessons(self, count: int, seed: int, held_out: bool = False) -> Lessons:
        """``count`` lessons, the same for the same seed; those ``held_out`` are never among the others."""
        ...

    def targets(self, codes: Tensor) -> Tensor:
        """What w should tell of z (B, D), as numbers (B, K)."""
        ...


CHUNK = 256


def mixed_rows(count: int, regions: int, base_rows: int, share: float, draws: torch.Generator) -> Tensor:
    """Which W+ rows (B, L) come from a second code: in a ``share`` of the samples, region by region, both rows, the
    texture row alone, or none. Base rows never do."""
    choice = torch.randint(3, (count, regions), generator=draws)
    rows = torch.stack([choice == 2, choice >= 1], dim=2).flatten(1)
    rows = torch.cat([rows.new_zeros(count, base_rows), rows], dim=1)
    return rows & (torch.rand(count, 1, generator=draws) < share)


def make_lessons(teacher: Teacher, count: int, seed: int, held_out: bool = False,
                 progress: Callable[[int, int], None] | None = None) -> Lessons:  # fmt: skip
    """``count`` lessons in chunks; chunk k has the seed ``chunk_seed(seed, k)``.

    Each goes straight to its place, so that no more memory is taken than the lessons have bytes, 82 kB each at 128 px.
    Raises ConfigError for none.
    """
    if count < 1:
        raise ConfigError("no lessons were asked for; one at least is needed")
    for k, start in enumerate(range(0, count, CHUNK)):
        part = teacher.lessons(min(CHUNK, count - start), chunk_seed(seed, k), held_out)
        if k == 0:
            whole = part.room(count)
        whole.put(part, start)
        if progress:
            progress(min(start + CHUNK, count), count)
    return whole


def save_lessons(path: Path, lessons: Lessons, key: str) -> None:
    write_tensors(path, {"key": key}, {field.name: getattr(lessons, field.name) for field in fields(lessons)})


def load_lessons(path: Path) -> Lessons:
    tensors = read_tensors(path, "lessons").tensors
    with reading(path):
        return Lessons(*(tensors[field.name] for field in fields(Lessons)))
