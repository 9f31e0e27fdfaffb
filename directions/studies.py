"""Measuring editors: what strength 1 must mean, what an edit moves besides, and which regions it needs.

Calibration follows InterFaceGAN's re-scoring (Shen et al. 2020, section 3.3): edits are judged by a classifier on fresh
samples. The choice of regions is this library's: the papers choose them by hand.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from semedit.attributes import Scorer
from semedit.errors import MissingWeights
from semedit.latent import Latent
from semedit.model import Model
from semedit.regions import BASE_NAME

if TYPE_CHECKING:
    from directions.library import DirectionLibrary
    from directions.styleflow import FlowLibrary

#: The mean score gain that strength 1 stands for, and the samples it is measured on.
TARGET_GAIN, SAMPLES = 0.4, 64
#: The share of the gain that chosen regions keep, the regions that sets are made of, and the least gain that counts.
KEPT, CANDIDATES, LEAST_GAIN = 0.9, 5, 0.02


@dataclass(frozen=True)
class Effect:
    """What an edit of ``regions`` does on average: ``gain`` of its attribute's score, ``unrelated`` mean absolute
    change of the other attributes' scores, ``change`` mean absolute pixel change on [0, 1]."""

    regions: str
    gain: float
    unrelated: float
    change: float


@dataclass(frozen=True)
class Study:
    """What was measured of an attribute's edits on ``samples`` samples of the generator (truncation 0.7).

    scale: what strength 1 means in the default regions, and gain: of the score there; unmasked_scale and unmasked_gain:
    the same for an edit of all rows; side_effects: mean change of every other attribute's score there;
    auto_regions: the smallest set that keeps 90 % of the gain of all regions at ``auto_distance``; auto_table: the
    effect of all regions, of each one, of the pose rows (which are shared by all regions and never chosen), and of the
    chosen set.
    """

    samples: int
    scale: float
    gain: float
    unmasked_scale: float
    unmasked_gain: float
    side_effects: dict[str, float]
    auto_regions: str
    auto_distance: float
    auto_table: tuple[Effect, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Study":
        table = tuple(Effect(**row) for row in data["auto_table"])
        return cls(**{**data, "auto_table": table})


class Calibrated(Protocol):
    """An editor with a scale: InterFaceGAN's directions and a flow's attributes."""

    DISTANCES: ClassVar[tuple[float, ...]]
    attribute: str
    scale_: float
    regions_: str

    def with_scale(self, scale: float) -> "Calibrated": ...

    def edit(self, latent: Latent, strength: float, regions: str | None = None) -> Latent: ...


class Probe:
    """Samples of a model (by default SAMPLES), with their pictures and scores, on which edits are measured."""

    def __init__(self, model: Model, scorers: Iterable[Scorer], seed: int = 0, count: int | None = None):
        self.model, self.scorers = model, list(scorers)
        self.names = tuple(name for scorer in self.scorers for name in scorer.names)
        self.latent = model.sample(count or SAMPLES, seed, psi=0.7)
        self.images = model.synthesise(self.latent).image
        self.scores = self._score(self.images)

    @classmethod
    def of(cls, model: Model, own: Scorer, seed: int = 0, count: int | None = None) -> "Probe":
        """A probe that scores with ``own``, and all attributes of the domain if that has a classifier."""
        try:
            domain: Scorer = model.domain.attributes()
        except MissingWeights:
            return cls(model, [own], seed, count)
        return cls(model, [domain] if set(own.names) <= set(domain.names) else [domain, own], seed, count)

    def _score(self, images: Tensor) -> Tensor:
        return torch.cat([scorer.score(images) for scorer in self.scorers], dim=1)

    def changes(self, editor: Calibrated, strength: float, regions: str | None = None) -> tuple[Tensor, float]:
        """Mean change of every score (A,), and mean absolute pixel change on [0, 1]."""
        images = self.model.synthesise(editor.edit(self.latent, strength, regions)).image
        return (self._score(images) - self.scores).mean(0), (images - self.images).abs().mean().item() / 2

    def effect(self, editor: Calibrated, strength: float, regions: str) -> Effect:
        moved, change = self.changes(editor, strength, regions)
        own = self.names.index(editor.attribute)
        others = [abs(v) for i, v in enumerate(moved.tolist()) if i != own]
        return Effect(regions, moved[own].item(), sum(others) / max(1, len(others)), change)


def gains(probe: Probe, editor: Calibrated, regions: str | None = None) -> list[float]:
    """Mean score gain at each of an editor's DISTANCES, in ``regions`` (default: its own)."""
    own, unit = probe.names.index(editor.attribute), editor.with_scale(1.0)
    return [probe.changes(unit, distance, regions)[0][own].item() for distance in editor.DISTANCES]


def calibrate(probe: Probe, editor: Calibrated, regions: str | None = None) -> tuple[float, float]:
    """The shortest distance with the target gain (or the method's best), for strength 1, and the gain there."""
    return shortest(editor.DISTANCES, gains(probe, editor, regions))


def shortest(distances: tuple[float, ...], curve: list[float]) -> tuple[float, float]:
    """Where a curve of gains first reaches the target, between two distances linearly; its best if it never does."""
    previous_distance, previous_gain = 0.0, 0.0
    for here, value in zip(distances, curve, strict=True):
        if value >= TARGET_GAIN:
            share = (TARGET_GAIN - previous_gain) / (value - previous_gain)
            return float(previous_distance + share * (here - previous_distance)), TARGET_GAIN
        previous_distance, previous_gain = here, value
    best = int(np.argmax(curve))
    return float(distances[best]), float(curve[best])


def choose_regions(probe: Probe, editor: Calibrated) -> tuple[str, float, tuple[Effect, ...]]:
    """The smallest set of regions, or of their shapes and textures, that keeps 90 % of the gain of all regions.

    Measured at the shortest distance where all regions together reach the target gain (or their best). Of sets of the
    same size the one with the least unrelated change is taken. Returns the set, the distance, and the table. Where
    nothing gains anything, the set is the editor's default.
    """
    names = probe.model.generator.regions.names
    everything = ",".join(names)
    distance, _ = shortest(editor.DISTANCES, gains(probe, editor, everything))
    unit = editor.with_scale(1.0)

    def effect(regions: str) -> Effect:
        return probe.effect(unit, distance, regions)

    whole, pose = effect(everything), effect(BASE_NAME)
    singles = sorted((effect(name) for name in names), key=lambda e: -e.gain)
    table = (whole, pose, *singles)
    if whole.gain < LEAST_GAIN:
        return "all" if editor.regions_ == "auto" else editor.regions_, distance, table
    best = whole
    for size in range(1, CANDIDATES + 1):
        sets = combinations([single.regions for single in singles[:CANDIDATES]], size)
        measured = [singles[0]] if size == 1 else [effect(",".join(one)) for one in sets]
        enough = [e for e in measured if e.gain >= KEPT * whole.gain]
        if enough:
            best = min(enough, key=lambda e: e.unrelated)
            break
    best = narrowed(best, KEPT * whole.gain, effect)
    return best.regions, distance, (*table, best)


def narrowed(found: Effect, least: float, effect: Any) -> Effect:
    """The set with regions narrowed to their shape or texture, one after the other, wherever ``least`` is kept."""
    for name in found.regions.split(","):
        for part in ("shape", "texture"):
            members = [f"{name}:{part}" if member == name else member for member in found.regions.split(",")]
            candidate = effect(",".join(members))
            if candidate.gain >= least:
                found = candidate
                break
    return found


def study(model: Model, library: "DirectionLibrary | FlowLibrary", attr: str, seed: int = 1) -> Study | None:
    """Measure an attribute's edits and record it in the library: scale, gain, side effects, regions.

    An editor whose default regions are "auto" gets those that are chosen here. Returns None, and records nothing, where
    there is nothing to score the attribute with.
    """
    editor = library[attr]
    scorer = model.scorer(attr, getattr(editor, "prompts_", ()))
    if scorer is None:
        return None
    probe = Probe.of(model, scorer, seed)
    chosen = choose_regions(probe, editor)
    if editor.regions_ == "auto":
        library.record(attr, chosen[0], None)
        editor = library[attr]
    scale, gain = calibrate(probe, editor)
    moved, _ = probe.changes(editor.with_scale(scale), 1.0)
    effects = {name: round(value, 4) for name, value in zip(probe.names, moved.tolist(), strict=True) if name != attr}
    unmasked_scale, unmasked_gain = calibrate(probe, editor, "all")
    auto, distance, table = chosen
    found = Study(SAMPLES, scale, gain, unmasked_scale, unmasked_gain, effects, auto, distance, table)
    library.record(attr, editor.regions_, found)
    return found


@dataclass(frozen=True)
class Reached:
    """The strength that brings a score nearest to its target, and the score there."""

    strength: float
    score: float


def reach(model: Model, editor: Any, latent: Latent, attr: str, target: float, regions: str | None = None,
          furthest: float = 6.0, rounds: int = 3) -> Reached:  # fmt: skip
    """Search the strength at which one code's score comes to ``target``: a coarse walk, then finer ones around it.

    The walk goes up to ``furthest``, or down to minus that where the score is above the target. Raises MissingWeights
    where nothing scores the attribute.
    """
    scorer = model.scorer(attr)
    if scorer is None:
        raise MissingWeights(f"nothing here scores '{attr}', so that no target can be asked for")
    column = scorer.names.index(attr)

    def scores(strengths: list[float]) -> list[float]:
        edited = Latent.cat([editor.edit(latent, strength, regions) for strength in strengths])
        found: list[float] = scorer.score(model.synthesise(edited).image)[:, column].tolist()
        return found

    here = scores([0.0])[0]
    sign = 1.0 if target >= here else -1.0
    strengths = [sign * furthest * step**2 for step in np.linspace(0, 1, 9).tolist()]
    for _ in range(rounds):
        values = scores(strengths)
        passed = [i for i, value in enumerate(values) if sign * (value - target) >= 0]
        nearest = int(np.argmin([abs(value - target) for value in values]))
        best = Reached(strengths[nearest], values[nearest])
        if not passed or passed[0] == 0:
            break
        strengths = np.linspace(strengths[passed[0] - 1], strengths[passed[0]], 8).tolist()
    return best
