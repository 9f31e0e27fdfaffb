"""What can be told of a command's arguments before anything heavy is imported."""

from collections.abc import Sequence
from pathlib import Path

from semedit.errors import CheckpointError, ImageError
from semedit.storage import cards


def exists(path: str | Path) -> bool:
    """Whether something is there; False too for names that no file system takes."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def check_model(name_or_path: str) -> None:
    """Raise UnknownName, MissingWeights or CheckpointError for a model, or the path of one, that is not there."""
    path = Path(name_or_path)
    if exists(path):
        return
    if path.suffix or len(path.parts) > 1:
        raise CheckpointError(f"{path}: no such file or folder")
    cards.find(name_or_path)


def check_sources(sources: Sequence[str]) -> None:
    """Raise ImageError if none of the files, folders or globs that are named is there; some may fail on their own."""
    if sources and not [one for one in sources if any(mark in one for mark in "*?[") or exists(one)]:
        raise ImageError("; ".join(f"{one}: no such file" for one in sources))
