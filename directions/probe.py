"""Measuring edits on samples: what strength 1 must mean, and what an edit moves besides.

Calibration follows InterFaceGAN's re-scoring (Shen et al. 2020, section 3.3): edits are judged by a classifier on fresh
samples.
"""

import math
from collections.abc import Callable, Iterable

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
#: How much more inversions must gain, so that those of other pictures gain enough.
MARGIN = 0.1
#: How often the way between two distances is halved to find where the target is reached.
HALVINGS = 3


class Probe:
    """Codes of a model (by default COUNT), with their pictures and scores, on which edits are measured.

    They are those of samples (truncation 0.7), or of inversions: what the model's encoder finds for other pictures,
    which takes more to edit. ``latent`` are these codes, where they are known already (see :func:`codes_of`).
    MissingWeights for inversions without an encoder.
    """

    def __init__(self, model: Bundle, scorers: Iterable[Scorer], seed: int = 0, count: int | None = None,
                 base: str = SAMPLES, latent: Latent | None = None):  # fmt: skip
        self.model, self.scorers, self.base = model, list(scorers), check_base(base)
        self.names = tuple(name for scorer in self.scorers for name in scorer.names)
        self.target = TARGET_GAIN + (MARGIN if base == INVERSIONS else 0)
        self.latent = codes_of(model, base, seed, count) if latent is None else latent
        self.images = model.synthesise(self.latent).image
        self.scores = self._score(self.images)

    @classmethod
    def of(cls, model: Bundle, own: Scorer, seed: int = 0, count: int | None = None, base: str = SAMPLES,
           latent: Latent | None = None) -> "Probe":  # fmt: skip
        """A probe that scores with ``own``, and all attributes of the domain if that has a classifier."""
        try:
            domain: Scorer = placed(model.domain.attributes(), model.generator.device)
        except MissingWeights:
            return cls(model, [own], seed, count, base, latent)
        return cls(model, [domain] if set(own.names) <= set(domain.names) else [domain, own], seed, count, base, latent)

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


def codes_of(model: Bundle, base: str, seed: int = 0, count: int | None = None) -> Latent:
    """The codes that edits are measured on: ``count`` (by default COUNT) samples, or inversions."""
    count = count or COUNT
    return inversions(model, count, seed) if base == INVERSIONS else model.sample(count, seed)


@torch.no_grad()
def inversions(model: Bundle, count: int, seed: int, batch: int = 16) -> Latent:
    """What the model's encoder finds for ``count`` pictures: drawn ones where the domain can draw, otherwise
    those of untruncated samples."""
    inverter, draw, size = model.inverter("restyle"), model.domain.draw, model.generator.config.size
    samples = model.sample(count, seed, 1.0)
    found = list[Latent]()
    for start in range(0, count, batch):
        part = slice(start, min(start + batch, count))
        if draw:
            pictures = draw(count, size, seed, draw.styles[0], slots=part, device=model.generator.device).images
        else:
            pictures = model.synthesise(samples[part]).image
        found.append(inverter.invert(pictures).latent)
    return Latent.cat(found)


def calibrate(probe: Probe, editor: AttributeEditor, regions: str | None = None) -> tuple[float, float]:
    """The shortest distance with the probe's target gain (or the method's best) in ``regions`` (default: the editor's
    own), for strength 1, and the gain there."""
    own, unit = probe.names.index(editor.attribute), editor.with_scale(1.0)

    def gain(distance: float) -> float:
        return probe.changes(unit, distance, regions)[0][own].item()

    return shortest(editor.DISTANCES, gain, probe.target)


def shortest(distances: tuple[float, ...], gain: Callable[[float], float], target: float) -> tuple[float, float]:
    """The first of ``distances`` whose gain reaches the target, or a shorter one behind the one before it, found by
    halving, because what is there or not comes at once; where none reaches it, the best. And the gain there.

    What lies beyond is not asked for.
    """
    before, best = 0.0, (0.0, -math.inf)
    for here in distances:
        value = gain(here)
        if value >= target:
            for _ in range(HALVINGS):
                middle = (before + here) / 2
                if (found := gain(middle)) >= target:
                    here, value = middle, found
                else:
                    before = middle
            return here, value
        before, best = here, max(best, (here, value), key=lambda point: point[1])
    return best
