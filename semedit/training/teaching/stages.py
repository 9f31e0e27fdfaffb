"""The stages in which a generator is taught, each a run of its own in a folder of the course's.

A run folder holds ``config.json``, ``state.safetensors``, ``log.jsonl``, ``samples/`` of held-out lessons, and
``generator.safetensors``, the averaged generator. Every draw of step i comes from a seed of (seed, i), so a run that
was killed goes on as if it had not been.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from semedit.checkpoints.native import save_generator
from semedit.config import Config
from semedit.errors import ConfigError
from semedit.networks.generator import SemanticGenerator
from semedit.networks.style_based import StyleBasedGenerator
from semedit.pictures.sheets import save_picture
from semedit.storage.atomic import make_folder, write_json
from semedit.training.engine.run import CONFIG, Due, Plan, run_steps
from semedit.training.engine.state import (
    STATE,
    check_options,
    pack_modules,
    pack_optimisers,
    read_state,
    unpack,
    write_state,
)
from semedit.training.teaching.classroom import Classroom
from semedit.training.teaching.config import CourseConfig, PairsStage, StageConfig
from semedit.training.teaching.measures import measure_pictures, measure_points, picture_sheet, point_sheet
from semedit.training.teaching.objectives import (
    MappingObjective,
    PairLosses,
    PairsObjective,
    PointReader,
    PointsObjective,
    code_targets,
    label_weights,
)
from semedit.training.teaching.source import LessonSource
from semedit.training.teaching.step import NETWORKS, OPTIMISERS, TeachStep, learned

GENERATOR = "generator.safetensors"
SHEET_COUNT = 8
#: Draws of z by which targets are standardised.
MOMENTS = 20_000
#: Lessons of which the labels' shares of the area are counted.
COUNTED = 2048
#: Options of a stage or course that do not decide what a step computes.
FREE = ("steps", "log_every", "sheet_every", "checkpoint_every", "monitor_every")


class Stage(ABC):
    """One stage, seen from one process of its team. Subclasses say what is learnt, from what, and what is shown."""

    name: str

    def __init__(self, room: Classroom, generator: StyleBasedGenerator, seed: int):
        config = room.config
        self.room, self.folder, self.seed = room, make_folder(room.folder / self.name), seed
        self.options: StageConfig = getattr(config, self.name)
        torch.manual_seed(seed)
        generator, head = generator.to(room.team.device), self.head(generator).to(room.team.device)
        self.state = learned(generator, self.parts(generator), head, self.options)
        if (self.folder / STATE).exists():
            self.restore()
        self.step = self.make_step()

    @abstractmethod
    def parts(self, generator: StyleBasedGenerator) -> Mapping[str, float]:
        """The parts of a generator that are trained, each with its share of the learning rate."""

    @abstractmethod
    def head(self, generator: StyleBasedGenerator) -> nn.Linear:
        """The stage's own linear reading."""

    @abstractmethod
    def objective(self) -> nn.Module:
        """From lessons to named losses."""

    def make_step(self) -> TeachStep:
        return TeachStep(self.options, self.state, self.objective(), self.room.team)

    def measure(self) -> dict[str, float]:
        """Of lessons that are never learnt from."""
        return {}

    def picture(self) -> Tensor | None:
        """A sheet of held-out lessons."""
        return None

    def go(self, progress: Callable[[int, int], None] | None = None) -> StyleBasedGenerator:
        """Train to the stage's end; returns the averaged generator."""
        config, room, state = self.room.config, self.room, self.state
        if room.team.primary:
            write_json(self.folder / CONFIG, config.to_json())
        due = (
            Due(config.checkpoint_every, lambda _: self.checkpoint(), keeps=True),
            Due(config.sheet_every, lambda _: self.show()),
            Due(config.monitor_every, lambda log: log.write(state.step - 1, self.measure())),
        )
        plan = Plan(self.options.steps, self.options.batch, self.seed, config.log_every)
        source = LessonSource(room.lessons, self.options.batch, self.seed, room.team.share)
        run_steps(plan, state, self.step, source, room.team, self.folder, due, progress)
        return state.average

    def show(self) -> None:
        if (picture := self.picture()) is not None:
            save_picture(picture, self.folder / "samples" / f"{self.state.step:07d}.png")

    def checkpoint(self) -> None:
        """The full state, and the averaged generator by itself."""
        state = self.state
        header = {"step": state.step, "config": self.room.config.to_json(), "stage": self.name}
        write_state(self.folder / STATE, header, pack_modules(state, NETWORKS) | pack_optimisers(state, OPTIMISERS))
        extra = {"images": state.step * self.options.batch, "domain": self.room.domain.name, "stage": self.name}
        save_generator(self.folder / GENERATOR, state.average, extra=extra)

    def restore(self) -> None:
        """Go on from the stage's own state file. Raises ConfigError if it was made with other options."""
        header, tensors = read_state(self.folder / STATE, self.room.team.device)
        now = self.room.config
        then = type(now).from_json(header["config"])
        check_options(self.folder / STATE, deciding(then, self.name), deciding(now, self.name))
        unpack(self.state, tensors, NETWORKS, OPTIMISERS, self.folder / STATE)
        self.state.step = header["step"]

    def label_weights(self, balance: float) -> Tensor:
        labels = self.room.lessons.labels[:COUNTED]
        return label_weights(labels, len(self.room.domain.regions), balance).to(self.room.team.device)


