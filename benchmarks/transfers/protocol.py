"""What the measures of transfers share: pairs, regions, methods, and the form of their rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from baselines.blending import region_masks
from baselines.style_transfer import StyleMixing, stylegan2_of
from benchmarks.rows import Lines, Row
from semedit.editing.model import Model
from semedit.editing.sessions.transfers import supported, transfer_editor
from semedit.errors import ConfigError
from semedit.latents.latent import Latent
from semedit.protocols import Editor

SEED = 990_001
#: Pairs of target and reference, and the regions that are taken over.
COUNT, REGIONS = 100, ("hair", "mouth", "eyes", "background")
#: Pairs behind a heat map, and pictures behind a distance.
MAP_COUNT, SET_COUNT = 500, 2_000
#: Plain mixing of all channels, which the methods of a StyleGAN2 are compared with.
MIXING = StyleMixing.method
#: Pairs rendered at once.
BATCH = 16
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class TransferRow(Row):
    """``region``: what is taken over; ``amount``: how far, in the method's own unit; ``low``, ``high``: 95 % interval
    over the pairs."""

    region: str
    amount: float | None = None
    low: float | None = None
    high: float | None = None


def methods_of(model: Model) -> tuple[str, ...]:
    """The methods that a model can be asked for, and for a StyleGAN2 plain mixing."""
    try:
        stylegan2_of(model, MIXING)
    except ConfigError:
        return supported(model)
    return (*supported(model), MIXING)


def editor_of(model: Model, references: Latent, region: str, method: str, options: Sequence[str] = ()) -> Editor:
    """The editor of a method of TRANSFERS, or of plain mixing. Raises as ``transfer_editor``."""
    if method == MIXING:
        return StyleMixing(model, references)
    return transfer_editor(model, references, region, method, options)


def changed_region(model: Model, before: Any, after: Any, region: str) -> Tensor:
    """Where a region lies, in either picture: (B, 1, H, W)."""
    own = model.generator.regions
    chosen = (own if own.names else model.domain.regions).select(region).regions
    return torch.maximum(*(region_masks(model, pictures, chosen) for pictures in (before, after)))


def table(found: Sequence[TransferRow]) -> Lines:
    """A line for each method, region and measure, at the method's greatest amount."""
    most: dict[str, float] = {}
    for row in found:
        most[row.method] = max(row.amount or 0.0, most.get(row.method, 0.0))
    last = [row for row in found if row.amount in (None, most[row.method])]
    names = ("model", "method", "region", "metric", "value", "low", "high", "n", "protocol")
    return [{name: getattr(row, name) for name in names} for row in last]
