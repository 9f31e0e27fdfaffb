"""What inversions and edits came to, for a file, a terminal or a page: frozen records, each with its JSON."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import dist, isnan
from pathlib import Path
from typing import Any

from semedit.errors import SemeditError

#: Receives what is being done, the steps done, and all of them.
Watch = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Failure:
    """An input that could not be worked on, and why."""

    input: str
    error: SemeditError


@dataclass(frozen=True)
class InversionRecord:
    """One picture's inversion: the files of its latent and reconstruction, and measures by name with their protocols.

    seconds: of this picture; method: its name; stopped: "target" or "budget", where a search ended it.
    """

    input: str
    latent: str
    reconstruction: str
    metrics: Mapping[str, float]
    protocols: Mapping[str, str]
    seconds: float
    source_sha256: str
    method: str | None
    stopped: str | None

    @property
    def ended(self) -> str:
        """How it came to its end, in words."""
        reason = {"target": "target reached", "budget": "budget used up"}.get(self.stopped or "", "")
        return ", ".join(filter(None, [self.method, reason, f"{self.seconds:.1f} s"]))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class WordsRecord:
    """What a prompt's edit did to one picture's cosine, whose noise is ``clip_noise``.

    property: what the prompt speaks of, if it does, with the zero-shot probabilities of its value; ``_optimised``: the
    same by the CLIP of the search; stopped: "steps", or "identity" where the budget ended the
    search.
    """

    clip_before: float
    clip_after: float
    clip_noise: float
    property: str | None
    probability_before: float | None
    probability_after: float | None
    clip_before_optimised: float
    clip_after_optimised: float
    probability_before_optimised: float | None
    probability_after_optimised: float | None
    stopped: str | None


@dataclass(frozen=True)
class DragRecord:
    """Points of one picture that were dragged: handles, their targets, and where they were tracked to, as (x, y) in
    shares of its sides; the steps that it took; stopped: "reached", or "steps" where these were used up."""

    handles: tuple[tuple[float, ...], ...]
    targets: tuple[tuple[float, ...], ...]
    reached: tuple[tuple[float, ...], ...]
    steps: int
    stopped: str

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "DragRecord":
        """What a latent's history says of it."""
        at, to, now = (tuple(tuple(point) for point in event[name]) for name in ("from", "to", "reached"))
        return cls(at, to, now, event["steps"], event["stopped"])

    @property
    def distances(self) -> tuple[tuple[float, float], ...]:
        """How far each handle was from its target, and is."""
        return tuple((dist(at, to), dist(now, to)) for at, to, now in zip(self.handles, self.targets, self.reached,
                                                                          strict=True))  # fmt: skip


@dataclass(frozen=True)
class StepRecord:
    """What one step of an edit was asked to do to one picture, and did; None for what was not asked or not measured.

    score_before, score_after: of the attribute, in [0, 1], by its judge, and ``_optimised`` by what labelled its
    samples and brings it to targets; inside_share: of the change, inside the regions; preservation: 1 - mean absolute
    change on [0, 1]; measurable: whether score or cosine moved beyond their noise, or a move changed the picture;
    protocols: who gave scores and cosines; moved: right, down and zoom of a move; dragged: the
    points of a drag.
    """

    method: str
    attr: str | None
    text: str | None
    reference: str | None
    strength: float
    target: float | None
    regions: str
    score_before: float | None
    score_after: float | None
    score_before_optimised: float | None
    score_after_optimised: float | None
    inside_share: float | None
    preservation: float
    measurable: bool | None
    protocols: Mapping[str, str | None]
    words: WordsRecord | None = None
    moved: tuple[float, float, float] | None = None
    dragged: DragRecord | None = None

    @property
    def name(self) -> str:
        """What was done, in a word or the prompt's words."""
        return self.attr or self.text or self.method

    @property
    def missed(self) -> bool:
        """Whether a target was asked for and not come to."""
        reached = self.score_after_optimised
        return self.target is not None and reached is not None and abs(reached - self.target) > 0.05

    def to_json(self) -> dict[str, Any]:
        found = asdict(self)
        return found | (found.pop("words") or {})


@dataclass(frozen=True)
class EditRecord:
    """One picture's edit in one step or several: its folder and files by kind, and what it did as a whole.

    Measures are those of :class:`semedit.editing.measuring.effect.EditReport`, ``protocols`` their ids; ``identity`` is
    NaN where it was left out. reconstruction_psnr: in dB, of the inversion that was edited, where there was one;
    outside: what is to be said of a picture outside the model's domain.
    """

    input: str
    folder: Path
    files: Mapping[str, str]
    steps: tuple[StepRecord, ...]
    inside_share: float | None
    preservation: float
    perceptual: float
    perceptual_optimised: float | None
    identity: float
    protocols: Mapping[str, str | None]
    reconstruction_psnr: float | None = None
    outside: str | None = None

    @property
    def regions(self) -> str:
        """All regions that were edited, as one text."""
        return ",".join(dict.fromkeys(step.regions for step in self.steps))

    def to_json(self) -> dict[str, Any]:
        """Flat, with what the step says if it is the only one."""
        first, one = self.steps[0], self.steps[0] if len(self.steps) == 1 else None
        return {
            "input": self.input,
            "attr": one and one.attr,
            "text": one and one.text,
            "method": first.method,
            "reference": first.reference,
            "strength": one and one.strength,
            "regions": self.regions,
            "score_before": one and one.score_before,
            "score_after": one and one.score_after,
            "score_before_optimised": one and one.score_before_optimised,
            "score_after_optimised": one and one.score_after_optimised,
            **self.files,
            "inside_share": self.inside_share,
            "preservation": self.preservation,
            "perceptual": self.perceptual,
            "perceptual_optimised": self.perceptual_optimised,
            "identity": None if isnan(self.identity) else self.identity,
            "reconstruction_psnr": self.reconstruction_psnr,
            "outside_domain": self.outside is not None,
            "steps": [step.to_json() for step in self.steps],
            "protocols": dict(self.protocols),
        }


@dataclass(frozen=True)
class UndoRecord:
    """A latent with its last edits taken back: those edits, the names of what is left, and the files written."""

    input: str
    folder: Path
    undone: tuple[Mapping[str, Any], ...]
    left: tuple[str, ...]
    files: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        return {"input": self.input, "undone": [dict(e) for e in self.undone], "left": list(self.left), **self.files}
