"""From a course's folder to a model's."""

import json
from pathlib import Path
from typing import Any

from semedit.checkpoints import zoo
from semedit.errors import CheckpointError
from semedit.storage.atomic import sha256
from semedit.storage.weights import load_weights
from semedit.training.engine.run import CONFIG
from semedit.training.gan.export import pack
from semedit.training.teaching.config import TeachConfig
from semedit.training.teaching.course import ADVERSARIAL
from semedit.training.teaching.stages import GENERATOR, STAGES, MappingRun


def is_course(run: Path) -> bool:
    """Whether a run folder is a course's."""
    try:
        return "lessons" in json.loads((run / CONFIG).read_text())
    except (OSError, ValueError, TypeError):
        return False


def pack_course(run: Path, folder: Path, domain: str) -> zoo.ModelFolder:
    """Make a model folder of the last stage that a course has begun; its card says what taught the generator: the
    course's configuration, and the pictures (or codes, of the mapping's stage) that each stage has shown it.

    Raises CheckpointError if no stage has written a generator yet.
    """
    config = TeachConfig.from_json(json.loads((run / CONFIG).read_text()))
    shown: dict[str, int] = {}
    for name in (*(stage.name for stage in STAGES), ADVERSARIAL):
        if (run / name / GENERATOR).exists():
            shown[name] = load_weights(run / name / GENERATOR, "generator").extra["images"]
    if not shown:
        raise CheckpointError(f"{run}: no stage has written a {GENERATOR} yet")
    last, before = list(shown)[-1], {**_before(config.start), **shown}
    facts: dict[str, Any] = {
        "course": config.to_json(),
        "shown": before,
        "images_before": sum(count for name, count in before.items() if name not in (MappingRun.name, last)),
        "data_sha256": {path.name: sha256(path) for path in sorted(run.glob("lessons-*.safetensors"))},
    }
    return pack(run / last, folder, domain, facts=facts)


def _before(start: str) -> dict[str, int]:
    """What the stages of the course that a start comes from had shown it, as far as its file tells."""
    if not start or not Path(start).is_file():
        return {}
    extra = load_weights(Path(start), "generator").extra
    return dict(extra.get("shown", {extra["stage"]: extra["images"]} if "stage" in extra else {}))
