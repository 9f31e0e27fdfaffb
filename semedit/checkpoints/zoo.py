"""Which models there are, where their files lie, and whether those are intact.

A model is a folder with a ``card.json``: name, domain, files with size and SHA-256, recipe, seed, measured quality.
Shipped models are package data; a user's own lie under ``$SEMEDIT_HOME`` (default ``~/.local/share/semedit``), and win
over shipped ones of the same name. Nothing is downloaded without being asked for.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from semedit.checkpoints.native import build_generator
from semedit.checkpoints.official import load_official
from semedit.errors import CheckpointError, ConfigError
from semedit.networks.generator import SemanticGenerator
from semedit.networks.style_based import StyleBasedGenerator
from semedit.storage.atomic import make_folder, replacing, write_json
from semedit.storage.cards import (
    ALIASES,
    CARD,
    DIRECTIONS,
    DISCRIMINATOR,
    ENCODERS,
    GENERATOR,
    OFFICIAL,
    ModelFolder,
    broken,
    checked_card,
    entries,
    find,
    folders,
    grown_from,
    home,
    read_card,
    shipped,
)
from semedit.storage.content import check_file, exists
from semedit.storage.ownership import claiming, sha256
from semedit.storage.weights import load_weights

__all__ = [
    "ALIASES",
    "CARD",
    "DIRECTIONS",
    "DISCRIMINATOR",
    "ENCODERS",
    "GENERATOR",
    "OFFICIAL",
    "ModelFolder",
    "add",
    "broken",
    "checked_card",
    "describe",
    "entries",
    "find",
    "folders",
    "generator_file",
    "grown_from",
    "home",
    "load_generator",
    "read_card",
    "refresh_card",
    "shipped",
    "verify",
    "write_domain_card",
    "write_quality",
]


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


def load_generator(name_or_path: str | Path) -> SemanticGenerator:
    """Open a generator: a model's name, a native folder or file, or an official SemanticStyleGAN ``.pt``.

    Returns it frozen, in eval mode, on the CPU, with its fingerprint set. Raises UnknownName, MissingWeights, or
    CheckpointError for a file that is corrupt or of another kind.
    """
    path = generator_file(name_or_path)
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
