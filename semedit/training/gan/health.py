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
from semedit.metrics.features import DomainFeatures
from semedit.metrics.inception import embedders
from semedit.metrics.labels import LARGE, mean_iou
from semedit.metrics.sets import Embedder, fidelity_library, set_frechet
from semedit.networks.style_based import StyleBasedGenerator
from semedit.networks.synthesis import Rendering
from semedit.pictures.tensors import quantise
from semedit.storage.weights import load_weights
from semedit.training.engine.feed import sample_pictures
from semedit.training.gan.config import GanConfig
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
    """Each region's share of the area of label maps (B, H, W).

    >>> areas(torch.tensor([[[0, 0], [1, 2]]]), regions=3)
    [0.5, 0.25, 0.25]
    """
    counts = torch.bincount(labels.flatten().clamp(max=regions), minlength=regions + 1)[:regions]
    return (counts / labels.numel()).tolist()


@dataclass
class Monitor:
    """Measures a state against the run's own data. ``say`` is told of warnings and of what cannot be measured.

    The Frechet distance needs an embedder: the domain's feature network, or an Inception whose file is present. Masks
    are compared with what the domain's parser, if it has one, sees in the pictures.
    """

    config: GanConfig
    source: Source
    domain: Domain
    folder: Path
    say: Callable[[str], None]
    reference: dict[str, Tensor] = field(default_factory=dict)
    embedder: Embedder | None = None
    parser: DomainFeatures | None = None

    def __post_init__(self) -> None:
        count, labelled = self.config.metric_samples, self.config.masks
        data = sample_pictures(self.source, max(LOOK, count))
        self.data_diversity = diversity(data.images[:LOOK])
        regions = self.config.regions
        self.data_areas = areas(data.masks[:512].argmax(1), regions) if labelled else []
        features = self.domain.own_features()
        if labelled and regions == len(self.domain.regions):
            self.parser = features
        if not count:
            return
        try:
            found = embedders(features)
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
        pictures, regions, labels = quantise(out.image).cpu(), self.config.regions, out.labels
        found = {"diversity": diversity(pictures), "data_diversity": self.data_diversity}
        names = state.average.label_table.names
        now = areas(labels.cpu(), regions) if labels is not None else []
        found |= {f"area_{name}": share for name, share in zip(names, now, strict=labels is not None)}
        if self.data_areas:
            found |= {f"data_area_{name}": share for name, share in zip(names, self.data_areas, strict=True)}
        if self.parser is not None and labels is not None:
            parsed = self.parser.parse(pictures)
            found["mask_agreement"] = mean_iou(labels.cpu(), parsed, regions, LARGE)
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
            return float(load_weights(self.folder / BEST).extra["frechet"])
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
        names = state.average.label_table.names
        for name, share in zip(names, self.data_areas, strict=False):
            if share > LARGE and found[f"area_{name}"] < POOR_AREA * share:
                lines.append(f"{at}: region '{name}' has vanished from samples ({share:.1%} of the data's area)")
        if found.get("margin", 0.0) > WIDE_MARGIN:
            lines.append(f"{at}: the discriminator tells all pictures apart (margin {found['margin']:.0f})")
        return lines


def samples(generator: StyleBasedGenerator, count: int, seed: int) -> Rendering:
    """Untruncated samples with the generator's own noise maps."""
    z = torch.randn(count, generator.config.style_dim, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        parts = [generator(generator.mapping(part.to(generator.device))) for part in z.split(8)]
    return Rendering.cat(parts)
