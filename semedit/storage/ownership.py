"""Whose files are whose: what results may replace, and what their folders are called.

A result replaces a file that semedit wrote there, and nothing else. Each folder that results are written into has a
register (``.semedit-made``, in the form of ``sha256sum``) of what was written there: a file that is not in it, or has
been changed since, is the user's. Devices, pipes and symbolic links are never replaced.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from semedit.errors import OutputError
from semedit.storage.content import exists

REGISTER = ".semedit-made"
#: The longest name of a folder made from an input's name, in bytes, and letters that it never has.
LONGEST = 100
_claims: list[Path] = []
_registers: dict[Path, tuple[int, set[str]]] = {}


@contextmanager
def claiming(folder: str | Path) -> Iterator[None]:
    """Within, whatever lies below ``folder`` may be replaced: a folder of semedit's own, or one that the user insists
    on. Links, pipes and devices still may not."""
    root = Path(folder).resolve()
    _claims.append(root)
    try:
        yield
    finally:
        _claims.remove(root)


def check_replaceable(path: Path) -> None:
    """OutputError, saying why, if a result may not be written at ``path``."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None
    if stat.S_ISLNK(mode):
        raise OutputError(f"{path} is a symbolic link, which no result replaces; name another file")
    if stat.S_ISDIR(mode):
        raise OutputError(f"{path} is a folder; name a file")
    if not stat.S_ISREG(mode):
        raise OutputError(f"{path} is a device, pipe or socket, which no result replaces; name another file")
    whole = path.parent.resolve() / path.name
    if any(whole.is_relative_to(root) for root in _claims):
        return
    if f"{sha256(path)}  {path.name}" not in _made(whole.parent):
        raise OutputError(
            f"{path} exists, and semedit did not write it, or it has been changed since; name another file, or insist "
            f"with --overwrite"
        )


def note(path: Path, content: Path) -> None:
    """Enter into the register of the folder of ``path`` what is about to be renamed to it."""
    whole = path.parent.resolve() / path.name
    if any(whole.is_relative_to(root) for root in _claims):
        return
    line = f"{sha256(content)}  {path.name}\n"
    register = os.open(path.parent / REGISTER, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    with open(register, "ab") as file:
        file.write(os.fsencode(line))


def _made(folder: Path) -> set[str]:
    """The lines of a folder's register; what was read of it before is remembered."""
    register = folder / REGISTER
    size = register.stat().st_size if register.is_file() and not register.is_symlink() else 0
    done, lines = _registers.get(folder, (0, set()))
    if size < done:
        done, lines = 0, set()
    if size > done:
        with open(register, "rb") as file:
            file.seek(done)
            lines |= set(os.fsdecode(file.read(size - done)).split("\n"))
    _registers[folder] = (size, lines)
    return lines


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_name(source: str | Path) -> str:
    """What the folder of an input is called: its name without the ending, at most LONGEST bytes, safe anywhere.

    Never empty, never dots, no separator, control character or broken letter; a name that had to be changed ends in a
    hash of what it was.

    >>> folder_name("a/photo.jpg"), folder_name("Zoë & me.png")
    ('photo', 'Zoë & me')
    >>> folder_name("...png"), folder_name("..")
    ('picture-f3735e44', 'picture-5ec1f7e7')
    """
    name = Path(source).name or str(source)
    stem = Path(name).stem
    plain = "".join(c for c in stem if c.isprintable() and c not in '/\\:*?"<>|').strip(" .")
    short = plain.encode("utf-8", "ignore")[: LONGEST - 9].decode("utf-8", "ignore").strip(" .")
    if plain == stem and len(plain.encode()) <= LONGEST:
        return plain or f"picture-{short_hash(name)}"
    return f"{short or 'picture'}-{short_hash(name)}"


def short_hash(text: str) -> str:
    """Eight hexadecimal digits that stand for a text."""
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:8]


def empty(folder: Path) -> bool:
    """Whether a folder has nothing in it that shows: one that was made, and no more, by a run that was killed."""
    try:
        return not folder.is_symlink() and all(entry.name.startswith(".") for entry in folder.iterdir())
    except OSError:
        return False


def begun(folder: Path) -> bool:
    """Whether a run may go on in a folder without a manifest: it is empty, or semedit has written into it."""
    return empty(folder) or (folder / REGISTER).is_file()


def inside(folder: Path, root: Path) -> Path:
    """``folder``, a result folder in ``root``; OutputError if it is a link, which may lead anywhere, or a file."""
    if folder.is_symlink():
        raise OutputError(f"{folder} is a symbolic link; results are not written through it into other folders")
    if exists(folder) and not folder.is_dir():
        raise OutputError(f"{folder} is a file, where a folder of {root} is to be made")
    return folder
