"""What a local change should come to, where a law says so: its true pictures, and exactly where it may be seen."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.truth import find_codes
from semedit.domains.base import TrueChange
from semedit.editing.model import Model

SEED = 450_001


@dataclass(frozen=True, eq=False)
class Question:
    """A change of N codes: an attribute's, or a region taken over from ``others``.

    codes, others: z (N, D), others None for an attribute; ``regions``: where the change belongs, as text; ``inside``
    (N, 1, S, S), bool: exactly where these regions lie in the true pictures, before or after.
    """

    name: str
    regions: str
    codes: Tensor
    others: Tensor | None
    change: TrueChange
    inside: Tensor
    protocol: str

    def __len__(self) -> int:
        return len(self.codes)


def taking(model: Model, region: str, count: int, seed: int = SEED) -> Question:
    """A region of random codes from as many others: the factors that its rows own.

    Raises ConfigError where nobody knows the true pictures, UnknownName for a region that the domain does not have.
    """
    truth, selection = model.domain.truth_of(model.generator.config), model.domain.regions.select(region)
    draws = torch.Generator().manual_seed(seed)
    codes, others = torch.randn(2, count, model.generator.config.style_dim, generator=draws)
    change = truth.true_transfer(codes, others, selection)
    return Question(region, region, codes, others, change, change.inside(selection.regions), truth.protocol)


def turning(model: Model, attr: str, count: int, seed: int = SEED) -> Question:
    """An attribute put on in codes that lack it. Raises as :func:`taking`, or where they are too rare."""
    truth, regions = model.domain.truth_of(model.generator.config), model.domain.edit_regions.get(attr, "all")
    codes = find_codes(truth, attr, True, count, model.generator.config.style_dim, seed)
    change = truth.true_edit(codes, attr, True)
    inside = change.inside(model.domain.regions.select(regions).regions)
    return Question(attr, regions, codes, None, change, inside, truth.protocol)
