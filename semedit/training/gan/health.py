"""A look at a run's health: does it still cover the data, do masks and pictures agree, which state was the best."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from semedit.checkpoints.native import save_generator
from semedit.data.source import Source
from semedit.domains import Domain
from semedit.errors import CheckpointError, ConfigError, MissingWeights
from semedit.metrics.inception import embedders
from semedit.metrics.labels import LARGE, mean_iou
from semedit.metrics.sets import Embedder, fidelity_library, set_frechet
from semedit.networks.generator import SemanticGenerator
from semedit.networks.synthesis import Synthesis
from semedit.pictures.tensors import quantise
from semedit.storage.weights import load_weights
from semedit.training.engine.feed import sample_pictures
from semedit.training.gan.config import TrainConfig
from semedit.training.gan.state import GanState

BEST = "best.safetensors"
LOOK = 64  # pictures in a look
#: Below these shares of the data's value a run is called collapsing; above the margin, its discriminator too strong.
POOR_DIVERSITY, POOR_AREA, WIDE_MARGIN = 0.5, 0.1, 20.0


def diversity(images: Tensor) -> float:
    """Mean absolute difference of picture pairs (i, i + 1), on [-1, 1], at 32 px."""
    small = F.adaptive_avg_pool2d(images, 32)
    return (small - small.roll(1, 0)).abs().mean().item()


def areas(labels: Tensor, regions: int) -> list[float]:
    """Each region's share of the area of label maps (B, H, W)."""
    counts = torch.bincount(labels.flatten().clamp(max=regions), minlength=regions + 1)[:regions]
    return (counts / labels.numel()).tolist()


@dataclass
class Monitor:
    """Measures a state against the run's own data. ``say`` is told of warnings and of what cannot be measured.

    The Frechet distance needs an embedder: the domain's feature network, or an Inception whose file is present.
    """

    config: TrainConfig
    source: Source
    domain: Domain
    folder: Path
    say: Callable[[str], None]
    reference: dict[str, Tensor] = field(default_factory=dict)
    embedder: Embedder | None = None

    def __post_init__(self) -> None:
        count, labelled = self.config.metric_samples, self.config.masks
        data = sample_pictures(self.source, max(LOOK, count))
        self.data_diversity = diversity(data.images[:LOOK])
        regions = self.config.generator.regions
        self.data_areas = areas(data.masks[:512].argmax(1), regions) if labelled else []
        if not count:
            return
        try:
            found = embedders(self.domain.features() if self.domain.name == "portraits" else None)
            if not found:
                self.say("no Frechet distance while training: 'semedit doctor' says which Inception files are missing")
                return
            fidelity_library()
            self.embedder = found[0]
            self.reference["features"] = self.embedder.embed(quantise(data.images))
        except (MissingWeights, ConfigError) as error:
            self.embedder = None
            self.say(f"no Frechet distance while training: {error}")

    def look(self, state: GanState) -> dict[str, float]:
        """Measure a state; keeps the best one by Frechet distance in ``best.safetensors``. Warns of a collapse."""
        out = samples(state.average, LOOK, seed=0)
        pictures, regions = quantise(out.image).cpu(), self.config.generator.regions
        found = {"diversity": diversity(pictures), "data_diversity": self.data_diversity}
        now = areas(out.labels.cpu(), regions)
        names = state.average.regions.names
        found |= {f"area_{name}": share for name, share in zip(names, now, strict=True)}
        if self.data_areas:
            found |= {f"data_area_{name}": share for name, share in zip(names, self.data_areas, strict=True)}
        if self.domain.name == "portraits" and self.config.masks:
            parsed = self.domain.features().parse(pictures)
            found["mask_agreement"] = mean_iou(out.labels.cpu(), parsed, regions, LARGE)
        if {"real_score", "fake_score"} <= state.losses.keys():
            found["margin"] = (state.losses["real_score"] - state.losses["fake_score"]).item()
        if self.embedder is not None:
            found["frechet"] = self.frechet(state)
        for warning in self.warnings(found, state):
            self.say(warning)
        return found

    def frechet(self, state: GanState) -> float:
        """Frechet distance of the averaged generator's samples to the data; the best state is kept."""
        assert self.embedder is not None
        parts = []
        for k in range(-(-self.config.metric_samples // LOOK)):
            parts.append(self.embedder.embed(quantise(samples(state.average, LOOK, seed=k + 1).image)))
        fake = torch.cat(parts)[: self.config.metric_samples]
        value, protocol = set_frechet(self.embedder, fake, self.reference["features"])
        if value < self.best():
            extra = {"images": state.step * self.config.batch, "frechet": value, "protocol": protocol}
            extra["domain"] = self.config.data.domain
            save_generator(self.folder / BEST, state.average, extra=extra)
        return value

    def best(self) -> float:
        """The smallest Frechet distance of the run so far; infinity before the first."""
        try:
            return float(load_weights(self.folder / BEST, "generator").extra["frechet"])
        except CheckpointError:
            return math.inf

    def warnings(self, found: dict[str, float], state: GanState) -> list[str]:
        """What in a look is wrong, in words."""
        at, lines = f"step {state.step}", []
        if not all(bool(torch.isfinite(value)) for value in state.losses.values()):
            lines.append(f"{at}: a loss is not finite; the run is lost, resume from an earlier state with a smaller lr")
        if found["diversity"] < POOR_DIVERSITY * self.data_diversity:
            lines.append(
                f"{at}: samples resemble each other (pairwise distance {found['diversity']:.3f}, data "
                f"{self.data_diversity:.3f}): the run is collapsing"
            )
        names = state.average.regions.names
        for name, share in zip(names, self.data_areas, strict=False):
            if share > LARGE and found[f"area_{name}"] < POOR_AREA * share:
                lines.append(f"{at}: region '{name}' has vanished from samples ({share:.1%} of the data's area)")
        if found.get("margin", 0.0) > WIDE_MARGIN:
            lines.append(f"{at}: the discriminator tells all pictures apart (margin {found['margin']:.0f})")
        return lines


def samples(generator: SemanticGenerator, count: int, seed: int) -> Synthesis:
    """Untruncated samples with the generator's own noise maps."""
    z = torch.randn(count, generator.config.style_dim, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        parts = [generator(generator.mapping(part.to(generator.device))) for part in z.split(8)]
    return Synthesis.cat(parts)
