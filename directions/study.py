"""What was measured of an attribute's edits, as editors keep it."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from semedit.errors import UnknownName
from semedit.storage.content import shaped

#: What edits are measured on.
SAMPLES, INVERSIONS = "samples", "inversions"
BASES = (INVERSIONS, SAMPLES)


def check_base(name: str) -> str:
    """A base of measurements. Raises UnknownName."""
    if name not in BASES:
        raise UnknownName("base of edits", name, BASES)
    return name


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
    """What was measured of an attribute's edits on ``samples`` codes: samples of the generator (truncation 0.7), or
    inversions of pictures, as ``base`` says; the table of regions is always of samples.

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
    base: str = SAMPLES

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Study":
        """What :meth:`to_json` gave. Raises CheckpointError for anything else."""
        return shaped(cls, data, "study")


@dataclass(frozen=True)
class Calibration:
    """Where the edits of an attribute are made unless a call says otherwise, and what strength 1 means.

    regions: the default regions, "auto" until they have been chosen; scale: the distance, in the method's own unit,
    that strength 1 means in them; unmasked_scale: in all rows; study: what was measured, or None.
    """

    regions: str = "all"
    scale: float = 1.0
    unmasked_scale: float = 1.0
    study: Study | None = None

    @classmethod
    def of(cls, regions: object, scale: object, unmasked_scale: object, study: Study | None) -> "Calibration":
        """A calibration as a file tells it. Raises CheckpointError for scales that are no numbers."""
        own = {"regions": regions, "scale": scale, "unmasked_scale": unmasked_scale}
        return replace(shaped(cls, own, "calibration"), study=study)


@dataclass(frozen=True)
class Measured:
    """A row about an attribute's editor: what strength 1 means, and what its edits do.

    rate: share of the labelled samples that have the attribute, None where they are not at hand; gain and auto_regions:
    of the study, None where nothing scores the attribute; facts: what the method says of its fit.
    """

    attr: str
    regions: str
    scale: float
    rate: float | None
    gain: float | None
    auto_regions: str | None
    side_effects: dict[str, float]
    facts: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        row = asdict(self)
        return row | row.pop("facts")
