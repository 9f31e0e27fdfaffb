"""The training loop: data, steps, logs, sample sheets and checkpoints of one run folder; the same command resumes.

A run folder holds ``config.json``, ``state.safetensors`` (the full state, replaced atomically), ``log.jsonl``,
``samples/``, ``generator.safetensors`` (the averaged generator, written with each state) and ``best.safetensors`` (the
one of the smallest Frechet distance). Every draw of step i comes from a seed that depends on (seed, i) alone, so a run
that was killed and resumed ends with the same bits. Started by torchrun, the processes share the batch; the first one
writes the files.
"""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import torch

from semedit.checkpoints.native import save_generator
from semedit.data.label_map import LabelMap
from semedit.data.source import Source
from semedit.domains import Domain
from semedit.errors import ConfigError
from semedit.latents.regions import RegionTable
from semedit.networks.precision import training_precision
from semedit.pictures.sheets import labels_to_colours, save_picture, sheet
from semedit.storage.atomic import write_json
from semedit.storage.memory import check_memory
from semedit.training.engine.feed import Feed, label_meaning, open_source
from semedit.training.engine.folder import run_folder
from semedit.training.engine.run import CONFIG, Due, Plan, run_steps
from semedit.training.engine.state import STATE
from semedit.training.engine.team import Team
from semedit.training.gan.augment import differentiable_policies
from semedit.training.gan.config import GanConfig, TrainConfig
from semedit.training.gan.health import Monitor, samples
from semedit.training.gan.memory import estimate
from semedit.training.gan.starting import read_sizes, starting_state
from semedit.training.gan.state import GanState, resumed_state, save_state
from semedit.training.gan.step import GanStep

GENERATOR = "generator.safetensors"
SHEET_COUNT = 16


class Run:
    """One run folder, seen from one process of its team."""

    def __init__(
        self,
        config: GanConfig,
        folder: Path,
        domain: Domain,
        team: Team,
        say: Callable[[str], None],
        labels: LabelMap | None = None,
    ):
        self.config, self.folder, self.domain, self.team = config, folder, domain, team
        self.say: Callable[[str], None] = say if team.primary else lambda _: None
        config.check_processes(team.world)
        self.labels = labels or label_meaning(config.data, domain.regions)
        regions = self.labels.table
        if config.regions and len(regions) != config.regions:
            raise ConfigError(f"the data have {len(regions)} regions, the generator {config.regions}")
        resumes = (folder / STATE).exists()
        if config.start and not resumes:
            self.check_start()
        self.source = self.open_source()
        if resumes:
            self.state = resumed_state(folder / STATE, config, team.device)
            self.say(f"{folder}: going on from step {self.state.step} of {config.steps}")
        else:
            self.state = self.begin(regions)
        augment = differentiable_policies(config.data, self.source.pictures)
        if augment:
            self.say(
                f"{self.source.pictures} pictures: training with differentiable augmentation ({', '.join(augment)})"
            )
        self.step = self.open_step(augment)

    def check_start(self) -> None:
        """Raises what :meth:`begin` would for a start that is not there, before anything is drawn."""
        if isinstance(self.config, TrainConfig):
            read_sizes(self.config.start)

    def begin(self, regions: RegionTable) -> GanState:
        """The state at step 0: fresh networks, or those of the run's start."""
        assert isinstance(self.config, TrainConfig)  # other kinds of networks have runs of their own
        return starting_state(self.config, self.team.device, regions, self.say)

    def open_source(self) -> Source:
        """Batches of pictures, with masks where the run looks at them."""
        config, seen = self.config, self.labels if self.config.masks else None
        feed = Feed(config.data, config.batch, config.seed, config.generator.size, seen, self.team)
        return open_source(feed, self.folder)

    def open_step(self, augment: tuple[str, ...]) -> GanStep:
        return GanStep(self.config, self.state, self.team, augment)

    def go(self, progress: Callable[[int, int], None] | None) -> GanState:
        """Train to the end."""
        config, state = self.config, self.state
        device = self.team.device.type
        computing = config.replace(precision=training_precision(config.precision, device))
        expected = estimate(computing, self.team.world)
        if device == "cpu":
            check_memory(expected.peak, f"a step of {config.name}", "set accumulate or gradient_checkpointing")
        self.say(expected.summary())
        due = (
            Due(config.checkpoint_every, lambda _: self.checkpoint(), keeps=True),
            Due(config.sheet_every, lambda _: self.sheet(self.folder / "samples" / f"{state.step:07d}.png")),
            Due(config.monitor_every, lambda log: log.write(state.step - 1, self.monitor.look(state))),
        )
        plan = Plan(config.steps, config.batch, config.seed, config.log_every)
        run_steps(plan, state, self.step, self.source, self.team, self.folder, due, progress)
        return state

    @cached_property
    def monitor(self) -> Monitor:
        return Monitor(self.config, self.source, self.domain, self.folder, self.say)

    def checkpoint(self) -> None:
        """The full state, and the averaged generator by itself."""
        config, state = self.config, self.state
        save_state(self.folder / STATE, config, state)
        extra = {"images": state.step * config.batch, "domain": config.data.domain}
        save_generator(self.folder / GENERATOR, state.average, extra=extra)

    def sheet(self, path: Path) -> None:
        """A sheet of fixed samples, each picture with its label map, if it has one, below."""
        average = self.state.average
        out = samples(average, SHEET_COUNT, seed=0)
        shown = [out.image]
        if out.labels is not None:
            shown.append(labels_to_colours(out.labels, average.label_table))
        save_picture(sheet(torch.cat(shown, dim=2), columns=8), path)


def train(
    config: GanConfig,
    folder: str | Path,
    *,
    domain: Domain,
    labels: LabelMap | None = None,
    team: Team | None = None,
    progress: Callable[[int, int], None] | None = None,
    say: Callable[[str], None] = lambda _: None,
    kind: type[Run] = Run,
) -> GanState:
    """Run, or resume, the training that ``config`` describes in ``folder``; returns the final state.

    ``labels`` is the run's label map where it has been read already. ``progress`` receives (step, steps) after each
    step, ``say`` a line of text now and then (warnings among them); ``kind`` is the run of a configuration of its own.
    Raises ConfigError if the folder holds another run, or the data do not fit; OutputError if another trainer is at
    work in it, or it is not a run's.
    """
    team = team or Team()
    with run_folder(folder, team) as own:
        run = kind(config, own, domain, team, say, labels)
        if team.primary:
            write_json(own / CONFIG, config.to_json())
        return run.go(progress)
