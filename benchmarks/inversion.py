"""How well, and how fast, drawn portraits of unseen seeds are inverted."""

import statistics
from typing import Any

import torch

from benchmarks.rows import row
from semedit.domains.portraits.factors import sample_factors
from semedit.domains.portraits.renderer import render
from semedit.images import quantise
from semedit.model import Model

#: No training set or held-out set of the library uses this seed.
UNSEEN_SEED = 990_001


def reconstruction(model: Model, count: int = 16, batch: int = 1, seed: int = UNSEEN_SEED) -> list[dict[str, Any]]:
    """Rows of the table: one for each measure, mean, standard deviation and median over ``count`` portraits."""
    images, _ = render(sample_factors(count, seed), model.generator.config.size)
    targets, inverter = quantise(images), model.inverter()
    inversions = [model.invert(part, inverter=inverter) for part in targets.split(batch)]
    seconds = statistics.mean(i.seconds for i in inversions)
    rows = []
    for name, protocol in inversions[0].protocols.items():
        values = torch.cat([inversion.metrics[name] for inversion in inversions])
        rows.append(
            row("reconstruction", "optimize", model, name, values.mean().item(), std=values.std(unbiased=False).item(),
                n=count, protocol=protocol, median=values.median().item(), seconds_per_image=seconds)
        )  # fmt: skip
    return rows
