"""Weight files that do not ship: where they are looked for, and what is said where one is missing."""

import os
from pathlib import Path

import torch

from semedit.errors import MissingWeights


def weights_file(path: str | Path | None, variable: str, name: str, purpose: str) -> Path:
    """A network's file: the one given, the one that the environment names, or torch's cache.

    Raises MissingWeights, saying where it is looked for, if there is none.
    """
    home = Path(os.environ.get("TORCH_HOME", Path.home() / ".cache" / "torch"))
    found = Path(path or os.environ.get(variable) or home / "checkpoints" / name)
    if not found.exists():
        raise MissingWeights(f"{purpose} needs {name} at {found}; put the file there, or set {variable} to its path")
    return found


def weight_file(variable: str, name: str) -> Path:
    """The local file of a network that does not ship; MissingWeights that says where it is looked for."""
    path = Path(os.environ.get(variable) or Path(torch.hub.get_dir()) / "checkpoints" / name)
    if not path.exists():
        raise MissingWeights(f"{name} is not at {path}; put the file there, or set {variable} to its path")
    return path
