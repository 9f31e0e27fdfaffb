"""A course: the stages that a generator goes through, each a run of its own in a folder of the course's.

``mapping`` -> ``points`` -> ``pairs``; each begins with the generator that the one before has averaged, and is resumed
in the middle by the same command. The adversary's stage is the ordinary trainer, started from the last of them.
"""

import copy
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from semedit.checkpoints.native import build_generator, save_generator
from semedit.config import Config
from semedit.data.lessons import Lessons, Teacher, load_lessons, make_lessons, save_lessons
from semedit.data.source import Share
from semedit.domains import Domain
from semedit.errors import ConfigError
from semedit.networks.generator import SemanticGenerator
from semedit.pictures.sheets import save_picture
from semedit.storage.atomic import make_folder, write_json
from semedit.storage.weights import load_weights
from semedit.training.engine.run import CONFIG, Due, Plan, run_steps
from semedit.training.engine.state import (
    STATE,
    pack_modules,
    pack_optimisers,
    read_state,
    step_seed,
    unpack,
    write_state,
)
from semedit.training.engine.team import Team
from semedit.training.teaching.config import StageConfig, TeachConfig
from semedit.training.teaching.measures import measure_pictures, measure_points, picture_sheet, point_sheet
from semedit.training.teaching.objectives import (
    MappingObjective,
    PairsObjective,
    PointReader,
    PointsObjective,
    code_targets,
    label_weights,
)
from semedit.training.teaching.step import NETWORKS, OPTIMISERS, TeachStep, learned

GENERATOR = "generator.safetensors"
STAGES = ("mapping", "points", "pairs")
SHEET_COUNT = 8
#: Draws of z by which targets are standardised.
MOMENTS = 20_000
#: Options of a stage or course that do not decide what a step computes.
FREE = ("steps", "log_every", "sheet_every", "checkpoint_every", "monitor_every")


class LessonSource:
    """Batches drawn at random from lessons in memory; step i's are a function of (seed, i)."""

    def __init__(self, lessons: Lessons, batch: int, seed: int, share: Share):
        self.lessons, self.batch, self.seed, self.share = lessons, batch, seed, share

    def stream(self, start: int) -> Iterator[Lessons]:
        step = start
        while True:
            generator = torch.Generator().manual_seed(step_seed(self.seed, step))
            yield self.lessons.select(self.share(torch.randint(len(self.lessons), (self.batch,), generator=generator)))
            step += 1


@dataclass(frozen=True)
class Classroom:
    """What all stages of a course share."""

    config: TeachConfig
    folder: Path
    domain: Domain
    teacher: Teacher
    team: Team
    lessons: Lessons
    held_out: Lessons


def open_teacher(config: TeachConfig, domain: Domain) -> Teacher:
    """The teacher that a course names. Raises ConfigError where a domain has none."""
    lessons = config.lessons
    if domain.teacher is None:
        raise ConfigError(f"nobody knows which picture a code should have in the domain '{domain.name}'")
    return domain.teacher(config.generator, lessons.style, lessons.mixing)


def open_lessons(folder: Path, teacher: Teacher, team: Team, count: int, seed: int,
                 progress: Callable[[int, int], None] | None = None) -> Lessons:  # fmt: skip
    """Lessons made once and kept in ``folder``."""
    key = hashlib.sha256(json.dumps([teacher.key, count, seed]).encode()).hexdigest()[:12]
    path = folder / f"lessons-{key}.safetensors"
    if team.primary and not path.exists():
        save_lessons(path, make_lessons(teacher, count, seed, progress), teacher.key)
    team.barrier()
    return load_lessons(path)


