"""Weight files that do not ship: where they are looked for, and what is said where one is missing."""

import os
from pathlib import Path

import torch

from semedit.errors import MissingWeights
from semedit.storage.content import exists


def weights_folder() -> Path:
    """Where every loader looks for the weights of others: ``checkpoints`` in torch.hub's folder."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def find_weights(name: str, variable: str, purpose: str, path: str | Path | None = None) -> Path:
    """A network's file: ``path``, or what the environment's ``variable`` names, or ``name`` in torch's own cache.

    The cache is ``checkpoints`` in torch.hub's folder (``$TORCH_HOME/hub``; ``~/.cache/torch/hub`` where that is not
    set). Raises MissingWeights, saying what ``purpose`` the file is for and where it is looked for, if it is not there.
    """
    found = Path(path or os.environ.get(variable) or weights_folder() / name)
    if not exists(found):
        message = f"{purpose} needs {name} at {found}; put the file there, or set {variable} to its path"
        raise MissingWeights(message, name, purpose)
    return found
