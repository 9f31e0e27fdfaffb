"""A course: the stages that a generator goes through, in order; the same command resumes in the right one.

``mapping`` -> ``points`` -> ``pairs`` -> ``adversarial``; each begins with the generator that the one before has
averaged, and any may be left out.
"""

import copy
from collections.abc import Callable
from pathlib import Path

import torch

from semedit.checkpoints.native import build_generator
from semedit.domains import Domain
from semedit.networks.generator import SemanticGenerator
from semedit.storage.atomic import make_folder, write_json
from semedit.storage.weights import load_weights
from semedit.training.engine.run import CONFIG
from semedit.training.engine.state import STATE, read_state
from semedit.training.engine.team import Team
from semedit.training.teaching.adversary import TaughtRun
from semedit.training.teaching.classroom import Classroom
from semedit.training.teaching.config import TeachConfig
from semedit.training.teaching.stages import GENERATOR, STAGES, pair_losses

ADVERSARIAL = "adversarial"


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

    ``progress`` receives (step, steps) of the stage at work, ``say`` a line of text now and then. A stage whose state
    has reached its number of steps is not done again. Raises ConfigError for a folder of another course, or a domain
    without a teacher.
    """
    team, folder = team or Team(), make_folder(folder)
    say = say if team.primary else (lambda _: None)
    room = Classroom.open(config, folder, domain, team, progress)
    if team.primary:
        write_json(folder / CONFIG, config.to_json())
    torch.manual_seed(config.seed)
    generator = SemanticGenerator(config.generator, domain.regions)
    for number, stage in enumerate(STAGES):
        steps, own = getattr(config, stage.name).steps, folder / stage.name
        done = read_state(own / STATE)[0]["step"] if (own / STATE).exists() else 0
        if steps and done >= steps:
            generator = build_generator(load_weights(own / GENERATOR, "generator"), own)
        elif steps:
            say(f"{config.name}: {stage.name}, steps {done} to {steps}")
            generator = copy.deepcopy(stage(room, generator, config.seed + number).go(progress))
    if config.adversarial is not None:
        generator = _adversarial(room, progress, say)
    return generator.requires_grad_(False).eval()


def _adversarial(room: Classroom, progress: Callable[[int, int], None] | None,
                 say: Callable[[str], None]) -> SemanticGenerator:  # fmt: skip
    """The adversary's stage, from the last generator that the course has written."""
    course = room.config
    assert course.adversarial is not None
    written = [room.folder / stage.name / GENERATOR for stage in STAGES if getattr(course, stage.name).steps]
    start = str(written[-1]) if written else course.adversarial.start
    config = course.adversarial.with_overrides([f"start={start}"])
    own = make_folder(room.folder / ADVERSARIAL)
    run = TaughtRun(
        config, own, room.domain, room.team, say, room.lessons, pair_losses(room), course.adversarial_weight
    )
    if room.team.primary:
        write_json(own / CONFIG, config.to_json())
    return run.go(progress).average
