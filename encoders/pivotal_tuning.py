"""Pivotal tuning: adjust the generator around one code until it gives one picture back.

Reference: Roich et al., "Pivotal Tuning for Latent-based Editing of Real Images", 2021, https://arxiv.org/abs/2106.05744;
losses and schedule as in SemanticStyleGAN's released script, which leaves out the paper's locality regulariser (here an
option). The tuned weights are kept as a difference from the source's, so that one source serves many pictures.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from semedit.checkpoints.native import freeze
from semedit.config import Config, Seed
from semedit.domains.base import PerceptualMetric
from semedit.errors import CheckpointError, LatentError
from semedit.metrics.pixels import mse
from semedit.networks.style_based import StyleBasedGenerator
from semedit.storage.tensors import check_finite
from semedit.storage.weights import Weights, load_weights, save_weights

KIND = "generator-difference"


class PivotalTuningConfig(Config):
    """Options of the tuning; ``locality_weight`` 0 is the released script, the paper's value is 0.1."""

    noun: ClassVar[str] = "pivotal tuning options"

    steps: int = Field(300, ge=1)
    lr: float = Field(1e-4, gt=0)
    perceptual_weight: float = Field(1.0, ge=0)
    mse_weight: float = Field(0.1, ge=0)
    locality_weight: float = Field(0.0, ge=0, description="keep what codes near the pivot show")
    locality_distance: float = Field(30.0, gt=0, description="how far from the pivot those codes lie")
    seed: Seed = 0


@dataclass(frozen=True)
class Tuned:
    """A generator tuned to one picture, frozen, and the loss terms of each step."""

    generator: StyleBasedGenerator
    history: list[dict[str, float]]


def tune(
    source: StyleBasedGenerator,
    pivot: Tensor,
    target: Tensor,
    perceptual: PerceptualMetric,
    config: PivotalTuningConfig | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Tuned:
    """Tune a copy of ``source`` around ``pivot`` (1, L, D) until it shows ``target`` (1, 3, H, W) in [-1, 1].

    The source stays as it is, and so do the pivot and the noise maps. Raises LatentError for more than one code.
    """
    config = config or PivotalTuningConfig()
    if len(pivot) != 1 or len(target) != 1:
        raise LatentError(f"one code is tuned to one picture, not {len(pivot)} to {len(target)}")
    generator = copy.deepcopy(source).requires_grad_(True)
    generator.mapping.requires_grad_(False)
    code, target = pivot.detach().to(source.device), target.to(source.device)
    parameters = [p for p in generator.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(parameters, lr=config.lr)
    draw, history = torch.Generator().manual_seed(config.seed), []
    for step in range(config.steps):
        image = generator(code).image
        terms = {"perceptual": perceptual.distance(image, target).mean(), "mse": mse(image, target).mean()}
        loss = config.perceptual_weight * terms["perceptual"] + config.mse_weight * terms["mse"]
        if config.locality_weight:
            terms["locality"] = locality(source, generator, code, perceptual, config, draw)
            loss = loss + config.locality_weight * terms["locality"]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        history.append({name: value.item() for name, value in terms.items()})
        if progress:
            progress(step + 1, config.steps)
    generator.lineage = (source.fingerprint, *source.lineage)
    return Tuned(freeze(generator), history)


def locality(
    source: StyleBasedGenerator,
    generator: StyleBasedGenerator,
    pivot: Tensor,
    perceptual: PerceptualMetric,
    config: PivotalTuningConfig,
    draw: torch.Generator,
) -> Tensor:
    """How far a code at ``locality_distance`` from the pivot, in a random direction, has come to look different
    (equations 4 and 5 of the paper): w_r = w_p + alpha (w_z - w_p) / |w_z - w_p|."""
    z = torch.randn(1, source.config.style_dim, generator=draw).to(pivot.device)
    with torch.no_grad():
        away = source.layout.wplus(source.mapping(z)) - pivot
        near = pivot + config.locality_distance * away / away.norm(dim=2, keepdim=True).clamp(min=1e-8)
        before = source(near).image
    after = generator(near).image
    return perceptual.distance(after, before).mean() + mse(after, before).mean()


def save_difference(path: str | Path, tuned: StyleBasedGenerator, source: StyleBasedGenerator) -> None:
    """Write what tuning changed, in float16, with the fingerprint of the source."""
    own, theirs = source.state_dict(), tuned.state_dict()
    changed = {name: theirs[name] - own[name] for name in own if not torch.equal(own[name], theirs[name])}
    save_weights(path, Weights(KIND, {"fingerprint": source.fingerprint}, changed), half=True)


def load_difference(path: str | Path, source: StyleBasedGenerator) -> StyleBasedGenerator:
    """``source`` with a stored difference added; it reads the source's codes.

    Raises CheckpointError for a difference from another generator.
    """
    weights = load_weights(path, KIND)
    wanted = weights.config.get("fingerprint")
    if wanted != source.fingerprint:
        raise CheckpointError(f"{path}: a difference from generator {wanted}, not from {source.fingerprint}")
    tuned = copy.deepcopy(source)
    state = tuned.state_dict()
    for name, difference in weights.tensors.items():
        if name not in state or state[name].shape != difference.shape:
            raise CheckpointError(f"{path}: '{name}' does not fit the generator")
        state[name] = state[name] + difference.to(state[name].device)
    check_finite(state, path)
    tuned.load_state_dict(state)
    tuned.lineage = (source.fingerprint, *source.lineage)
    return freeze(tuned)
