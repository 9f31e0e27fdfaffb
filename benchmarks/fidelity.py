"""How close samples are to the domain: Frechet distance in its own features, mask agreement, attribute rates."""

from typing import Any

import torch
from torch import Tensor

from semedit.domains.portraits.factors import ATTRIBUTES, attributes, sample_factors
from semedit.domains.portraits.renderer import render
from semedit.images import quantise
from semedit.model import Model
from semedit.training.supervised import mean_iou

REAL_SEEDS = (880_001, 880_002)


def frechet(a: Tensor, b: Tensor) -> float:
    """Frechet distance of two sets of features (N, C), through torch-fidelity's formula in float64.

    |mu_a - mu_b|^2 + tr(C_a) + tr(C_b) - 2 tr sqrt(C_a C_b), with the root's trace by eigenvalues.
    """
    a, b = a.double(), b.double()
    mean = (a.mean(0) - b.mean(0)).square().sum()
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    roots = torch.linalg.eigvals(cov_a @ cov_b).real.clamp(min=0).sqrt().sum()
    return (mean + cov_a.trace() + cov_b.trace() - 2 * roots).item()


def real_features(model: Model, count: int, seed: int, chunk: int = 512) -> tuple[Tensor, Tensor]:
    """Features (N, C) of drawn portraits as 8-bit pictures, and their true attributes (N, A)."""
    features, truth, network = [], [], model.domain.features()
    for k, start in enumerate(range(0, count, chunk)):
        factors = sample_factors(min(chunk, count - start), seed * 1_009 + k)
        images, _ = render(factors, model.generator.config.size)
        features.append(network.embed(quantise(images)))
        truth.append(attributes(factors))
    return torch.cat(features), torch.cat(truth)


def fidelity(model: Model, count: int = 2_000, seed: int = 660_001, chunk: int = 256) -> list[dict[str, Any]]:
    """Frechet distance (with its floor: two disjoint real sets of the same size), mask agreement, attribute rates."""
    network, scorer = model.domain.features(), model.domain.attributes()
    features, agreement, scores = [], [], []
    for k, start in enumerate(range(0, count, chunk)):
        out = model.synthesise(model.sample(min(chunk, count - start), seed + k, psi=1.0))
        pictures = quantise(out.image)
        features.append(network.embed(pictures))
        scores.append(scorer.score(pictures))
        agreement.append(mean_iou(out.labels, network.parse(pictures), len(model.domain.regions), min_share=0.005))
    (first, truth), (second, _) = (real_features(model, count, s) for s in REAL_SEEDS)
    fake, rates = torch.cat(features), (torch.cat(scores) > 0.5).float().mean(0)
    protocol = f"fd({network.protocol})"
    values = [
        ("frechet", frechet(fake, first), protocol),
        ("frechet_floor", frechet(second, first), protocol),
        ("mask_agreement", sum(agreement) / len(agreement), f"miou({network.protocol} parser, area>0.5%)"),
    ]
    values += [(f"rate_{n}", rates[i].item(), "portraits-attributes") for i, n in enumerate(ATTRIBUTES)]
    values += [(f"real_rate_{n}", truth[:, i].mean().item(), "ground truth") for i, n in enumerate(ATTRIBUTES)]
    return [
        {"task": "fidelity", "method": "generator", "model": model.name, "metric": name, "value": value, "std": None,
         "n": count, "skipped": 0, "protocol": protocol} for name, value, protocol in values
    ]  # fmt: skip
