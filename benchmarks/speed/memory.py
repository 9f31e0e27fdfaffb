"""Memory that sampling, labelling and editing take at most, for few pictures and for many, in processes of their own.

Run as a module with a model, a count and a folder, it labels as many samples.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rows import Lines, Row
from directions.labels import label_samples
from semedit.editing.loading import load
from semedit.errors import SemeditError

#: Pictures of the small count and of the large one, unless told otherwise.
FEW, MANY = 100, 1000
#: Bytes of the unit in which a system tells of a process's memory.
UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, kw_only=True)
class MemoryRow(Row):
    """How many times the memory of ``n`` pictures ``many`` take; ``few_mb``, ``many_mb``: the processes' peaks."""

    metric: str = "ratio"
    many: int
    few_mb: float
    many_mb: float


def sample(model: str, count: int, folder: Path) -> list[str]:
    """Sheets of samples."""
    return ["semedit", "sample", "--count", str(count), "--sheet-only", "--model", model, "--out", str(folder)]


def label(model: str, count: int, folder: Path) -> list[str]:
    """Scores of samples."""
    return ["benchmarks.speed.memory", model, str(count), str(folder)]


def edit(model: str, count: int, folder: Path) -> list[str]:
    """Edited pictures of as many latents, which are written first."""
    codes, place = load(model).sample(count, seed=1), folder / "codes"
    place.mkdir()
    for index in range(count):
        codes[index].save(place / f"{index:05d}.safetensors")
    return ["semedit", "edit", str(place), "--attr", "smile", "--model", model, "--out", str(folder / "edited")]


#: The module and its arguments that do a task with a model, for a count, in a folder.
TASKS: dict[str, Callable[[str, int, Path], list[str]]] = {"sample": sample, "label": label, "edit": edit}


def measure(model: str, few: int = FEW, many: int = MANY, tasks: Sequence[str] = tuple(TASKS)) -> Iterator[MemoryRow]:
    """A row for each task. Raises SemeditError for one that fails."""
    for task in tasks:
        small, large = (peak(task, model, count) for count in (few, many))
        yield MemoryRow(
            task="memory",
            method=task,
            model=model,
            value=large / small,
            n=few,
            protocol="peak resident memory of a process of its own",
            many=many,
            few_mb=small,
            many_mb=large,
        )


def peak(task: str, model: str, count: int) -> float:
    """The most megabytes that a process has taken which does a task for ``count`` pictures."""
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryFile("w+") as said:
        command = [sys.executable, "-m", *TASKS[task](model, count, Path(name))]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            reason = (said.read().strip().splitlines() or ["no reason given"])[-1]
            raise SemeditError(f"{task} of {count} pictures failed: {reason}")
    return usage.ru_maxrss * UNIT / 1e6


def table(rows: Sequence[MemoryRow]) -> Lines:
    """A line a row."""
    return [
        {
            "task": row.method,
            f"{row.n} pictures": f"{row.few_mb:.0f} MB",
            f"{row.many} pictures": f"{row.many_mb:.0f} MB",
            "ratio": row.value,
        }
        for row in rows
    ]


def main(name: str, count: str, folder: str) -> None:
    """Label ``count`` samples of a model into a folder."""
    model = load(name)
    label_samples(model, model.domain.attributes(), int(count), 0, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
