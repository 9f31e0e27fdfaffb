"""How good a portraits generator's samples are, beside what real portraits themselves reach."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.rows import row
from semedit.convnet import fit
from semedit.domains.portraits.factors import ATTRIBUTES, attributes, sample_factors
from semedit.domains.portraits.renderer import render
from semedit.images import quantise
from semedit.metrics import Embedder, embedders, set_measures
from semedit.model import Model
from semedit.training.supervised import LARGE, iou_counts, iou_of_counts

#: Seeds of two disjoint sets of real portraits; no training set or held-out set uses them.
REAL_SEEDS = (880_001, 880_002)
CHUNK = 256
Progress = Callable[[int, int], None]


def fidelity(
    model: Model, count: int = 10_000, seed: int = 660_001, size: int | None = None, progress: Progress | None = None
) -> list[dict[str, Any]]:
    """Set measures of untruncated samples, the same measures of real against real (the floor), mask agreement and
    attribute rates.

    Pictures are measured as 8-bit, at ``size`` px (default: the generator's). For a domain without drawn pictures use
    ``semedit train``'s own metrics.
    """
    size, found = size or model.generator.config.size, embedders(model.domain.features())
    network, scorer, regions = model.domain.features(), model.domain.attributes(), len(model.domain.regions)
    total, done = 3 * count, 0

    def advance(pictures: int) -> None:
        nonlocal done
        done += pictures
        if progress:
            progress(done, total)

    fake: dict[str, list[Tensor]] = {e.protocol: [] for e in found}
    scores, counts = [], torch.zeros(3, regions)
    for k, start in enumerate(range(0, count, CHUNK)):
        out = model.synthesise(model.sample(min(CHUNK, count - start), seed + k, psi=1.0))
        pictures = quantise(fit(out.image, size))
        for embedder in found:
            fake[embedder.protocol].append(embedder.embed(pictures))
        scores.append(scorer.score(pictures))
        counts += iou_counts(network.parse(quantise(out.image)), out.labels, regions)
        advance(len(pictures))
    (first, truth), (second, _) = (real_features(found, count, s, size, advance) for s in REAL_SEEDS)
    rows = []
    for embedder in found:
        name = embedder.protocol
        samples = torch.cat(fake[name])
        for suffix, features in (("", samples), ("_floor", second[name])):
            for metric, (value, std, protocol) in set_measures(embedder, features, first[name]).items():
                rows.append(
                    row("fidelity", "generator", model, metric + suffix, value, std=std, n=count, protocol=protocol)
                )
    agreement = iou_of_counts(counts, LARGE)
    parser = f"miou({network.protocol} parser, area>0.5%)"
    rows.append(row("fidelity", "generator", model, "mask_agreement", agreement, n=count, protocol=parser))
    rates = (torch.cat(scores) > 0.5).float().mean(0)
    for i, name in enumerate(ATTRIBUTES):
        rows.append(
            row(
                "fidelity",
                "generator",
                model,
                f"rate_{name}",
                rates[i].item(),
                n=count,
                protocol="portraits-attributes",
            )
        )
        rows.append(
            row(
                "fidelity",
                "data",
                model,
                f"real_rate_{name}",
                truth[:, i].mean().item(),
                n=count,
                protocol="ground truth",
            )
        )
    return rows


def real_features(
    found: list[Embedder], count: int, seed: int, size: int, advance: Callable[[int], None]
) -> tuple[dict[str, Tensor], Tensor]:
    """Features (N, C) by protocol of drawn portraits as 8-bit pictures, and their true attributes (N, A)."""
    features: dict[str, list[Tensor]] = {e.protocol: [] for e in found}
    truth = []
    for k, start in enumerate(range(0, count, CHUNK)):
        factors = sample_factors(min(CHUNK, count - start), seed * 1_009 + k)
        pictures = quantise(render(factors, size)[0])
        for embedder in found:
            features[embedder.protocol].append(embedder.embed(pictures))
        truth.append(attributes(factors))
        advance(len(pictures))
    return {name: torch.cat(parts) for name, parts in features.items()}, torch.cat(truth)
