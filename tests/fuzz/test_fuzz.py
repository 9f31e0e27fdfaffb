"""Hostile inputs, for about a minute; ``python -m tests.fuzz --cases 1500`` goes on for longer.

Pictures, safetensors, pickles, texts, command lines, numbers, names, outputs and signals: no traceback, no hang, no
number that is not finite, nothing touched outside OUT.
"""

import os
from pathlib import Path

import pytest

from tests.fuzz.__main__ import try_all
from tests.fuzz.cases import MAKERS
from tests.fuzz.kills import kill_folders, kill_training
from tests.fuzz.world import build


@pytest.fixture(autouse=True)
def back(monkeypatch):
    """The world moves into a folder of its own."""
    here = Path.cwd()
    yield
    os.chdir(here)


@pytest.mark.parametrize("kind", [maker.__name__ for maker in MAKERS])
def test_hostile_inputs_end_in_a_named_error(tmp_path, kind):
    share = next(share for maker, share in MAKERS.items() if maker.__name__ == kind)
    verdicts = try_all(tmp_path / "world", max(4, 2 * share), 7, (kind,))
    assert verdicts.tried[kind] >= 4
    assert not verdicts.faults, "\n\n".join(f"{case}\n{fault}" for case, fault in verdicts.faults)


def test_killed_training_resumes_with_the_same_bits(tmp_path):
    assert kill_training(tmp_path, 3) == []


def test_killed_folders_are_finished_by_the_same_command(tmp_path):
    assert kill_folders(build(tmp_path / "world"), 2, pictures=3) == []
