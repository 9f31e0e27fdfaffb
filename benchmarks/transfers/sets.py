"""Sets of pictures one of whose regions has a code of its own: their distance to real ones, and where they change.

Reference: StyleFusion (Kafri et al. 2022), table 1 (Frechet distances of local control), figure 9 (heat maps over
samples) and figure 10 (over changes of one picture).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from benchmarks.fidelity import DrawnPictures, RealPictures
from benchmarks.transfers.protocol import (
    BATCH,
    MAP_COUNT,
    REGIONS,
    SEED,
    SET_COUNT,
    Progress,
    TransferRow,
    editor_of,
)
from semedit.editing.chain import Step, shown
from semedit.editing.model import Model
from semedit.editing.transfers import supported
from semedit.errors import ConfigError
from semedit.metrics.inception import embedders
from semedit.metrics.sets import frechet
from semedit.pictures.sheets import sheet
from semedit.pictures.tensors import fit, quantise


def taken(model: Model, method: str, region: str, count: int, seeds: tuple[int, int], psi: float = 1.0) -> Tensor:
    """Pictures (count, 3, H, W) of samples whose region is taken over from others; the samples' own for "none"."""
    targets, others = (model.sample(count, seed, psi) for seed in seeds)
    if region == "none":
        return model.synthesise(targets).image
    step = Step(editor_of(model, others, region, method), method, region)
    return shown(model, step, targets, 1.0)[1].image


def distances(
    model: Model,
    regions: Sequence[str] = REGIONS,
    methods: Sequence[str] = (),
    count: int = SET_COUNT,
    real: RealPictures | None = None,
    progress: Progress | None = None,
) -> list[TransferRow]:
    """Frechet distances to real pictures of pictures with a region from another code, and of the generator's own
    (method ``generator``, region ``none``). Pictures are measured as 8-bit, at the generator's size.

    Without ``real`` pictures the domain's painter draws them. Raises ConfigError if it has none, or if no network is
    there to measure with.
    """
    found = embedders(model.domain.own_features())
    if not found:
        raise ConfigError("no network to measure with; 'semedit doctor' says which files are missing")
    real, size = real or DrawnPictures(model.domain.painter()), model.generator.config.size
    chunks = [pictures for pictures, _ in real.chunks(0, count, size)]
    wanted = [torch.cat([embedder.embed(pictures) for pictures in chunks]) for embedder in found]
    chosen = [
        ("generator", "none"),
        *((method, region) for method in methods or supported(model) for region in regions),
    ]
    made = list[TransferRow]()
    for number, (method, region) in enumerate(chosen):
        parts: list[list[Tensor]] = [[] for _ in found]
        for start in range(0, count, BATCH):
            seeds = SEED + 2 + 2 * start, SEED + 3 + 2 * start
            pictures = quantise(fit(taken(model, method, region, min(BATCH, count - start), seeds), size))
            for own, embedder in zip(parts, found, strict=True):
                own.append(embedder.embed(pictures))
        for own, embedder, there in zip(parts, found, wanted, strict=True):
            value, protocol = frechet(torch.cat(own), there), f"fd({embedder.protocol})"
            made.append(
                TransferRow(task="transfers", method=method, model=model.name, metric="frechet", value=value, n=count,
                            protocol=protocol, region=region)
            )  # fmt: skip
        if progress:
            progress(number + 1, len(chosen))
    return made


@torch.no_grad()
def heat_map(model: Model, region: str, method: str, count: int = MAP_COUNT, *, fixed: bool = False) -> Tensor:
    """Where pictures change when the code of a region does: mean absolute difference (H, W), on [-1, 1].

    Of ``count`` targets, or with ``fixed`` of one alone, with the region from one reference and from another.
    """
    total = torch.zeros(())
    for start in range(0, count, BATCH):
        own = min(BATCH, count - start)
        targets = model.sample(1, SEED).repeat(own) if fixed else model.sample(own, SEED + 10 + start)
        pair = []
        for seed in (SEED + 50_000, SEED + 90_000):
            step = Step(editor_of(model, model.sample(own, seed + start), region, method), method, region)
            pair.append(shown(model, step, targets, 1.0)[1].image)
        total = total + (pair[0] - pair[1]).abs().mean(1).sum(0).cpu()
    return total / count


def heat_sheet(model: Model, regions: Sequence[str], methods: Sequence[str], count: int = MAP_COUNT, *,
               fixed: bool = False, progress: Progress | None = None) -> Tensor:  # fmt: skip
    """A picture (3, H', W'): a row for each method, a column for each region; white is the method's greatest change."""
    rows = []
    for number, method in enumerate(methods):
        maps = torch.stack([heat_map(model, region, method, count, fixed=fixed) for region in regions])
        rows.append(2 * maps / maps.max().clamp(min=1e-12) - 1)
        if progress:
            progress(number + 1, len(methods))
    return sheet(torch.cat(rows)[:, None].expand(-1, 3, -1, -1), columns=len(regions))
