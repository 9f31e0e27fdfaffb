"""The strength that brings an attribute's score to a target."""

from dataclasses import dataclass

import numpy as np

from semedit.errors import MissingWeights
from semedit.latents.latent import Latent
from semedit.protocols import Bundle, Editor


@dataclass(frozen=True)
class Reached:
    """The strength that brings a score nearest to its target, and the score there."""

    strength: float
    score: float


def reach(model: Bundle, editor: Editor, latent: Latent, attr: str, target: float, regions: str | None = None,
          furthest: float = 6.0, rounds: int = 4) -> Reached:  # fmt: skip
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
