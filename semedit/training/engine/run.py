"""What every run does: batches, seeded steps, logs, and what is due now and then, from any step on."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import torch

from semedit.storage.atomic import replacing
from semedit.training.engine.memory import keep_freed_memory
from semedit.training.engine.state import step_seed
from semedit.training.engine.stopping import wish_to_stop
from semedit.training.engine.team import Team

LOG, CONFIG = "log.jsonl", "config.json"


class RunLog:
    """JSON lines, and TensorBoard scalars where that package is installed.

    Lines of steps that will be done again (after a kill) are dropped on opening.
    """

    def __init__(self, folder: Path, step: int):
        path = folder / LOG
        lines = path.read_text().splitlines() if path.exists() else []
        kept = [line for line in lines if _step_of(line) < step]
        with replacing(path) as temporary:
            temporary.write_text("".join(line + "\n" for line in kept))
        self.file = open(path, "a", buffering=1)  # noqa: SIM115 (lives as long as the run)
        try:
            from torch.utils.tensorboard import SummaryWriter

            self.board: Any = SummaryWriter(str(folder / "tensorboard"), purge_step=step)
        except ImportError:
            self.board = None

    def write(self, step: int, values: dict[str, float]) -> None:
        self.file.write(json.dumps({"step": step, **values}) + "\n")
        if self.board is not None:
            for name, value in values.items():
                self.board.add_scalar(name, value, step)

    def close(self) -> None:
        self.file.close()
        if self.board is not None:
            self.board.close()


def _step_of(line: str) -> int:
    try:
        return int(json.loads(line)["step"])
    except (json.JSONDecodeError, KeyError):
        return 2**62  # a half-written last line


class Movable(Protocol):
    """What a step is given: pictures and what belongs to them, on any device."""

    def to(self, device: torch.device) -> Self: ...


B = TypeVar("B", bound=Movable)
B_in = TypeVar("B_in", bound=Movable, contravariant=True)
B_out = TypeVar("B_out", bound=Movable, covariant=True)


class Batches(Protocol[B_out]):
    """An endless stream of this process's shares of batches, from any step on."""

    def stream(self, start: int) -> Iterator[B_out]: ...


class Steps(Protocol[B_in]):
    """Something that is trained step by step."""

    def run(self, batch: B_in) -> None:
        """Do one step on this process's share of a batch, and advance the state's step."""
        ...

    def mean_losses(self) -> dict[str, float]:
        """The latest losses, averaged over the processes."""
        ...


class Counted(Protocol):
    """A state that knows the step to do next."""

    step: int


@dataclass(frozen=True)
class Due:
    """What the first process does every so many steps (0: never), and at the end, in the order of a list of these.

    What ``keeps`` the run's state stands first, so that nothing that only looks at it can cost it, and is also done
    before a run leaves that was asked to stop.
    """

    every: int
    do: Callable[[RunLog], None]
    keeps: bool = False


@dataclass(frozen=True)
class Plan:
    """How long a run is and how it draws: ``steps`` in all, global ``batch``, ``seed``, ``log_every`` steps."""

    steps: int
    batch: int
    seed: int
    log_every: int


def run_steps(
    plan: Plan,
    state: Counted,
    step: Steps[B],
    source: Batches[B],
    team: Team,
    folder: Path,
    due: Sequence[Due],
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Go on from ``state.step`` to the end of ``plan``. ``progress`` receives (step, steps) after each step.

    Raises KeyboardInterrupt where the process was asked to stop, once the step is done and the state kept.

    Before each step torch's global generator is seeded from (seed, step), alike on every process.
    """
    if team.device.type == "cpu":
        keep_freed_memory()
    log = RunLog(folder, state.step) if team.primary else None
    began, first, batches = time.monotonic(), state.step, source.stream(state.step)
    try:
        with wish_to_stop(listen=team.world == 1) as wish:
            while state.step < plan.steps:
                batch = next(batches).to(team.device)
                torch.manual_seed(step_seed(plan.seed, state.step))
                step.run(batch)
                done = state.step == plan.steps
                if state.step % plan.log_every == 0 or done:
                    values = step.mean_losses()
                    rate = (state.step - first) * plan.batch / (time.monotonic() - began)
                    if log is not None:
                        log.write(state.step - 1, {**values, "images": state.step * plan.batch, "images_per_s": rate})
                if log is None:
                    continue
                for item in due:
                    if item.every and (state.step % item.every == 0 or done or (wish.made and item.keeps)):
                        item.do(log)
                if progress:
                    progress(state.step, plan.steps)
                if wish.made and not done:
                    raise KeyboardInterrupt
    finally:
        if log is not None:
            log.close()
    team.barrier()
