"""What measures mean: beside each figure what is usual, from the model's card, and a word."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from semedit.domains.judges import OPTIMISED, named_by
from semedit.editing.model import Model
from semedit.editing.requests.records import EditRecord, InversionRecord

#: How far below the threshold of one person a similarity still says that the person is only changed.
CHANGED = 0.3


@dataclass(frozen=True)
class Explained:
    """A word about a figure, and what is usual: mean and standard deviation, or None where nobody has measured it."""

    word: str
    usual: float | None = None
    spread: float | None = None

    @property
    def text(self) -> str:
        """All of it, for a reader."""
        spread = "" if self.spread is None else f" ± {self.spread:.3f}"
        return ", ".join(filter(None, [self.word, "" if self.usual is None else f"usual {self.usual:.3f}{spread}"]))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def identity_word(similarity: float, threshold: float | None) -> str:
    """kept, changed, or another person; nothing where no threshold was measured, or no similarity.

    >>> [identity_word(value, 0.65) for value in (0.8, 0.5, 0.1)]
    ['kept', 'changed', 'another person']
    """
    if threshold is None or similarity != similarity:
        return ""
    return "kept" if similarity >= threshold else "changed" if similarity >= threshold - CHANGED else "another person"


def explain_inversion(record: InversionRecord, model: Model) -> dict[str, Explained]:
    """Measure -> its explanation, for those of an inversion."""
    usual = usual_figures(model, record.method)
    found = {}
    for name, value in record.metrics.items():
        mean, spread = _known(usual, name, record.protocols[name])
        word = ""
        if name == "identity":
            word = identity_word(value, model.domain.identity().threshold)
        elif mean is not None and spread is not None:
            better = value - mean if name == "psnr" else mean - value
            word = "better than usual" if better > spread else "worse than usual" if better < -spread else "as usual"
        found[name] = Explained(word, mean, spread)
    return found


def explain_edit(record: EditRecord, model: Model) -> dict[str, Explained]:
    """Measure -> its explanation, for those of an edit: the person, and how the change compares with what an inversion
    misses."""
    found = {"identity": Explained(identity_word(record.identity, model.domain.identity().threshold))}
    mean, spread = _known(usual_figures(model, None), "perceptual", str(record.protocols["perceptual"]))
    if mean is not None:
        less = "less" if record.perceptual <= mean else "more"
        found["perceptual"] = Explained(f"{less} than an inversion misses", mean, spread)
    return found


def usual_figures(model: Model, method: str | None) -> Mapping[str, Any]:
    """What the model's card says of inversions by a method, or by the model's default; the longest budget counts."""
    quality = dict(model.entry.card.get("quality", {})) if model.entry else {}
    wanted = f"reconstruction.{method or model.default_method}"
    names = [name for name in quality if name == wanted or name.startswith(f"{wanted}@")]
    return dict(quality[max(names)]) if names else {}


def _known(usual: Mapping[str, Any], name: str, protocol: str) -> tuple[float | None, float | None]:
    """Mean and spread of a measure, if the same network gave them, whether or not it was marked as optimised."""
    row = usual.get(name) or usual.get(named_by(name, protocol), {})
    same = _network(str(row.get("protocol"))) == _network(protocol)
    return (row.get("value"), row.get("std")) if same else (None, None)


def _network(protocol: str) -> str:
    """What measured, of a protocol id; an error of pixels says nothing of the size that a card's was taken at."""
    named = protocol.removesuffix(f"({OPTIMISED})").rstrip()
    return named.partition("@")[0] if named.startswith(("mse", "psnr")) else named
