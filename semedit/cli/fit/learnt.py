"""Where what is learnt of a model is written."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from semedit.errors import ConfigError
from semedit.storage.atomic import check_output

if TYPE_CHECKING:
    from semedit.editing.model import Model


def place(model: "Model", out: str | None, name: str, *endings: str) -> Path:
    """The file to write: ``out``, or ``name`` beside the model; in the working directory where that is only a file.

    It is checked as :func:`weights_file` does, before there is anything to write.
    """
    if not out and model.entry:
        return model.entry.folder / name
    return weights_file(out or name, *endings)


def weights_file(path: str | Path, *endings: str) -> Path:
    """``path``, if it ends as files of weights do (in .safetensors, or one of ``endings``), and may be written.

    Raises ConfigError or OutputError.
    """
    if Path(path).suffix not in (known := (".safetensors", *endings)):
        raise ConfigError(f"{path}: what is learnt is written to a file that ends in {' or '.join(known)}")
    return check_output(path)


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
