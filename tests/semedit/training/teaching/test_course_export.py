"""From a course's folder to a model's: the last stage's networks, and who taught them."""

import pytest

from semedit.checkpoints import zoo
from semedit.domains import domain
from semedit.errors import CheckpointError
from semedit.storage.atomic import write_json
from semedit.training.engine.run import CONFIG
from semedit.training.teaching.course import teach
from semedit.training.teaching.export import is_course, pack_course
from semedit.training.teaching.recipes import course

SHORT = course("portraits-taught-tiny").with_overrides(
    ["mapping.steps=4", "points.steps=2", "pairs.steps=2", "adversarial.images=8", "lessons.count=16"]
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    teach(SHORT, folder, domain=domain("portraits"))
    return folder


def test_a_packed_course_says_what_each_stage_was_shown(run, tmp_path):
    entry = pack_course(run, tmp_path / "model", "portraits")
    assert is_course(run) and not is_course(run / "adversarial")
    assert entry.card["shown"] == {"mapping": 4 * 32, "points": 2 * 8, "pairs": 2 * 4, "adversarial": 8}
    assert (entry.card["images"], entry.card["images_before"]) == (8, 2 * 8 + 2 * 4)  # codes are no pictures
    assert entry.card["course"]["lessons"]["count"] == 16 and (tmp_path / "model" / zoo.DISCRIMINATOR).exists()
    assert not zoo.verify(entry)


def test_a_course_without_an_adversary_is_packed_too(run, tmp_path):
    own = tmp_path / "run"
    config = SHORT.with_overrides(["adversarial=null", f"start={run / 'points' / 'generator.safetensors'}"])
    config = config.with_overrides(["mapping.steps=0", "points.steps=0"])
    teach(config, own, domain=domain("portraits"))
    entry = pack_course(own, tmp_path / "model", "portraits")
    assert entry.card["shown"] == {"points": 2 * 8, "pairs": 2 * 4} and entry.card["images_before"] == 16
    assert not (tmp_path / "model" / zoo.DISCRIMINATOR).exists()


def test_a_course_that_has_taught_nothing_is_refused(tmp_path):
    write_json(tmp_path / CONFIG, SHORT.to_json())
    with pytest.raises(CheckpointError, match="no stage"):
        pack_course(tmp_path, tmp_path / "model", "portraits")
    assert not is_course(tmp_path / "nowhere")
