"""What can be told of a command's arguments before anything heavy is imported."""

from collections.abc import Sequence
from pathlib import Path

from semedit.errors import CheckpointError, ImageError
from semedit.storage import cards
from semedit.storage.content import check_file, exists


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
    problems = []
    for one in sources:
        if any(mark in one for mark in "*?[") or exists(one):
            return
        try:
            check_file(one, ImageError)
        except ImageError as error:
            problems.append(str(error))
    if problems:
        raise ImageError("; ".join(problems))
