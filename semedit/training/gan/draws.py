"""The random numbers of one iteration, and how a batch is shared out in parts."""

from dataclasses import dataclass

import torch
from torch import Tensor

from semedit.data.source import Share


@dataclass(frozen=True)
class CodeDraw:
    """The random numbers of one use of the generator: z (B, D), noise maps, and for mixed styles a second z and the
    W+ rows (B, L) that come from it."""

    z: Tensor
    noise: list[Tensor]
    second: Tensor | None = None
    from_second: Tensor | None = None

    def take(self, share: Share) -> "CodeDraw":
        second, rows = self.second, self.from_second
        return CodeDraw(
            share(self.z),
            [share(noise) for noise in self.noise],
            None if second is None else share(second),
            None if rows is None else share(rows),
        )


def draw_mixing(batch: int, regions: int, base_rows: int, device: torch.device) -> Tensor:
    """Style mixing: which W+ rows (B, L) come from the second code.

    Base rows never do. For each sample and region one of three is drawn: both rows from the first code, shape from the
    first and texture from the second, or both from the second.
    """
    choice = torch.randint(3, (batch, regions), device=device)
    rows = torch.stack([choice == 2, choice >= 1], dim=2).flatten(1)  # (B, 2R): shape, texture, ...
    return torch.cat([rows.new_zeros(batch, base_rows), rows], dim=1)


def draw_crossover(batch: int, rows: int, device: torch.device) -> Tensor:
    """Style mixing of a generator without regions: the W+ rows (B, L) from a random crossover in 1 ... L - 1 on come
    from the second code (Karras et al. 2019, section 3.1)."""
    crossover = torch.randint(1, rows, (batch, 1), device=device)
    return torch.arange(rows, device=device) >= crossover


@dataclass(frozen=True)
class BatchPart:
    """One of the equal parts in which a phase goes through this process's batch: ``share`` of the global batch,
    ``local`` of the process's own."""

    share: Share
    local: Share
    last: bool
