"""A run's folder: claimed by one trainer at a time, and never one with files of the user's."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from semedit.errors import OutputError
from semedit.storage.atomic import make_folder
from semedit.storage.ownership import claiming
from semedit.training.engine.state import STATE, read_header
from semedit.training.engine.team import Team

LOCK = ".semedit-run"
#: Files of a run by whose names a folder without LOCK is asked whose it is.
NAMES = ("config.json", "log.jsonl", "generator.safetensors", "encoder.safetensors", "best.safetensors")


@contextmanager
def run_folder(path: str | Path, team: Team) -> Iterator[Path]:
    """The folder of a run, made, and this run's until it ends, however it ends: the lock is the process's own.

    Raises OutputError for a folder in which another trainer is at work, or with files of a run's names that no run
    wrote; CheckpointError for a state that cannot be read.
    """
    folder = make_folder(path)
    if not team.primary:
        with claiming(folder):
            yield folder
        return
    lock = folder / LOCK
    if not lock.exists():
        _check_own(folder)
    with open(lock, "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OutputError(f"{folder}: another trainer is at work in this folder; name another with --out") from None
        with claiming(folder):
            yield folder


def _check_own(folder: Path) -> None:
    """OutputError for a folder with files of a run's names, unless its state says that a run wrote them."""
    there = [name for name in NAMES if (folder / name).exists()]
    states = [folder / STATE, *sorted(folder.glob(f"*/{STATE}"))]  # those of a course lie in its stages' folders
    if kept := [state for state in states if state.exists()]:
        read_header(kept[0])
    elif there:
        raise OutputError(f"{folder} holds a {there[0]} that no run of semedit's wrote; name another folder with --out")
