"""What a model can do here and now, and what each missing file would add."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from directions import EDITORS
from semedit.editing.model import Model
from semedit.errors import MissingWeights, SemeditError

#: Network of a domain -> what it is for.
NETWORKS = {
    "perceptual": "perceptual distance, which inversion is guided by",
    "identity": "whether it is still the same person",
    "identity_loss": "keeping the person during a search",
    "attributes": "scores of attributes",
    "clip": "edits by words",
    "features": "label maps of pictures",
    "perceptual_training": "training an encoder",
}


@dataclass(frozen=True)
class Ability:
    """Something that a model can do (``ready``), or what it would take: why not, and the file that is missing."""

    what: str
    ready: bool
    detail: str = ""
    file: str = ""


def abilities(model: Model) -> list[Ability]:
    """What a model can do, in the order in which it is used."""

    def encoder() -> str:
        return model.default_method if model.refiner else ""

    def attributes(method: str) -> str:
        return ", ".join(model.editors(method))

    found = [_ability("inversion in a second, by an encoder", encoder)]
    found += [_ability(f"edits of attributes ({method})", partial(attributes, method)) for method in EDITORS]
    return found + [network(model, name) for name in NETWORKS]


def network(model: Model, name: str) -> Ability:
    """Whether a network of the model's domain is at hand."""
    return _ability(NETWORKS[name], lambda: str(getattr(getattr(model.domain, name)(), "protocol", "")))


def _ability(what: str, attempt: Callable[[], str]) -> Ability:
    try:
        return Ability(what, True, attempt())
    except MissingWeights as error:
        return Ability(what, False, str(error), error.file)
    except SemeditError as error:
        return Ability(what, False, str(error))
