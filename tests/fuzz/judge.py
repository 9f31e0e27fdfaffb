"""What every hostile case must end in: a result or one named error, within a minute, and nothing of the user's touched.

A case is judged by what it did: which exception came out, what was written to the process's own stdout and stderr, how
long it took, and what lies in the world afterwards.
"""

import os
import signal
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from semedit.errors import SemeditError

#: Seconds after which a case hangs.
PATIENCE = 60.0


class Hang(BaseException):
    """Raised in a case that has taken too long."""


@dataclass(frozen=True)
class Case:
    """One hostile input: what is done with it, and whether a number in it is not finite, so that it must be refused.

    ``allowed`` are exit codes of a command that are no fault; a call that is no command returns None.
    """

    kind: str
    name: str
    act: Callable[[], object]
    poisoned: bool = False
    allowed: tuple[int, ...] = (0, 1, 2)


@dataclass
class Verdicts:
    """Counts of what was tried, and every fault found: (case, what was wrong)."""

    tried: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, str]] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")

    def lines(self) -> Iterator[str]:
        for kind, count in sorted(self.tried.items()):
            yield f"{kind:12} {count:5} cases, {self.refused[kind]:5} refused"
        yield f"{'all':12} {self.tried.total():5} cases, {self.refused.total():5} refused, {len(self.faults)} faults"
        yield f"slowest: {self.slowest[0]:.1f} s, {self.slowest[1]}"


@contextmanager
def patience(seconds: float = PATIENCE) -> Iterator[None]:
    """Hang is raised within once ``seconds`` have gone by."""

    def impatient(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGUSR1, impatient)
    timer = threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGUSR1))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        signal.signal(signal.SIGUSR1, before)


@contextmanager
def heard() -> Iterator[Callable[[], str]]:
    """Within, what the process writes to its stderr, C libraries included, goes to what the yielded call reads."""
    with tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as out:
        kept = {number: os.dup(number) for number in (1, 2)}
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        try:
            yield lambda: os.pread(err.fileno(), 10**6, 0).decode(errors="replace")
        finally:
            for number, copy in kept.items():
                os.dup2(copy, number)
                os.close(copy)


def fingerprints(root: Path, besides: Path) -> Mapping[str, tuple[int, int, int, str]]:
    """Kind, size, time and target of everything below ``root``, but not below ``besides``."""
    found = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if Path(folder) / name != besides]
        for name in (*folders, *files):
            path = Path(folder) / name
            facts = path.lstat()
            size, when = (0, 0) if path.is_dir() and not path.is_symlink() else (facts.st_size, facts.st_mtime_ns)
            found[str(path)] = (facts.st_mode, size, when, str(path.readlink()) if path.is_symlink() else "")
    return found


def judge(case: Case, verdicts: Verdicts, root: Path, out: Path) -> None:
    """Try a case; what it does wrong is added to ``verdicts``. Nothing below ``root`` but ``out`` may change."""
    before, began, wrong, refused = fingerprints(root, out), time.monotonic(), [], False
    with heard() as err:
        try:
            with patience():
                code = case.act()
            refused = isinstance(code, int) and code not in (0, 130)
            if isinstance(code, int) and code not in case.allowed:
                wrong.append(f"exit code {code}")
        except SemeditError:
            refused = True
        except Hang:
            wrong.append(f"hangs for {PATIENCE:.0f} s")
        except BaseException:  # whatever else comes out is a fault
            wrong.append(traceback.format_exc(limit=-6))
        said = err()
    seconds = time.monotonic() - began
    if "Traceback" in said:
        wrong.append(said[-1500:])
    elif strange := [line for line in said.splitlines() if line.strip() and not line.startswith("semedit: ")]:
        wrong.append(f"noise on stderr: {strange[0][:200]}")
    if case.poisoned and not refused:
        wrong.append("took a number that is not finite")
    after = fingerprints(root, out)
    if changed := sorted({*before.items()} ^ {*after.items()}):
        wrong.append(f"touched {changed[0][0]}")
    verdicts.tried[case.kind] += 1
    verdicts.refused[case.kind] += refused
    verdicts.faults += [(f"{case.kind}: {case.name}", text) for text in wrong]
    verdicts.slowest = max(verdicts.slowest, (seconds, f"{case.kind}: {case.name}"))
