"""What an edit of given strength changes: score gain, and where the pixels change."""

from typing import Any

import torch

from benchmarks.rows import row
from semedit.images import enlarge, sheet
from semedit.model import EditReport, Model

PAPER_ATTRIBUTES = ("smile", "bald", "beard", "bangs", "glasses")
SEED = 770_001
STRENGTHS = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)


def measure(model: Model, attr: str, strength: float, regions: str, count: int, seed: int = SEED) -> EditReport:
    """The report of one edit on ``count`` fresh samples (truncation 0.7)."""
    before = model.sample(count, seed, psi=0.7)
    after = before.wplus() if strength == 0 else model.edit(before, attr, strength, regions)
    return model.report(before, after, attr, regions)


def locality(model: Model, attributes: tuple[str, ...] = PAPER_ATTRIBUTES, count: int = 64,
             regions: str | None = None) -> list[dict[str, Any]]:  # fmt: skip
    """For each attribute, at strength 1 (a mean gain of +0.4, or the method's best): gain, inside share, preservation.

    The inside share is pooled: the change inside the regions of all pictures over the change of all pictures.
    """
    rows = []
    for attr in attributes:
        chosen = regions or model.directions[attr].regions_
        report = measure(model, attr, 1.0, chosen, count)
        weight = 1 - report.preservation
        values = {
            "score_gain": report.score_after - report.score_before,
            "inside_share": report.inside_share,
            "preservation": report.preservation,
            "perceptual": report.perceptual,
            "identity": report.identity,
        }
        for name, value in values.items():
            mean = (value * weight).sum() / weight.sum().clamp(min=1e-12) if name == "inside_share" else value.mean()
            protocol = report.protocols.get(name, f"{model.domain.name}-{name}")
            rows.append(
                row("editing", "interfacegan", model, name, mean.item(), std=value.std(unbiased=False).item(), n=count,
                    protocol=protocol, attr=attr, regions=chosen)
            )  # fmt: skip
    return rows


def strength_sheet(model: Model, attributes: tuple[str, ...], count: int = 2, seed: int = SEED) -> torch.Tensor:
    """A picture (3, H', W'): for each attribute ``count`` rows of samples, strengths -1 to 2, at 128 px or more."""
    before = model.sample(count, seed, psi=0.7)
    rows = []
    for attr in attributes:
        columns = [model.synthesise(model.edit(before, attr, strength)).image for strength in STRENGTHS]
        rows.append(torch.stack(columns, dim=1).flatten(0, 1))
    pictures = torch.cat(rows)
    return sheet(enlarge(pictures, max(1, 128 // pictures.shape[-1])), columns=len(STRENGTHS))