class Stage:
    """One stage of a course, seen from one process of its team."""

    def __init__(self, name: str, room: Classroom, generator: SemanticGenerator):
        config = room.config
        self.name, self.room, self.folder = name, room, make_folder(room.folder / name)
        self.options: StageConfig = getattr(config, name)
        torch.manual_seed(config.seed)
        parts, self.head = self._parts(generator)
        generator.to(room.team.device)
        self.state = learned(generator, parts, self.head.to(room.team.device), self.options)
        if (self.folder / STATE).exists():
            self.restore()
        self.step = TeachStep(self.options, self.state, self._objective(), room.team)

    def _parts(self, generator: SemanticGenerator) -> tuple[dict[str, float], nn.Linear]:
        """Which parts are trained, at which share of the learning rate, and the stage's own linear reading."""
        config, sizes = self.room.config, generator.config
        if self.name == "mapping":
            probe = torch.zeros(2, sizes.style_dim) + torch.arange(sizes.style_dim)
            return {"mapping": 1.0}, nn.Linear(sizes.style_dim, self.room.teacher.targets(probe).shape[1])
        if self.name == "points":
            return {"mapping": config.points.mapping_scale, "local": 1.0}, nn.Linear(sizes.coarse_channels, 3)
        return {"mapping": config.pairs.mapping_scale, "local": 1.0, "render": 1.0}, nn.Linear(1, 1)

    def _objective(self) -> nn.Module:
        config, room, share = self.room.config, self.room, self.room.team.share
        generator, head = self.state.generator, self.state.head
        regions, labels = config.generator.regions, room.lessons.labels[:2048]
        if self.name == "mapping":
            draws = torch.randn(MOMENTS, config.generator.style_dim, generator=torch.Generator().manual_seed(0))
            moments = code_targets(room.teacher, draws.to(room.team.device))
            return MappingObjective(config.mapping, generator, head, room.teacher, moments, share)
        if self.name == "points":
            weights = label_weights(labels, regions, config.points.balance).to(room.team.device)
            return PointsObjective(config.points, PointReader(generator, head, config.precision), weights, share)
        weights = label_weights(labels, regions, config.pairs.balance).to(room.team.device)
        perceptual = room.domain.perceptual_training()
        return PairsObjective(config.pairs, generator, perceptual, weights, config.precision, share)

    def go(self, progress: Callable[[int, int], None] | None) -> SemanticGenerator:
        """Train to the stage's end; returns the averaged generator."""
        config, room, state = self.room.config, self.room, self.state
        if room.team.primary:
            write_json(self.folder / CONFIG, config.to_json())
        due = (
            Due(config.sheet_every, lambda _: self.sheet()),
            Due(config.monitor_every, lambda log: log.write(state.step - 1, self.measure())),
            Due(config.checkpoint_every, lambda _: self.checkpoint()),
        )
        seed = config.seed + 1 + STAGES.index(self.name)
        plan = Plan(self.options.steps, self.options.batch, seed, config.log_every)
        source = LessonSource(room.lessons, self.options.batch, seed, room.team.share)
        run_steps(plan, state, self.step, source, room.team, self.folder, due, progress)
        return state.average

    def reader(self) -> PointReader:
        return PointReader(self.state.average, self.state.head, self.room.config.precision)

    def measure(self) -> dict[str, float]:
        """Of lessons that are never learnt from."""
        if self.name == "mapping":
            return {}
        if self.name == "points":
            return measure_points(self.reader(), self.room.held_out)
        return measure_pictures(self.state.average, self.room.held_out)

    def sheet(self) -> None:
        shown = self.room.held_out.select(slice(0, SHEET_COUNT))
        path = self.folder / "samples" / f"{self.state.step:07d}.png"
        if self.name == "points":
            save_picture(point_sheet(self.reader(), shown), path)
        elif self.name == "pairs":
            save_picture(picture_sheet(self.state.average, shown), path)

    def checkpoint(self) -> None:
        """The full state, and the averaged generator by itself."""
        state, config = self.state, self.room.config
        header = {"step": state.step, "config": config.to_json(), "stage": self.name}
        write_state(self.folder / STATE, header, pack_modules(state, NETWORKS) | pack_optimisers(state, OPTIMISERS))
        extra = {"images": state.step * self.options.batch, "domain": self.room.domain.name, "stage": self.name}
        save_generator(self.folder / GENERATOR, state.average, extra=extra)

    def restore(self) -> None:
        """Go on from the stage's own state file. Raises ConfigError if it was made with other options."""
        header, tensors = read_state(self.folder / STATE, self.room.team.device)
        then, now = (deciding(c, self.name) for c in (TeachConfig.from_json(header["config"]), self.room.config))
        if changed := sorted(name for name in now if then[name] != now[name]):
            raise ConfigError(
                f"{self.folder / STATE} was made with other options ({', '.join(changed)}); use another folder"
            )
        unpack(self.state, tensors, NETWORKS, OPTIMISERS)
        self.state.step = header["step"]


def deciding(config: TeachConfig, stage: str) -> dict[str, Any]:
    """The options of a course that decide what a step of one of its stages computes."""
    own: Config = getattr(config, stage)
    options = {f"{stage}.{name}": value for name, value in own.to_json().items() if name not in FREE}
    rest = {name: value for name, value in config.to_json().items() if name not in (*FREE, *STAGES)}
    return options | rest


def teach(
    config: TeachConfig,
    folder: str | Path,
    *,
    domain: Domain,
    team: Team | None = None,
    progress: Callable[[int, int], None] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> SemanticGenerator:
    """Run, or resume, a course in ``folder``; returns the last stage's averaged generator.

    A stage whose state has reached its number of steps is not done again. Raises ConfigError for a folder of another
    course, or a domain without a teacher.
    """
    team, folder = team or Team(), make_folder(folder)
    say = say if team.primary else (lambda _: None)
    teacher, lessons = open_teacher(config, domain), config.lessons
    room = Classroom(
        config, folder, domain, teacher, team,
        open_lessons(folder, teacher, team, lessons.count, lessons.seed, progress),
        open_lessons(folder, teacher, team, lessons.held_out, lessons.seed + 1),
    )  # fmt: skip
    torch.manual_seed(config.seed)
    generator = SemanticGenerator(config.generator, domain.regions)
    for name in STAGES:
        steps, state = getattr(config, name).steps, folder / name / STATE
        if not steps:
            continue
        done = read_state(state)[0]["step"] if state.exists() else 0
        if done < steps:
            say(f"{config.name}: {name}, steps {done} to {steps}")
            generator = copy.deepcopy(Stage(name, room, generator).go(progress))
        else:
            generator = build_generator(load_weights(folder / name / GENERATOR, "generator"), folder / name)
    return generator.requires_grad_(False).eval()
