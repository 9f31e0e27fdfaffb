"""A run's folder: one trainer at a time, never the user's; what is kept is kept before anything is looked at."""

import os
import signal
import time

import pytest
import torch

from semedit.domains.portraits.domain import PORTRAITS
from semedit.errors import OutputError, UnknownName
from semedit.storage.tensors import write_tensors
from semedit.training.engine.folder import run_folder
from semedit.training.engine.run import Due, Plan, RunLog, run_steps
from semedit.training.engine.state import STATE, read_header, write_state
from semedit.training.engine.team import Team
from semedit.training.gan.recipes import recipe
from semedit.training.gan.trainer import train

TINY = recipe("portraits-tiny").replace(images=32, monitor_every=0)


class Counting:
    """A step that counts, and a source that has nothing."""

    def __init__(self, at: int = -1):
        self.step, self.at = 0, at

    def run(self, _: object) -> None:
        self.step += 1
        if self.step == self.at:
            os.kill(os.getpid(), signal.SIGINT)

    def mean_losses(self) -> dict[str, float]:
        return {}

    def stream(self, start: int):
        while True:
            yield torch.zeros(1)


def steps(folder, counting: Counting, *due: Due) -> None:
    run_steps(Plan(10, 1, 0, 100), counting, counting, counting, Team(), folder, due)


def test_a_second_trainer_is_refused(tmp_path):
    one, other = run_folder(tmp_path / "run", Team()), run_folder(tmp_path / "run", Team())
    with one, pytest.raises(OutputError, match="another trainer"), other:
        pass
    with run_folder(tmp_path / "run", Team()):
        pass


def test_a_killed_trainer_leaves_no_lock(tmp_path):
    child = os.fork()
    if not child:
        with run_folder(tmp_path, Team()):
            (tmp_path / "ready").touch()
            time.sleep(60)
        os._exit(0)
    while not (tmp_path / "ready").exists():
        time.sleep(0.01)
    with pytest.raises(OutputError), run_folder(tmp_path, Team()):
        pass
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with run_folder(tmp_path, Team()):
        pass


@pytest.mark.parametrize("name", ["config.json", "generator.safetensors", "log.jsonl"])
def test_a_folder_of_the_users_is_no_run(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(OutputError, match=name), run_folder(tmp_path, Team()):
        pass
    assert (tmp_path / name).read_text() == "mine"


def test_a_run_of_an_earlier_version_goes_on(tmp_path):
    write_state(tmp_path / STATE, {"config": {}, "step": 3}, {"x": torch.zeros(1)})
    with run_folder(tmp_path, Team()):
        pass


def test_what_is_kept_comes_first(tmp_path):
    """A look that fails costs nothing of the run."""
    kept: list[int] = []
    counting = Counting()

    def look(log: RunLog) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        steps(tmp_path, counting, Due(5, lambda _: kept.append(counting.step), keeps=True), Due(5, look))
    assert kept == [5]


def test_a_run_that_is_stopped_keeps_its_last_step(tmp_path):
    kept: list[int] = []
    counting, looks = Counting(at=4), []
    due = (Due(100, lambda _: kept.append(counting.step), keeps=True), Due(100, lambda _: looks.append(1)))
    before = signal.getsignal(signal.SIGINT)  # another one in the background
    with pytest.raises(KeyboardInterrupt):
        steps(tmp_path, counting, *due)
    assert kept == [4] and not looks
    assert signal.getsignal(signal.SIGINT) is before


def test_a_diverged_state_replaces_no_good_one(tmp_path):
    write_state(tmp_path / STATE, {"config": {}, "step": 3}, {"x": torch.zeros(1)})
    with pytest.raises(OutputError, match="'x' holds NaN"):
        write_state(tmp_path / STATE, {"config": {}, "step": 4}, {"x": torch.tensor([float("nan")])})
    assert read_header(tmp_path / STATE)["step"] == 3


def test_a_resumed_run_says_from_where(tmp_path):
    said: list[str] = []
    train(TINY, tmp_path, domain=PORTRAITS)
    train(TINY.replace(images=40), tmp_path, domain=PORTRAITS, say=said.append)
    assert any("going on from step 4 of 5" in line for line in said)


def test_a_start_that_is_not_there_is_refused_at_once(tmp_path):
    """Before the pictures are drawn."""
    with pytest.raises(UnknownName, match="nosuch"):
        train(TINY.replace(start="nosuch"), tmp_path, domain=PORTRAITS)
    assert not list(tmp_path.glob("pool*"))


def test_files_without_tensors_are_written(tmp_path):
    write_tensors(tmp_path / "e.safetensors", {"a": 1}, {})
    assert (tmp_path / "e.safetensors").exists()
