"""How local each region's rows are: draw a region's shape and texture anew, and see where the picture changes."""

from typing import Any

import torch

from benchmarks.fidelity import Progress
from benchmarks.rows import row
from semedit.editing.effect import inside_share
from semedit.editing.model import Model
from semedit.networks.synthesis import Synthesis

SEED = 550_001


def locality(
    model: Model, count: int = 500, psi: float = 1.0, seed: int = SEED, progress: Progress | None = None
) -> list[dict[str, Any]]:
    """For each region, the share of the absolute change inside its mask (old or new), dilated by 2 px.

    The share is pooled: the change inside the masks of all pictures over the change of all pictures; ``std`` is that of
    the pictures' own shares. The last row is the mean over the regions.
    """
    regions, protocol = model.generator.regions, "inside-share(old or new mask, dilated 2 px, pooled)"
    rows = []
    first, second = model.sample(count, seed, psi).wplus(), model.sample(count, seed + 1, psi)
    before = model.synthesise(first)
    for index, name in enumerate(regions.names):
        after = model.synthesise(first.with_rows(second, first.rows(name)))
        share, change = inside_share(before, after, (index,)), total_change(before, after)
        pooled = ((share * change).sum() / change.sum().clamp(min=1e-12)).item()
        std, area = share.std(unbiased=False).item(), (before.labels == index).float().mean().item()
        rows.append(
            row("locality", "generator", model, f"inside_{name}", pooled, std=std, n=count, protocol=protocol,
                mean_change=change.mean().item(), area=area)
        )  # fmt: skip
        if progress:
            progress(index + 1, len(regions))
    mean = sum(r["value"] for r in rows) / len(rows)
    return [*rows, row("locality", "generator", model, "inside_mean", mean, n=count, protocol=protocol)]


def total_change(before: Synthesis, after: Synthesis) -> torch.Tensor:
    """Mean absolute difference (B,) of pictures, on [-1, 1]."""
    return (before.image - after.image).abs().flatten(1).mean(1)
