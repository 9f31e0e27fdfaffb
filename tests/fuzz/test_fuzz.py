"""Hostile inputs, for about a minute; ``python -m tests.fuzz --cases 1500`` goes on for longer.

Pictures, files of networks, codes, arrays and tables, texts, command lines, numbers, names, outputs and signals: no
traceback, no hang, no number that is not finite, nothing touched outside OUT.
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


def test_hostile_inputs_end_in_a_named_error(tmp_path):
    verdicts = try_all(tmp_path / "world", 140, 7)
    assert verdicts.tried.keys() == {maker.__name__ for maker in MAKERS}
    assert not verdicts.faults, "\n\n".join(f"{case}\n{fault}" for case, fault in verdicts.faults)


def test_killed_training_resumes_with_the_same_bits(tmp_path):
    assert kill_training(tmp_path, 2) == []


def test_killed_folders_are_finished_by_the_same_command(tmp_path):
    assert kill_folders(build(tmp_path / "world"), 2, pictures=3) == []
