"""Regions taken over by heads in other poses than the reference's (StyleFusion, figure 15)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.transfers.curves import spread
from benchmarks.transfers.protocol import BATCH, COUNT, SEED, Progress, TransferRow, changed_region, editor_of
from semedit.editing.model import Model
from semedit.editing.sessions.chain import Step, shown
from semedit.metrics.cielab import protocol, region_error
from semedit.metrics.placed import placed
from semedit.pictures.tensors import quantise


@torch.no_grad()
def across_poses(
    model: Model,
    posing: str,
    methods: Sequence[str],
    region: str = "hair",
    count: int = COUNT,
    progress: Progress | None = None,
) -> list[TransferRow]:
    """Targets are given the pose of one reference by the method ``posing``, then the region of another by each method.

    For each method the mean In- and Out-MSE in CIELAB against the posed target, and the identity that is kept of it,
    with 95 % intervals over the pairs. Raises as the methods do.
    """
    identity, rows = placed(model.domain.identity(), model.device), list[TransferRow]()
    for number, method in enumerate(methods):
        columns: dict[str, list[Tensor]] = {"in_mse": [], "out_mse": [], "identity": []}
        for start in range(0, count, BATCH):
            targets, poses, others = (model.sample(min(BATCH, count - start), SEED + k + 3 * start) for k in (0, 1, 2))
            posed, before = shown(model, Step(editor_of(model, poses, "pose", posing), posing, "pose"), targets, 1.0)
            after = shown(model, Step(editor_of(model, others, region, method), method, region), posed, 1.0)[1]
            error = region_error(before.image, after.image, changed_region(model, before, after, region))
            alike = identity.identity(quantise(before.image), quantise(after.image))
            for name, values in (("in_mse", error.inside), ("out_mse", error.outside), ("identity", alike)):
                columns[name].append(values.cpu())
        facts: dict[str, Any] = {"task": "transfers", "method": method, "model": model.name, "region": region}
        for name, parts in columns.items():
            found = torch.cat(parts).double().numpy()
            if np.isnan(found).all():
                continue  # no pair has such a region
            by = identity.protocol if name == "identity" else protocol("correct", model.generator.config.size)
            said = f"{by}, in another's pose by {posing}"
            rows.append(TransferRow(metric=name, protocol=said, **spread(found), **facts))
        if progress:
            progress(number + 1, len(methods))
    return rows
