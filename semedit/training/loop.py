"""The training loop: data, steps, logs, sample sheets and checkpoints of one run folder; the same command resumes.

A run folder holds ``config.json``, ``state.safetensors`` (the full state, replaced atomically), ``log.jsonl``,
``samples/``, ``generator.safetensors`` (the averaged generator, written with each state) and ``best.safetensors`` (the
one of the smallest Frechet distance). Every draw of step i comes from a seed that depends on (seed, i) alone, so a run
that was killed and resumed ends with the same bits. Started by torchrun, the processes share the batch; the first one
writes the files.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from semedit.checkpoint import save_generator
from semedit.domains import Domain
from semedit.errors import ConfigError
from semedit.files import make_folder, replacing, write_json
from semedit.images import labels_to_colours, save_picture, sheet
from semedit.training.feed import Feed, differentiable_policies, open_source, region_table
from semedit.training.gan import GanState, GanStep
from semedit.training.memory import estimate
from semedit.training.monitors import Monitor, samples
from semedit.training.recipes import TrainConfig
from semedit.training.start import starting_state
from semedit.training.state_file import STATE, restore_state, save_state, step_seed
from semedit.training.team import Team

GENERATOR, LOG, CONFIG = "generator.safetensors", "log.jsonl", "config.json"
SHEET_COUNT = 16


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


class Run:
    """One run folder, seen from one process of its team."""

    def __init__(self, config: TrainConfig, folder: Path, domain: Domain, team: Team, say: Callable[[str], None]):
        self.config, self.folder, self.domain, self.team = config, folder, domain, team
        self.say: Callable[[str], None] = say if team.primary else lambda _: None
        config.check_processes(team.world)
        regions = region_table(config.data, domain.regions)
        if len(regions) != config.generator.regions:
            raise ConfigError(f"the data have {len(regions)} regions, the generator {config.generator.regions}")
        seen = regions if config.masks else None
        self.source = open_source(
            Feed(config.data, config.batch, config.seed, config.generator.size, seen, team), folder
        )
        if (folder / STATE).exists():
            # What a restored run was started from is in its state already.
            fresh = config.model_copy(update={"start": ""})
            self.state = starting_state(fresh, team.device, regions)
            restore_state(folder / STATE, config, self.state)
        else:
            self.state = starting_state(config, team.device, regions, self.say)
        augment = differentiable_policies(config.data, self.source.pictures)
        if augment:
            self.say(
                f"{self.source.pictures} pictures: training with differentiable augmentation ({', '.join(augment)})"
            )
        self.step = GanStep(config, self.state, team, augment)

    def go(self, progress: Callable[[int, int, dict[str, float]], None] | None) -> GanState:
        """Train to the end."""
        config, state = self.config, self.state
        self.say(estimate(config, self.team.world).summary())
        log = RunLog(self.folder, state.step) if self.team.primary else None
        monitor: Monitor | None = None
        began, first = time.monotonic(), state.step
        try:
            batches = self.source.stream(state.step)
            while state.step < config.steps:
                batch = next(batches).to(self.team.device)
                torch.manual_seed(step_seed(config.seed, state.step))
                self.step.run(batch)
                done = state.step == config.steps
                if state.step % config.log_every == 0 or done:
                    values = self.step.mean_losses()
                    seen = state.step * config.batch
                    rate = (state.step - first) * config.batch / (time.monotonic() - began)
                    if log is not None:
                        log.write(state.step - 1, {**values, "images": seen, "images_per_s": rate})
                if progress and self.team.primary:
                    progress(state.step, config.steps, {})
                if log is not None:
                    monitor = self.report(log, monitor, done)
        finally:
            if log is not None:
                log.close()
        self.team.barrier()
        return state

    def report(self, log: RunLog, monitor: Monitor | None, done: bool) -> Monitor | None:
        """Sheets, looks at the run's health, and checkpoints, each where it is due after a step."""
        config, state = self.config, self.state
        if state.step % config.sheet_every == 0 or done:
            self.sheet(self.folder / "samples" / f"{state.step:07d}.png")
        if config.monitor_every and (state.step % config.monitor_every == 0 or done):
            monitor = monitor or Monitor(config, self.source, self.domain, self.folder, self.say)
            log.write(state.step - 1, monitor.look(state))
        if state.step % config.checkpoint_every == 0 or done:
            save_state(self.folder / STATE, config, state)
            extra = {"images": state.step * config.batch, "domain": config.data.domain}
            save_generator(self.folder / GENERATOR, state.average, extra=extra)
        return monitor

    def sheet(self, path: Path) -> None:
        """A sheet of fixed samples, each picture with its label map below."""
        average = self.state.average
        out = samples(average, SHEET_COUNT, seed=0)
        colours = labels_to_colours(out.labels, average.regions)
        save_picture(sheet(torch.cat([out.image, colours], dim=2), columns=8), path)


def train(
    config: TrainConfig,
    folder: str | Path,
    *,
    domain: Domain,
    team: Team | None = None,
    progress: Callable[[int, int, dict[str, float]], None] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> GanState:
    """Run, or resume, the training that ``config`` describes in ``folder``; returns the final state.

    ``progress`` receives (step, steps, {}) after each step, ``say`` a line of text now and then (warnings among them).
    Raises ConfigError if the folder holds another run, or the data do not fit.
    """
    team = team or Team()
    folder = make_folder(folder)
    run = Run(config, folder, domain, team, say)
    if team.primary:
        write_json(folder / CONFIG, config.to_json())
    return run.go(progress)
