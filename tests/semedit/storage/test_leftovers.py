"""What killed runs were writing is swept up by the next one; what is anybody else's, or is being written, stays."""

import fcntl
import os
import signal
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from semedit.storage.atomic import replacing, write_bytes
from semedit.storage.leftovers import CONTENT, _swept
from semedit.storage.tensors import write_tensors


@pytest.fixture(autouse=True)
def another_run():
    """What is swept once in a process is swept again in each test."""
    _swept.clear()


def writer(folder: Path, wait: float) -> int:
    """The number of a process that writes ``folder/theirs``, and takes its time once it has begun."""
    child = os.fork()
    if not child:
        code = 1
        try:
            with replacing(folder / "theirs") as place:
                save_file({"x": torch.zeros(3)}, place)
                (place.parent / ".tmpAbC").touch()  # as safetensors has it on the way
                (folder / "begun").touch()
                time.sleep(wait)
            code = 0
        finally:
            os._exit(code)
    while not (folder / "begun").exists():
        time.sleep(0.01)
    return child


def hidden(folder: Path) -> list[Path]:
    return sorted(folder.glob(".*.tmp"))


def test_nothing_is_left_of_a_write_that_succeeds_or_fails(tmp_path):
    write_tensors(tmp_path / "a.safetensors", {}, {"x": torch.zeros(3)})
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "b") as place:
        place.write_text("half")
        raise KeyboardInterrupt
    assert {path.name for path in tmp_path.iterdir()} == {"a.safetensors", ".semedit-made"}


def test_the_next_run_sweeps_what_a_killed_one_left(tmp_path):
    child = writer(tmp_path, 60)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert len(hidden(tmp_path)) == 1 and not (tmp_path / "theirs").exists()
    write_bytes(tmp_path / "mine", b"")
    assert hidden(tmp_path) == []


def test_what_a_live_process_writes_stays(tmp_path):
    child = writer(tmp_path, 0.5)
    write_bytes(tmp_path / "mine", b"")
    assert len(hidden(tmp_path)) == 1
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (tmp_path / "theirs").exists() and hidden(tmp_path) == []


def dead() -> int:
    """A number that no process has any more."""
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    return child


def test_what_is_locked_elsewhere_stays(tmp_path):
    """A process of another container has a number of its own, and the same lock."""
    place = tmp_path / f".a.png.{dead()}-abc.tmp"
    place.mkdir()
    (place / CONTENT).write_text("half")
    opened = os.open(place, os.O_RDONLY)
    fcntl.flock(opened, fcntl.LOCK_EX)
    write_bytes(tmp_path / "mine", b"")
    assert (place / CONTENT).read_text() == "half"
    os.close(opened)
    _swept.clear()
    write_bytes(tmp_path / "mine", b"")
    assert not place.exists()


def test_what_is_the_users_stays(tmp_path):
    """Files and links of such names, and folders with something else in them."""
    number = dead()
    (tmp_path / f".file.{number}-abc.tmp").write_text("mine")
    (tmp_path / ".file.tmp").write_text("mine")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / CONTENT).write_text("mine")
    (tmp_path / f".link.{number}-abc.tmp").symlink_to(tmp_path / "other")
    (tmp_path / f".folder.{number}-abc.tmp").mkdir()
    (tmp_path / f".folder.{number}-abc.tmp" / "notes.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    write_bytes(tmp_path / "mine", b"")
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "mine", tmp_path / ".semedit-made"])