def deciding(config: CourseConfig, stage: str) -> dict[str, Any]:
    """The options of a course that decide what a step of one of its stages computes."""
    own: Config = getattr(config, stage)
    options = {f"{stage}.{name}": value for name, value in own.to_json().items() if name not in FREE}
    shared = ("generator", "lessons", "seed", "precision")
    return options | {name: value for name, value in config.to_json().items() if name in shared}


class MappingRun(Stage):
    """The mapping network learns to tell the targets; a minute that saves the later stages an hour."""

    name = "mapping"

    def parts(self, generator: StyleBasedGenerator) -> Mapping[str, float]:  # noqa: ARG002 (all have a mapping)
        return {"mapping": 1.0}

    def head(self, generator: StyleBasedGenerator) -> nn.Linear:
        width = generator.config.style_dim
        return nn.Linear(width, self.room.teacher.targets(torch.ones(2, width)).shape[1])

    def objective(self) -> nn.Module:
        room, state = self.room, self.state
        draws = torch.randn(MOMENTS, state.generator.config.style_dim, generator=torch.Generator().manual_seed(0))
        moments = code_targets(room.teacher, draws.to(room.team.device))
        options = room.config.mapping
        return MappingObjective(options, state.generator, state.head, room.teacher, moments, room.team.share)


class PointsRun(Stage):
    """The local generators learn at points."""

    name = "points"

    def parts(self, generator: StyleBasedGenerator) -> Mapping[str, float]:  # noqa: ARG002 (one that has them)
        return {"mapping": self.room.config.points.mapping_scale, "local": 1.0}

    def head(self, generator: StyleBasedGenerator) -> nn.Linear:
        return nn.Linear(local(generator).config.coarse_channels, 3)

    def objective(self) -> nn.Module:
        config, state = self.room.config, self.state
        reader = PointReader(local(state.generator), state.head, config.precision)
        return PointsObjective(config.points, reader, self.label_weights(config.points.balance), self.room.team.share)

    def reader(self) -> PointReader:
        return PointReader(local(self.state.average), self.state.head, self.room.config.precision)

    def measure(self) -> dict[str, float]:
        return measure_points(self.reader(), self.room.held_out.to(self.room.team.device))

    def picture(self) -> Tensor:
        shown = self.room.held_out.select(slice(0, SHEET_COUNT)).to(self.room.team.device)
        return point_sheet(self.reader(), shown)


def local(generator: StyleBasedGenerator) -> SemanticGenerator:
    """A generator that can be taught at points; ConfigError for one without regions."""
    if not isinstance(generator, SemanticGenerator):
        raise ConfigError(f"a {generator.KIND} has no local generators to teach at points; set points.steps=0")
    return generator


class PairsStep(TeachStep):
    """The step of the pairs stage of a generator with regions: the render net begins alone."""

    stage: PairsStage

    def choose_parts(self) -> bool:
        alone, generator = self.state.step < self.stage.render_alone, local(self.state.generator)
        changed = generator.local.weight.requires_grad == alone
        for part in (generator.mapping, generator.local):
            part.requires_grad_(not alone)
        return changed


class PairsRun(Stage):
    """The whole generator learns from whole pictures."""

    name = "pairs"

    def parts(self, generator: StyleBasedGenerator) -> Mapping[str, float]:
        return {"mapping": self.room.config.pairs.mapping_scale, **dict.fromkeys(generator.PARTS, 1.0)}

    def head(self, generator: StyleBasedGenerator) -> nn.Linear:  # noqa: ARG002 (there is nothing to read)
        return nn.Linear(1, 1)

    def objective(self) -> nn.Module:
        config, team = self.room.config, self.room.team
        return PairsObjective(config.pairs, self.state.generator, pair_losses(self.room), config.precision, team.share)

    def make_step(self) -> TeachStep:
        kind = PairsStep if self.state.generator.regions else TeachStep
        return kind(self.room.config.pairs, self.state, self.objective(), self.room.team)

    def measure(self) -> dict[str, float]:
        return measure_pictures(self.state.average, self.room.held_out.to(self.room.team.device))

    def picture(self) -> Tensor:
        shown = self.room.held_out.select(slice(0, SHEET_COUNT)).to(self.room.team.device)
        return picture_sheet(self.state.average, shown)


def pair_losses(room: Classroom) -> PairLosses:
    """The losses of whole pictures against their lessons, as a course weighs them."""
    config, device = room.config, room.team.device
    weights = label_weights(room.lessons.labels[:COUNTED], len(room.domain.regions), config.pairs.balance)
    perceptual = room.domain.perceptual_training().to(device)
    return PairLosses(config.pairs, perceptual, weights.to(device), config.precision)


#: The stages before the adversary's, in their order.
STAGES: tuple[type[Stage], ...] = (MappingRun, PointsRun, PairsRun)
