"""The folders of models: what their cards say, found by name without opening a network.

A model is a folder with a ``card.json``. Shipped models are package data; a user's own lie under ``$SEMEDIT_HOME``
(default ``~/.local/share/semedit``), and win over shipped ones of the same name.
"""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semedit.errors import CheckpointError, MissingWeights, UnknownName
from semedit.storage.content import read_object, shaped
from semedit.storage.shipped import SHIPPED

CARD, GENERATOR, DIRECTIONS = "card.json", "generator.safetensors", "directions.safetensors"
DISCRIMINATOR = "discriminator.safetensors"
#: In a card: the fingerprint of the generator whose render net was taught anew, so that codes mean what they meant.
GROWN_FROM = "grown_from"
#: An encoder lies beside its generator, native or as its authors published it.
ENCODERS = ("encoder.safetensors", "encoder.pt")
#: Short names of the default models.
ALIASES = {"portraits": "portraits-256"}
#: Official models that users bring themselves (file name, domain); their licences do not allow shipping them.
OFFICIAL = {
    "celebamask-hq": ("CelebAMask-HQ-512x512.pt", "faces"),
    "bitmoji": ("BitMoji-512x512.pt", "faces"),
    "metfaces": ("MetFaces-512x512.pt", "faces"),
    "toonify": ("Toonify-512x512.pt", "faces"),
}


@dataclass(frozen=True)
class ModelFolder:
    """A folder with a card: a model that is present, or the networks of a domain."""

    name: str
    folder: Path
    card: Mapping[str, Any]

    @property
    def domain(self) -> str:
        return str(self.card.get("domain", "faces"))

    def file(self, name: str) -> Path | None:
        """The path of one of its files, or None if it has no such file."""
        path = self.folder / name
        return path if path.exists() else None

    @property
    def start(self) -> "ModelFolder | None":
        """The model that this one was grown from, whose codes mean the same; None if there is none here."""
        known = self.card.get(GROWN_FROM)
        if not known or known == self.card.get("fingerprint"):
            return None
        return next((one for one in entries().values() if one.card.get("fingerprint") == known), None)

    def inherited(self, name: str) -> Path | None:
        """The path of one of its files, or else of its start's; None if neither has it."""
        start = None if self.file(name) else self.start
        return start.inherited(name) if start else self.file(name)

    @property
    def encoder_path(self) -> Path | None:
        """The file of its encoder, or of its start's; None if there is none."""
        own = next((path for name in ENCODERS if (path := self.file(name))), None)
        start = None if own else self.start
        return start.encoder_path if start else own

    @property
    def generator_path(self) -> Path:
        return self.folder / str(self.card.get("generator", GENERATOR))


def home() -> Path:
    """The user's own folder of models."""
    base = os.environ.get("SEMEDIT_HOME")
    return Path(base) if base else Path.home() / ".local" / "share" / "semedit"


def entries() -> dict[str, ModelFolder]:
    """All models present, shipped and added, by name."""
    return {name: entry for name, entry in folders().items() if "generator" in entry.card}


def grown_from(fingerprints: Collection[str]) -> tuple[str, ...]:
    """Fingerprints of the models present that were grown from generators with these, whose codes mean the same."""
    cards = [entry.card for entry in entries().values() if str(entry.card.get(GROWN_FROM)) in fingerprints]
    return tuple(str(card["fingerprint"]) for card in cards if card.get("fingerprint"))


def folders() -> dict[str, ModelFolder]:
    """All folders with a card: models, and the networks of a domain."""
    found = {}
    for root in (SHIPPED, home() / "models"):
        for card in sorted(root.glob(f"*/{CARD}")):
            if content := read_card(card.parent):
                found[card.parent.name] = ModelFolder(card.parent.name, card.parent, content)
    return found


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a model's folder; empty if it has none that can be read."""
    try:
        return checked_card(folder)
    except CheckpointError:
        return {}


@dataclass(frozen=True)
class FileFacts:
    """What a card says of a file."""

    bytes: int
    sha256: str


def checked_card(folder: Path) -> dict[str, Any]:
    """The card of a model's folder. Raises CheckpointError for one that is missing, or says something else."""
    path = folder / CARD
    card = read_object(path)
    files = shaped(dict[str, FileFacts], card.get("files", {}), f"{path}: files")
    names = [*files, shaped(str, card.get("generator", GENERATOR), f"{path}: generator")]
    if strange := [name for name in names if Path(name).name != name]:
        raise CheckpointError(f"{path}: '{strange[0]}' is no file of this folder")
    shaped(str, card.get("domain", "faces"), f"{path}: domain")
    return card


def broken() -> dict[str, CheckpointError]:
    """The folders whose card cannot be used, by name, and why."""
    found = {}
    for root in (SHIPPED, home() / "models"):
        for card in sorted(root.glob(f"*/{CARD}")):
            try:
                checked_card(card.parent)
            except CheckpointError as error:
                found[card.parent.name] = error
    return found


def shipped() -> list[ModelFolder]:
    """The models that came with the library, the default one first."""
    default = find("portraits")
    return [default, *(entry for entry in entries().values() if entry.folder.parent == SHIPPED and entry != default)]


def find(name: str) -> ModelFolder:
    """The model called ``name``; MissingWeights for an official one not added yet, UnknownName for any other."""
    present = entries()
    name = ALIASES.get(name, name)
    if name in present:
        return present[name]
    if name in OFFICIAL:
        file, _ = OFFICIAL[name]
        raise MissingWeights(
            f"the official model '{name}' is not here; get {file} from its authors, then "
            f"'semedit models add {name} --file {file}'"
        )
    if name in (bad := broken()):
        raise bad[name]
    raise UnknownName("model", name, (*present, *ALIASES, *OFFICIAL))
