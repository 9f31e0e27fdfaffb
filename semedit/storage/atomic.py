"""Writing results: in a hidden place in the same folder, then renamed, so that no final name is half-written."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from semedit.errors import OutputError
from semedit.storage.leftovers import place_for, sweep
from semedit.storage.ownership import check_replaceable, note


def make_folder(path: str | Path) -> Path:
    """The folder ``path``, created with its parents if missing; OutputError if it cannot be written in.

    What killed runs left there of files that they were writing is swept up.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        sweep(folder.resolve())
    except FileExistsError:
        raise OutputError(f"cannot write in {folder}: it is a file, where a folder is wanted") from None
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot write in {folder}: {getattr(error, 'strerror', None) or error}") from None
    return folder


def check_output(path: str | Path) -> Path:
    """``path``, if a result may be written there; OutputError now, before the work, if not. Its folder is made."""
    target = Path(path)
    make_folder(target.parent)
    check_replaceable(target)
    return target


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path, in the folder of ``path``; on success it is synced and renamed to ``path``, on failure removed.

    Raises OutputError, before anything is written, if ``path`` is not semedit's to replace
    (:mod:`semedit.storage.ownership`), or if it cannot be written.
    """
    target = check_output(path)
    try:
        with place_for(target) as temporary:
            yield temporary
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o666 & ~_umask())
            note(target, temporary)
            os.replace(temporary, target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from None


def write_bytes(path: str | Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: str | Path, data: Any) -> None:
    write_bytes(path, (json.dumps(data, indent=2) + "\n").encode())
