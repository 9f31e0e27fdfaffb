"""What was measured of an attribute's edits, as editors keep it."""

from dataclasses import asdict, dataclass
from typing import Any


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
