"""What a file holds, checked before it is believed: that it is a file, sound JSON, of the expected build.

Everything that is read from a file goes through here: whatever is wrong with it ends in one named error that begins
with the file's name, and numbers are finite.
"""

import json
import os
import stat
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import cache
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from semedit.errors import CheckpointError, SemeditError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")
#: What code meets that builds something from content of another form than it expects.
MALFORMED = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, RecursionError, RuntimeError, SyntaxError,
    TypeError, ValueError,
)  # fmt: skip


def exists(path: str | Path) -> bool:
    """Whether something is there; False too for names that no file system takes (too long, or with a null byte)."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def check_file(path: str | Path, error: type[SemeditError] = CheckpointError) -> Path:
    """``path``, if it is a regular file that may be read; ``error``, saying what it is instead, if not."""
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise error(f"{path}: no such file") from None
    except (OSError, ValueError) as problem:
        raise error(f"{path}: cannot be opened ({getattr(problem, 'strerror', None) or problem})") from None
    if stat.S_ISDIR(mode):
        raise error(f"{path}: is a folder, not a file")
    if not stat.S_ISREG(mode):
        raise error(f"{path}: is a device, pipe or socket, not a file")
    if not os.access(path, os.R_OK):
        raise error(f"{path}: may not be read (permission denied)")
    return path


@contextmanager
def reading(path: str | Path, error: type[SemeditError] = CheckpointError) -> Iterator[None]:
    """Around code that builds something from a file's content: what goes wrong is ``error``, naming the file.

    A named error that says which file keeps its class; one that does not becomes ``error``.
    """
    try:
        yield
    except SemeditError as problem:
        if str(path) in str(problem):
            raise
        raise error(f"{path}: {problem}") from None
    except (PermissionError, IsADirectoryError) as problem:
        raise error(f"{path}: may not be read ({problem.strerror})") from None
    except MemoryError:
        raise error(f"{path}: asks for more memory than there is") from None
    except (*MALFORMED, OSError) as problem:
        first = next(iter(str(problem).splitlines()), "")[:120]
        what = f"no {problem}" if isinstance(problem, KeyError) else first or type(problem).__name__
        raise error(f"{path}: damaged, or of another form than expected ({what})") from None


def parse_object(text: str | bytes, source: str | Path, error: type[SemeditError] = CheckpointError) -> dict[str, Any]:
    """A JSON object whose numbers are finite: NaN and infinities are unknown, and become None. Raises ``error``."""
    try:
        found = json.loads(text, parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError):
        raise error(f"{source}: holds no valid JSON where some is expected") from None
    if not isinstance(found, dict):
        raise error(f"{source}: holds a JSON {type(found).__name__} where an object is expected")
    return found


def read_object(path: str | Path, error: type[SemeditError] = CheckpointError) -> dict[str, Any]:
    """The JSON object in a file. Raises ``error``."""
    with reading(check_file(path, error), error):
        return parse_object(Path(path).read_bytes(), path, error)


def read_text(path: str | Path, error: type[SemeditError] = CheckpointError, encoding: str = "utf-8") -> str:
    """The text in a file, its line ends as they are. Raises ``error``."""
    with reading(check_file(path, error), error):
        return Path(path).read_bytes().decode(encoding)


def _finite(text: str) -> float | None:
    value = float(text)
    return value if isfinite(value) else None


def shaped(kind: type[T], data: Any, source: str | Path, error: type[SemeditError] = CheckpointError) -> T:
    """``data`` from JSON as a ``kind``: a dataclass, a typed dictionary, or a type such as ``list[str]``.

    Raises ``error`` that names the first entry of another type, and for numbers that are not finite: JSON has none,
    but a text such as "nan" counts as a number.
    """
    from pydantic import ValidationError

    try:
        found: T = _adapter(cast(Hashable, kind)).validate_python(data)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise error(f"{source}: {where + ': ' if where else ''}{first['msg']}") from None
    if not all(isfinite(number) for number in _floats(found)):
        raise error(f"{source}: holds NaN or infinite numbers")
    return found


def _floats(content: object) -> Iterator[float]:
    """Every float in dataclasses, dictionaries and sequences, however deep."""
    waiting = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, float):
            yield value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
        elif is_dataclass(value) and not isinstance(value, type):
            waiting += [getattr(value, field.name) for field in fields(value)]


@cache
def _adapter(kind: Hashable) -> "TypeAdapter[Any]":
    from pydantic import TypeAdapter

    return TypeAdapter(cast(Any, kind))
