"""What an answer changes inside the exact mask and outside it, over its amounts, and how far it comes.

Gain: the change inside, projected on the true one: the sum over the mask of (after - before)(true after - true before),
over that of (true after - true before)^2. 0 is no change, 1 that which the law asks for, whatever else is changed.
All pictures are 8-bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.bootstrap import Interval, interval, resamples
from benchmarks.equal_change import EqualChange, at_equal_change, where_first
from benchmarks.exact.answers import Answer
from benchmarks.exact.questions import Question
from benchmarks.truth import Cases, check_law, latent_of
from semedit.domains.judges import perceptual_panel
from semedit.editing.model import Model
from semedit.metrics.pixels import mse
from semedit.metrics.placed import placed
from semedit.pictures.tensors import quantise, to_bytes

Array = NDArray[np.float64]
BATCH = 16
#: Measure -> its value where nothing is changed.
UNCHANGED: Mapping[str, float] = {
    "gain": 0.0, "inside": 0.0, "outside": 0.0, "identity": 1.0, "perceptual": 0.0, "distance": 0.0
}  # fmt: skip


@dataclass(frozen=True)
class ExactCurve:
    """A method's measures at A amounts of N pictures: each a numerator (A, N) over a denominator (N,), pooled over the
    pictures; ``protocols`` has the id of each."""

    question: str
    method: str
    amounts: tuple[float, ...]
    above: Mapping[str, Array]
    below: Mapping[str, Array]
    protocols: Mapping[str, str]

    @property
    def n(self) -> int:
        return len(self.below["gain"])

    def mean(self, name: str, weights: Array | None = None) -> Array:
        """A measure (A + 1,) at nothing and at each amount, of pictures that count by ``weights`` (N,)."""
        share = np.full(self.n, 1 / self.n) if weights is None else weights
        pooled: Array = (self.above[name] @ share) / max(float(self.below[name] @ share), 1e-12)
        return np.concatenate([[UNCHANGED[name]], pooled])

    def each(self, name: str) -> Array:
        """A measure (A, N) of each picture by itself; NaN in those that have nothing to measure, as no such region."""
        below = np.where(self.below[name] > 0, self.below[name], np.nan)
        found: Array = self.above[name] / below
        return found

    def beside(self, other: "ExactCurve") -> EqualChange:
        """This method beside another, picture by picture, where both change as much inside the mask."""
        return at_equal_change(*((one.each("inside"), one.each("outside")) for one in (self, other)))

    @property
    def most(self) -> float:
        """The greatest gain."""
        return float(self.mean("gain").max())

    def at(self, name: str, gain: float, weights: Array | None = None) -> float:
        """A measure where the curve first has a gain, between amounts; beyond its greatest gain, the value there."""
        return where_first(self.mean("gain", weights), self.mean(name, weights), gain)

    def ends(self, name: str, gain: float) -> Interval:
        """The 95 % bootstrap interval of :meth:`at` over the pictures."""
        return interval(np.array([self.at(name, gain, weights) for weights in resamples(self.n)[:500]]))

    def to_json(self) -> dict[str, Any]:
        pairs = {side: {name: value.round(6).tolist() for name, value in getattr(self, side).items()}
                 for side in ("above", "below")}  # fmt: skip
        return {**vars(self), **pairs, "protocols": dict(self.protocols)}

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "ExactCurve":
        pairs = {side: {name: np.array(value, dtype=np.float64) for name, value in facts[side].items()}
                 for side in ("above", "below")}  # fmt: skip
        return cls(**{**facts, **pairs, "amounts": tuple(facts["amounts"])})


@torch.no_grad()
def measure(model: Model, question: Question, answer: Answer) -> ExactCurve:
    """The curve of an answer. Raises ConfigError for a generator that does not keep to the law."""
    scale = _Scale(model, question)
    above: list[list[dict[str, Tensor]]] = []
    below: list[dict[str, Tensor]] = []
    for start in range(0, len(question), BATCH):
        part = slice(start, start + BATCH)
        before = quantise(model.synthesise(latent_of(model, question.codes[part])).image)
        if not start:
            pictures = before, question.change.before[part], question.change.after[part]
            found = Cases(question.codes[part], *(to_bytes(x.cpu()) for x in pictures))
            check_law(model, found, model.domain.truth_of(model.generator.config))
        below.append(scale.wholes(part, before))
        above.append([scale.changes(part, before, quantise(answer.pictures(part, x))) for x in answer.amounts])
    amounts = range(len(answer.amounts))
    rows = {name: torch.stack([torch.cat([part[k][name] for part in above]) for k in amounts]) for name in UNCHANGED}
    wholes = {name: torch.cat([part[name] for part in below]) for name in UNCHANGED}
    tops, bottoms = ({name: x.cpu().double().numpy() for name, x in side.items()} for side in (rows, wholes))
    return ExactCurve(question.name, answer.method, answer.amounts, tops, bottoms, scale.protocols)


class _Scale:
    """What the pictures of a question are measured by."""

    def __init__(self, model: Model, question: Question):
        self.question, device = question, model.device
        self.judge, self.identity = (
            perceptual_panel(model.domain, device).first,
            placed(model.domain.identity(), device),
        )

    def _asked(self, part: slice, like: Tensor) -> tuple[Tensor, Tensor]:
        """The mask (B, 1, S, S), and the true change in it."""
        inside, change = self.question.inside[part].to(like), self.question.change
        return inside, (change.after[part] - change.before[part]).to(like) * inside

    def wholes(self, part: slice, before: Tensor) -> dict[str, Tensor]:
        """The denominators (B,)."""
        inside, asked = self._asked(part, before)
        ones = torch.ones(len(before), device=before.device)
        areas = {"inside": inside.flatten(1).sum(1), "outside": (1 - inside).flatten(1).sum(1)}
        return dict.fromkeys(UNCHANGED, ones) | areas | {"gain": asked.square().flatten(1).sum(1)}

    def changes(self, part: slice, before: Tensor, after: Tensor) -> dict[str, Tensor]:
        """The numerators (B,) of pictures after a change."""
        inside, asked = self._asked(part, before)
        moved, wanted = after - before, self.question.change.after[part].to(before)
        size = moved.abs().mean(1, keepdim=True) / 2  # on [0, 1]
        return {
            "gain": (moved * asked).flatten(1).sum(1),
            "inside": (size * inside).flatten(1).sum(1),
            "outside": (size * (1 - inside)).flatten(1).sum(1),
            "identity": self.identity.identity(before, after),
            "perceptual": self.judge.network.distance(before, after),
            "distance": mse(after, wanted) - mse(before, wanted),
        }

    @property
    def protocols(self) -> dict[str, str]:
        by, where = self.question.protocol, self.question.regions
        return {
            "gain": f"change inside, projected on that of the {by}",
            "inside": f"l1[0,1], 8 bit, in the mask of {where} by the {by}",
            "outside": f"l1[0,1], 8 bit, out of the mask of {where} by the {by}",
            "identity": self.identity.protocol,
            "perceptual": self.judge.protocol,
            "distance": f"mse[-1,1], 8 bit, to the {by}, less that of no change",
        }
