"""Measuring edits on samples: what strength 1 must mean, and what an edit moves besides.

Calibration follows InterFaceGAN's re-scoring (Shen et al. 2020, section 3.3): edits are judged by a classifier on fresh
samples.
"""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from directions.contract import AttributeEditor
from directions.study import INVERSIONS, SAMPLES, Effect, check_base
from semedit.errors import MissingWeights
from semedit.latents.latent import Latent
from semedit.metrics.attributes import Scorer
from semedit.metrics.placed import placed
from semedit.protocols import Bundle

#: The mean score gain that strength 1 stands for, and the codes it is measured on.
TARGET_GAIN, COUNT = 0.4, 64


class Probe:
    """Codes of a model (by default COUNT), with their pictures and scores, on which edits are measured.

    They are those of samples (truncation 0.7), or of inversions: what the model's encoder finds for pictures of
    untruncated samples, which takes more to edit. MissingWeights for inversions without an encoder.
    """

    def __init__(self, model: Bundle, scorers: Iterable[Scorer], seed: int = 0, count: int | None = None,
                 base: str = SAMPLES):  # fmt: skip
        self.model, self.scorers, self.base = model, list(scorers), check_base(base)
        self.names = tuple(name for scorer in self.scorers for name in scorer.names)
        count = count or COUNT
        self.latent = inversions(model, count, seed) if base == INVERSIONS else model.sample(count, seed)
        self.images = model.synthesise(self.latent).image
        self.scores = self._score(self.images)

    @classmethod
    def of(cls, model: Bundle, own: Scorer, seed: int = 0, count: int | None = None, base: str = SAMPLES) -> "Probe":
        """A probe that scores with ``own``, and all attributes of the domain if that has a classifier."""
        try:
            domain: Scorer = placed(model.domain.attributes(), model.generator.device)
        except MissingWeights:
            return cls(model, [own], seed, count, base)
        return cls(model, [domain] if set(own.names) <= set(domain.names) else [domain, own], seed, count, base)

    def _score(self, images: Tensor) -> Tensor:
        return torch.cat([scorer.score(images) for scorer in self.scorers], dim=1)

    def changes(self, editor: AttributeEditor, strength: float, regions: str | None = None) -> tuple[Tensor, float]:
        """Mean change of every score (A,), and mean absolute pixel change on [0, 1]."""
        images = self.model.synthesise(editor.edit(self.latent, strength, regions)).image
        return (self._score(images) - self.scores).mean(0), (images - self.images).abs().mean().item() / 2

    def effect(self, editor: AttributeEditor, strength: float, regions: str) -> Effect:
        moved, change = self.changes(editor, strength, regions)
        own = self.names.index(editor.attribute)
        others = [abs(v) for i, v in enumerate(moved.tolist()) if i != own]
        return Effect(regions, moved[own].item(), sum(others) / max(1, len(others)), change)


@torch.no_grad()
def inversions(model: Bundle, count: int, seed: int, batch: int = 16) -> Latent:
    """What the model's encoder finds for the pictures of ``count`` untruncated samples."""
    found = list[Latent]()
    samples, inverter = model.sample(count, seed, 1.0), model.inverter("restyle")
    for start in range(0, count, batch):
        part = samples[slice(start, start + batch)]
        found.append(inverter.invert(model.synthesise(part).image).latent)
    return Latent.cat(found)


def gains(probe: Probe, editor: AttributeEditor, regions: str | None = None) -> Iterator[float]:
    """Mean score gain at each of an editor's DISTANCES, in ``regions`` (default: its own), measured when asked for."""
    own, unit = probe.names.index(editor.attribute), editor.with_scale(1.0)
    return (probe.changes(unit, distance, regions)[0][own].item() for distance in editor.DISTANCES)


def calibrate(probe: Probe, editor: AttributeEditor, regions: str | None = None) -> tuple[float, float]:
    """The shortest distance with the target gain (or the method's best), for strength 1, and the gain there."""
    return shortest(editor.DISTANCES, gains(probe, editor, regions))


def shortest(distances: tuple[float, ...], curve: Iterable[float]) -> tuple[float, float]:
    """Where a curve of gains first reaches the target, between two distances linearly; its best if it never does. What
    lies beyond is not asked for."""
    reached = [(0.0, 0.0)]
    for here, value in zip(distances, curve, strict=False):
        before, least = reached[-1]
        if value >= TARGET_GAIN:
            return before + (TARGET_GAIN - least) / (value - least) * (here - before), TARGET_GAIN
        reached.append((float(here), float(value)))
    return max(reached[1:], key=lambda point: point[1])
