"""Where what is learnt of a model is written."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from semedit.editing.model import Model


def place(model: "Model", out: str | None, name: str) -> Path:
    """The file to write: ``out``, or ``name`` beside the model; in the working directory where that is only a file."""
    return Path(out) if out else (model.entry.folder if model.entry else Path()) / name


def keep(model: "Model", path: Path, write: Callable[[Path], None]) -> None:
    """Write a file; beside its model, over what is there, and the model's card is renewed."""
    from semedit.checkpoints import zoo
    from semedit.storage.ownership import claiming

    if model.entry and path.parent == model.entry.folder:
        with claiming(model.entry.folder):
            write(path)
        zoo.refresh_card(model.entry)
    else:
        write(path)
