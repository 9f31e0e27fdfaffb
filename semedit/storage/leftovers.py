"""What a run leaves behind that was killed while it wrote, and the run after it that sweeps it up.

Each file is written within a hidden folder of its own beside its final place, ``.NAME.PROCESS-LETTERS.tmp``, so that
whatever a library writes on the way lies there too. A folder of that kind whose process has ended is nobody's.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

#: What a file is called until it has its final name. Libraries may write under names of their own first.
CONTENT, OTHERS = "content", ".tmp"
_name = re.compile(r"\..+\.(?P<process>\d+)-\w+\.tmp", re.DOTALL)
_swept: set[Path] = set()


@contextmanager
def place_for(target: Path) -> Iterator[Path]:
    """A path to write what is to be renamed to ``target``; what is left of it at the end is removed.

    Raises OSError.
    """
    folder = Path(mkdtemp(".tmp", f".{target.name[:40]}.{os.getpid()}-", target.parent))
    try:
        with _held(folder):
            yield folder / CONTENT
    finally:
        _remove(folder)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """A lock on a folder, which ends with the process; none on file systems that have no locks."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        with suppress(OSError):
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(opened)


def sweep(folder: Path) -> None:
    """Remove from ``folder``, once in a process, what processes that have ended left there; nothing else."""
    if folder in _swept:
        return
    _swept.add(folder)
    for path in [entry for entry in folder.iterdir() if _name.fullmatch(entry.name)]:
        with suppress(OSError):
            if _abandoned(path):
                _remove(path)


def _abandoned(path: Path) -> bool:
    """Whether a folder is one of semedit's whose process has ended: by its number, and by the lock, which processes of
    other machines or containers hold too."""
    named = _name.fullmatch(path.name)
    if not named or path.is_symlink() or not path.is_dir() or _alive(int(named["process"])):
        return False
    if any(not (entry.name == CONTENT or entry.name.startswith(OTHERS)) for entry in path.iterdir()):
        return False
    opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(opened)
    return True


def _alive(process: int) -> bool:
    """Whether a process of this number, other than this one, is at work here."""
    if process == os.getpid():  # this process sweeps a folder before it writes there: what is left is a namesake's
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _remove(folder: Path) -> None:
    """Remove a folder of files."""
    with suppress(OSError):
        for entry in folder.iterdir():
            entry.unlink()
        folder.rmdir()
