"""How local each region's rows are: draw a region's shape and texture anew, and see where the picture changes."""

from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.fidelity import Progress
from benchmarks.rows import Lines, Row
from semedit.editing.generators import semantic
from semedit.editing.measuring.effect import inside_share
from semedit.editing.model import Model
from semedit.networks.synthesis import Rendering

SEED = 550_001
#: Samples whose regions are drawn anew, and their truncation (1: none).
COUNT, PSI = 500, 1.0
#: Samples whose pictures are in memory at once.
CHUNK = 32


@dataclass(frozen=True, kw_only=True)
class LocalityRow(Row):
    """``mean_change``: of the whole picture, on [-1, 1]; ``area``: the region's share of the pictures."""

    mean_change: float | None = None
    area: float | None = None


def locality(
    model: Model, count: int = COUNT, psi: float = PSI, seed: int = SEED, progress: Progress | None = None
) -> list[LocalityRow]:
    """For each region, the share of the absolute change inside its mask (old or new), dilated by 2 px.

    The share is pooled: the change inside the masks of all pictures over the change of all pictures; ``std`` is that of
    the pictures' own shares. The last row is the mean over the regions. Raises ConfigError for a model without regions.
    """
    regions = semantic(model.generator, "a measure of locality").regions
    facts: dict[str, Any] = {
        "task": "locality", "method": "generator", "model": model.name, "n": count,
        "protocol": f"inside-share(old or new mask, dilated 2 px, pooled)@{model.generator.config.size}",
    }  # fmt: skip
    first, second = model.sample(count, seed, psi).wplus(), model.sample(count, seed + 1, psi)
    found: dict[str, list[tuple[torch.Tensor, ...]]] = {name: [] for name in regions.names}
    for start in range(0, count, CHUNK):
        own, other = first[start : start + CHUNK], second[start : start + CHUNK]
        before = model.synthesise(own)
        assert before.labels is not None
        for index, name in enumerate(regions.names):
            after = model.synthesise(own.with_rows(other, own.rows(name)))
            area = (before.labels == index).float().flatten(1).mean(1)
            found[name].append((inside_share(before, after, (index,)), total_change(before, after), area))
        if progress:
            progress(min(start + CHUNK, count), count)
    rows = []
    for name, parts in found.items():
        share, change, area = (torch.cat(values) for values in zip(*parts, strict=True))
        pooled = ((share * change).sum() / change.sum().clamp(min=1e-12)).item()
        std = share.std(unbiased=False).item()
        rows.append(
            LocalityRow(
                metric=f"inside_{name}", value=pooled, std=std, mean_change=change.mean().item(),
                area=area.mean().item(), **facts,
            )
        )  # fmt: skip
    return [*rows, LocalityRow(metric="inside_mean", value=sum(row.value for row in rows) / len(rows), **facts)]


def table(rows: list[LocalityRow]) -> Lines:
    """A line for each region, and one for their mean."""
    shown = ("metric", "value", "std", "area", "mean_change", "n", "protocol")
    return [{name: getattr(row, name) for name in shown} for row in rows]


def total_change(before: Rendering, after: Rendering) -> torch.Tensor:
    """Mean absolute difference (B,) of pictures, on [-1, 1]."""
    return (before.image - after.image).abs().flatten(1).mean(1)
