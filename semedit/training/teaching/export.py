"""From a course's folder to a model's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from semedit.checkpoints import zoo
from semedit.errors import CheckpointError
from semedit.networks.style_based import StyleBasedGenerator
from semedit.storage.cards import GROWN_FROM
from semedit.storage.content import read_object, shaped
from semedit.storage.ownership import sha256
from semedit.storage.weights import load_weights
from semedit.training.engine.run import CONFIG
from semedit.training.gan.config import GanConfig, TrainConfig
from semedit.training.gan.export import images_of, pack
from semedit.training.teaching.course import ADVERSARIAL
from semedit.training.teaching.stages import GENERATOR, STAGES, MappingRun


def is_course(run: Path) -> bool:
    """Whether a run folder is a course's."""
    try:
        return "lessons" in read_object(run / CONFIG)
    except CheckpointError:
        return False


def last_stage(run: Path) -> Path:
    """The folder of the last stage that has written a generator; CheckpointError if none has yet."""
    names = (ADVERSARIAL, *(stage.name for stage in reversed(STAGES)))
    found = next((run / name for name in names if (run / name / GENERATOR).exists()), None)
    if found is None:
        raise CheckpointError(f"{run}: no stage has written a {GENERATOR} yet")
    return found


def pack_course(
    run: Path,
    folder: Path,
    domain: str,
    *,
    kind: type[GanConfig] = TrainConfig,
    opener: Callable[[Path], StyleBasedGenerator] = zoo.load_generator,
) -> zoo.ModelFolder:
    """Make a model folder of the last stage that a course has begun; its card says what taught the generator: the
    course's configuration, and the pictures (or codes, of the mapping's stage) that each stage has shown it.

    ``kind`` and ``opener`` are as of :func:`pack`. Raises CheckpointError if no stage has written a generator yet.
    """
    config, last = read_object(run / CONFIG), last_stage(run)
    shown = _before(config.get("start", ""))
    for name in (*(stage.name for stage in STAGES), ADVERSARIAL):
        if (run / name / GENERATOR).exists():
            shown[name] = shown.get(name, 0) + images_of(run / name / GENERATOR)
    pictures = sum(count for name, count in shown.items() if name != MappingRun.name)
    now = images_of(last / GENERATOR) if last.name != MappingRun.name else 0
    facts: dict[str, Any] = {
        "course": config,
        "shown": shown,
        "images_before": _images(config.get("start", "")) + pictures - now,
        "data_sha256": {path.name: sha256(path) for path in sorted(run.glob("lessons-*.safetensors"))},
    }
    if lineage := opener(last / GENERATOR).lineage:  # the course kept the codes of its start, and so its encoder
        facts[GROWN_FROM] = lineage[0]
    return pack(last, folder, domain, facts=facts, kind=kind, opener=opener)


def _before(start: str) -> dict[str, int]:
    """What the stages of the course that a start comes from had shown it, as far as its file tells."""
    if not start or not Path(start).is_file():
        return {}
    extra = load_weights(Path(start)).extra
    stage = {extra["stage"]: extra.get("images")} if "stage" in extra else {}
    return dict(shaped(dict[str, int], extra.get("shown", stage), f"{start}: shown"))


def _images(start: str) -> int:
    """The pictures that the model called ``start`` was shown, as its card says; 0 for a file."""
    model = zoo.entries().get(zoo.ALIASES.get(start, start))
    counts = (model.card.get("images", 0), model.card.get("images_before", 0)) if model else ()
    return sum(shaped(int, count, f"the card of {start}: images") for count in counts)
