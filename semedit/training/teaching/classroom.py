"""What all stages of a course share: its teacher, and the lessons that are made once and kept in its folder."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from semedit.checkpoints import zoo
from semedit.data.label_map import LabelMap
from semedit.data.lessons import Lessons, Teacher, load_lessons, make_lessons, save_lessons
from semedit.domains import Domain
from semedit.errors import ConfigError
from semedit.networks.generator import GeneratorConfig
from semedit.networks.style_based import StyleBasedConfig
from semedit.training.engine.team import Team
from semedit.training.teaching.config import CourseConfig, LessonConfig
from semedit.training.teaching.distilling import GeneratorTeacher
from semedit.training.teaching.table import TableTeacher


@dataclass(frozen=True)
class Classroom:
    """A course's teacher and lessons, seen from one process of its team; ``held_out`` are only measured on."""

    config: CourseConfig
    folder: Path
    domain: Domain
    team: Team
    teacher: Teacher
    lessons: Lessons
    held_out: Lessons

    @classmethod
    def open(cls, config: CourseConfig, folder: Path, domain: Domain, team: Team,
             progress: Callable[[int, int], None] | None = None) -> "Classroom":  # fmt: skip
        """Find the teacher and have the lessons made, or read them. Raises ConfigError where there is no teacher."""
        teacher, options = open_teacher(config.lessons, config.generator, domain), config.lessons
        lessons = kept_lessons(folder, teacher, team, options.count, options.seed, False, progress)
        held_out = kept_lessons(folder, teacher, team, options.held_out, options.seed + 1, True)
        return cls(config, folder, domain, team, teacher, lessons, held_out)


def open_teacher(lessons: LessonConfig, student: StyleBasedConfig, domain: Domain) -> Teacher:
    """Who teaches generators of the sizes ``student``: a generator, a table of factors, or the domain's painter.

    Raises ConfigError where a domain has none.
    """
    if lessons.mixing and not isinstance(student, GeneratorConfig):
        raise ConfigError("a generator without regions is taught by lessons of one code; set lessons.mixing=0")
    if lessons.generator:
        return GeneratorTeacher(zoo.load_generator(lessons.generator), student, lessons.mixing)
    if lessons.path:
        labels = LabelMap.read(lessons.label_map) if lessons.label_map else LabelMap.identity(domain.regions)
        return TableTeacher(lessons.path, lessons.table, labels, student)
    if domain.teacher is None:
        raise ConfigError(
            f"nobody knows which picture a code should have in the domain '{domain.name}'; set lessons.generator to "
            "learn from a generator, or lessons.path and lessons.table to learn from pictures whose factors are known"
        )
    return domain.teacher(student, lessons.style, lessons.mixing)


def kept_lessons(folder: Path, teacher: Teacher, team: Team, count: int, seed: int, held_out: bool,
                 progress: Callable[[int, int], None] | None = None) -> Lessons:  # fmt: skip
    """Lessons made once, by the first process, and kept in ``folder``."""
    key = hashlib.sha256(json.dumps([teacher.key, count, seed, held_out]).encode()).hexdigest()[:12]
    path = folder / f"lessons-{key}.safetensors"
    if team.primary and not path.exists():
        save_lessons(path, make_lessons(teacher, count, seed, held_out, progress), teacher.key)
    team.barrier()
    return load_lessons(path)
