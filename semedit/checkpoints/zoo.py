"""Which models there are, where their files lie, and whether those are intact.

A model is a folder with a ``card.json``: name, domain, files with size and SHA-256, recipe, seed, measured quality.
Shipped models are package data; a user's own lie under ``$SEMEDIT_HOME`` (default ``~/.local/share/semedit``), and win
over shipped ones of the same name. Nothing is downloaded without being asked for.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semedit.errors import CheckpointError, ConfigError, MissingWeights, UnknownName
from semedit.networks.generator import SemanticGenerator
from semedit.networks.style_based import StyleBasedGenerator
from semedit.storage.atomic import make_folder, replacing, write_json
from semedit.storage.content import check_file, exists, read_object, shaped
from semedit.storage.ownership import claiming, sha256
from semedit.storage.shipped import SHIPPED

if TYPE_CHECKING:
    from semedit.networks.generator import SemanticGenerator

CARD, GENERATOR, DIRECTIONS = "card.json", "generator.safetensors", "directions.safetensors"
DISCRIMINATOR = "discriminator.safetensors"
#: An encoder lies beside its generator, native or as its authors published it.
ENCODERS = ("encoder.safetensors", "encoder.pt")
#: Short names of the default models.
ALIASES = {"portraits": "portraits-128"}
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
    def encoder_path(self) -> Path | None:
        """The file of its encoder, or None if it has none."""
        return next((path for name in ENCODERS if (path := self.file(name))), None)

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


def generator_file(name_or_path: str | Path) -> Path:
    """The file, or native folder, that a generator is opened from: a model's by name, or the path itself.

    Raises UnknownName or MissingWeights for a name, CheckpointError for a path that is not there.
    """
    path = Path(name_or_path)
    if exists(path):
        return path
    if path.suffix or len(path.parts) > 1:
        raise CheckpointError(f"{path}: no such file or folder")
    return find(str(name_or_path)).generator_path


def load_generator(name_or_path: str | Path) -> "SemanticGenerator":
    """Open a generator: a model's name, a native folder or file, or an official SemanticStyleGAN ``.pt``.

    Returns it frozen, in eval mode, on the CPU, with its fingerprint set. Raises UnknownName, MissingWeights, or
    CheckpointError for a file that is corrupt or of another kind.
    """
    path = generator_file(name_or_path)

    from semedit.checkpoints.native import build_generator
    from semedit.checkpoints.official import load_official
    from semedit.storage.weights import load_weights

    if path.suffix in (".pt", ".pth"):
        return load_official(path)
    return build_generator(load_weights(path, "generator"), path)


def describe(folder: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    """Size and SHA-256 of files in a folder, for a card."""
    return {name: {"bytes": (folder / name).stat().st_size, "sha256": sha256(folder / name)} for name in names}


def verify(entry: ModelFolder) -> list[str]:
    """What is wrong with a model's files: missing or unreadable, of another size or SHA-256 than the card's, or a
    digest, within a file, of another content; empty if all is well."""
    files = entry.card.get("files", {})
    more = [path.name for path in sorted(entry.folder.glob("*.safetensors")) if path.name not in files]
    problems = [_problem(entry.folder / name, files.get(name)) for name in (*files, *more)]
    return [problem for problem in problems if problem]


def _problem(path: Path, facts: Mapping[str, Any] | None) -> str | None:
    """What is wrong with a file, of which the card says ``facts``."""
    if not path.exists():
        return f"{path.name}: missing"
    from semedit.storage.tensors import read_tensors

    try:
        check_file(path)
        if facts and path.stat().st_size != facts["bytes"]:
            return f"{path.name}: {path.stat().st_size} bytes instead of {facts['bytes']}"
        if facts and sha256(path) != facts["sha256"]:
            return f"{path.name}: SHA-256 differs from the card's"
        if path.suffix == ".safetensors":
            read_tensors(path, "weights")
    except CheckpointError as error:
        return str(error).replace(str(path), path.name)
    return None


def add(name: str, file: str | Path, domain: str | None = None, encoder: str | Path | None = None,
        opener: Callable[[Path], StyleBasedGenerator] = load_generator) -> ModelFolder:  # fmt: skip
    """Copy a weight file (official ``.pt`` or native) into the user's models under ``name``, after opening it once.

    The file of an ``encoder`` is copied beside it as it is; ``opener`` opens files of another kind of generator.

    Raises CheckpointError if it cannot be opened, ConfigError if the name is taken or not a plain word.
    """
    file = Path(file)
    if not name.replace("-", "").replace("_", "").isalnum():
        raise ConfigError(f"'{name}': a model's name is made of letters, digits, '-' and '_'")
    folder = home() / "models" / name
    if (folder / CARD).exists():
        raise ConfigError(f"there is a model called '{name}' already, in {folder}")
    generator = opener(check_file(file))
    target = GENERATOR if file.suffix == ".safetensors" else f"generator{file.suffix}"
    make_folder(folder)
    copies = {target: file}
    if encoder:
        copies[f"encoder{Path(encoder).suffix}"] = Path(encoder)
    for copied, original in copies.items():
        with replacing(folder / copied) as temporary:
            shutil.copyfile(original, temporary)
    card = {
        "name": name,
        "domain": domain or (OFFICIAL[name][1] if name in OFFICIAL else "faces"),
        "generator": target,
        "size": generator.config.size,
        "fingerprint": generator.fingerprint,
        "source": file.name,
        "files": describe(folder, list(copies)),
    }
    write_json(folder / CARD, card)
    return ModelFolder(name, folder, card)


def refresh_card(entry: ModelFolder) -> None:
    """Write the card anew with the present files' sizes and hashes."""
    names = {path.name for path in entry.folder.glob("*.safetensors")}
    names |= {path.name for path in entry.folder.glob("*.pt")}
    with claiming(entry.folder):
        write_json(entry.folder / CARD, {**entry.card, "files": describe(entry.folder, sorted(names))})


def write_quality(entry: ModelFolder, name: str, rows: list[dict[str, Any]]) -> None:
    """Put measured figures on a model's card, under ``quality.<name>``."""
    kept = ("value", "std", "low", "high", "n", "protocol", "seconds_per_image", "nearer", "edited", "unedited")
    figures = {row["metric"]: {key: row[key] for key in kept if row.get(key) is not None} for row in rows}
    card = read_card(entry.folder)
    with claiming(entry.folder):
        write_json(entry.folder / CARD, {**card, "quality": {**card.get("quality", {}), name: figures}})


def write_domain_card(folder: Path, domain: str) -> None:
    """The card of a folder of domain networks: how each was trained, its held-out quality, sizes and hashes."""
    from semedit.storage.weights import load_weights

    networks = {}
    for path in sorted(folder.glob("*.safetensors")):
        weights = load_weights(path)
        networks[path.name] = {"kind": weights.kind, **weights.extra}
    refresh_card(ModelFolder(folder.name, folder, {"name": folder.name, "domain": domain, "networks": networks}))
