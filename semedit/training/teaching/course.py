"""A course: the stages that a generator goes through, in order; the same command resumes in the right one.

``mapping`` -> ``points`` -> ``pairs`` -> ``adversarial``; each begins with the generator that the one before has
averaged, and any may be left out.
"""

import copy
from collections.abc import Callable
from pathlib import Path

import torch

from semedit.checkpoints import zoo
from semedit.checkpoints.native import freeze
from semedit.domains import Domain
from semedit.errors import CheckpointError, ConfigError
from semedit.networks.generator import SemanticGenerator
from semedit.networks.style_based import StyleBasedGenerator
from semedit.storage.atomic import make_folder, write_json
from semedit.storage.content import reading, shaped
from semedit.storage.weights import load_weights, opened
from semedit.training.engine.folder import run_folder
from semedit.training.engine.run import CONFIG
from semedit.training.engine.state import STATE, read_header
from semedit.training.engine.team import Team
from semedit.training.gan.growing import enlarged
from semedit.training.teaching.adversary import TaughtRun, check_adversary
from semedit.training.teaching.classroom import Classroom
from semedit.training.teaching.config import CourseConfig, TeachConfig
from semedit.training.teaching.stages import GENERATOR, STAGES, pair_losses

ADVERSARIAL = "adversarial"


def teach(
    config: CourseConfig,
    folder: str | Path,
    *,
    domain: Domain,
    team: Team | None = None,
    progress: Callable[[int, int], None] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> StyleBasedGenerator:
    """Run, or resume, a course in ``folder``; returns the last stage's averaged generator, frozen.

    ``progress`` receives (step, steps) of the stage at work, ``say`` a line of text now and then. A stage whose state
    has reached its number of steps is not done again. Raises ConfigError for a folder of another course, a domain
    without a teacher, or an adversary of other sizes than the generator's; CheckpointError for a ``critic`` of another
    kind or other sizes than the adversary's: all before anything is taught.
    """
    team, say = team or Team(), say if team is None or team.primary else (lambda _: None)
    if config.start:
        zoo.generator_file(config.start)
    check_adversary(config)
    with run_folder(folder, team) as own:
        return _taught(config, own, domain, team, progress, say)


def _taught(config: CourseConfig, folder: Path, domain: Domain, team: Team,
            progress: Callable[[int, int], None] | None,
            say: Callable[[str], None]) -> StyleBasedGenerator:  # fmt: skip
    """The course in a folder that is this run's."""
    room = Classroom.open(config, folder, domain, team, progress)
    if team.primary:
        write_json(folder / CONFIG, config.to_json())
    generator = first_generator(config, domain)
    for number, stage in enumerate(STAGES):
        steps, own = getattr(config, stage.name).steps, folder / stage.name
        done = read_header(own / STATE)["step"] if (own / STATE).exists() else 0
        if steps and done >= steps:
            generator = stored_generator(config, own / GENERATOR, domain)
        elif steps:
            say(f"{config.name}: {stage.name}, steps {done} to {steps}")
            generator = copy.deepcopy(stage(room, generator, config.seed + number).go(progress))
    if config.adversarial is not None:
        generator = _adversarial(room, generator, progress, say)
    return freeze(generator)


def stored_generator(config: CourseConfig, path: Path, domain: Domain) -> StyleBasedGenerator:
    """The generator of the course's sizes in a native file, frozen. Raises CheckpointError for any other."""
    weights = load_weights(path)
    generator = opened(lambda: config.build_generator(domain.regions), weights.tensors, path)
    if weights.kind != generator.KIND:
        raise CheckpointError(f"{path}: holds a {weights.kind}, not a {generator.KIND}")
    with reading(path):
        generator.lineage = tuple(shaped(list[str], weights.extra.get("lineage", []), path))
    return freeze(generator)


def first_generator(config: CourseConfig, domain: Domain) -> StyleBasedGenerator:
    """Fresh from the course's seed, or ``config.start``; ConfigError if that one is of other sizes.

    A smaller start is grown, where growing is all that its sizes want. Where no stage changes what codes mean, the
    start's editors and encoder are those of the course's generator too.
    """
    if not config.start:
        torch.manual_seed(config.seed)
        return config.build_generator(domain.regions)
    if not isinstance(config, TeachConfig):
        return stored_generator(config, zoo.generator_file(config.start), domain)
    start = zoo.load_generator(config.start)
    if not isinstance(start, SemanticGenerator):
        raise ConfigError(f"{config.start} is a {start.KIND}, and the course teaches a {SemanticGenerator.KIND}")
    generator = enlarged(start, config.generator)
    if config.keeps_codes and start.fingerprint:
        generator.lineage = (start.fingerprint, *start.lineage)
    return generator


def _adversarial(room: Classroom, generator: StyleBasedGenerator, progress: Callable[[int, int], None] | None,
                 say: Callable[[str], None]) -> StyleBasedGenerator:  # fmt: skip
    """The adversary's stage, from the last generator that the course has written."""
    course = room.config
    assert course.adversarial is not None
    written = [room.folder / stage.name / GENERATOR for stage in STAGES if getattr(course, stage.name).steps]
    start = str(written[-1]) if written else course.start or course.adversarial.start
    config = course.adversarial.with_overrides([f"start={start}"])
    own = make_folder(room.folder / ADVERSARIAL)
    run = TaughtRun(
        config, own, room.domain, room.team, say, lessons=room.lessons, losses=pair_losses(room), course=course,
        generator=generator,
    )  # fmt: skip
    if room.team.primary:
        write_json(own / CONFIG, config.to_json())
    return run.go(progress).average
