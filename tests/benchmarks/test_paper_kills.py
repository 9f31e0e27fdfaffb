"""A report that is killed in earnest, at random moments: the next run ends with the rows of an unbroken one."""

import json
import random
import time

import pytest

from benchmarks.paper.manifest import MANIFEST
from benchmarks.paper.running import ROWS, TABLE
from semedit.cli.main import run
from tests.fuzz.kills import forked, halves

#: Parts with figures, with pictures, and with neither; counts of the least.
COMMAND = ["bench", "paper", "--model", "portraits-adversarial", "--only", "ssg.t1,ssg.f5,ssg.f7,ssg.f18,ssg.f13",
           "--set", "samples=32", "--set", "shown=2", "--json"]  # fmt: skip
KILLS = 3


def report(folder):
    """What a run leaves: rows, table and page, and the pictures, each as bytes."""
    names = [folder / name for name in (ROWS, TABLE, "report.md", "report.html", MANIFEST)]
    return {path.relative_to(folder): path.read_bytes() for path in [*names, *sorted(folder.glob("pictures/*"))]}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The report of a run that nobody stopped, and how long it took."""
    folder = tmp_path_factory.mktemp("unbroken")
    began = time.monotonic()
    assert forked(lambda: run([*COMMAND, "--out", str(folder)])) == 0
    return report(folder), time.monotonic() - began


@pytest.mark.parametrize("seed", range(2))
def test_killed_runs_go_on_to_the_same_report(unbroken, tmp_path, seed):
    wanted, length = unbroken
    draw, folder, killed, finished = random.Random(seed), tmp_path / "broken", 0, set()
    for _ in range(KILLS):
        killed += forked(lambda: run([*COMMAND, "--out", str(folder)]), 0.1 + draw.random() * length) is None
        assert not (halves(folder) if folder.exists() else [])
        units = {path: path.read_bytes() for path in folder.glob("units/*/*.json")}
        ran = {path for path, kept in units.items() if any(cell["ours"] for cell in json.loads(kept)["cells"])}
        assert finished <= ran  # what was measured is never lost
        finished = ran
    assert forked(lambda: run([*COMMAND, "--out", str(folder)])) == 0
    assert killed and report(folder) == wanted
