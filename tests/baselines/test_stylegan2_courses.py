"""A StyleGAN2 taught by pairs of code and picture: the stages of a generator with regions, less what needs them."""

import json
from dataclasses import fields

import pytest
import torch

from baselines.stylegan2 import COURSES, StyleGAN2CourseConfig, StyleGAN2Generator, load_generator
from baselines.stylegan2.discriminator import StyleGAN2Discriminator, StyleGAN2DiscriminatorConfig
from semedit.checkpoints.native import save_discriminator
from semedit.cli.main import run
from semedit.data.lessons import Lessons
from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.loading import load
from semedit.errors import CheckpointError, ConfigError
from semedit.metrics.pixels import mse
from semedit.networks.discriminator import DiscriminatorConfig, DualDiscriminator
from semedit.pictures.tensors import to_images
from semedit.training.engine.team import Team
from semedit.training.teaching.adversary import adopt
from semedit.training.teaching.classroom import open_teacher
from semedit.training.teaching.course import teach
from semedit.training.teaching.objectives import PairsObjective, wplus
from semedit.training.teaching.stages import PairLosses, label_weights

TINY = COURSES["stylegan2-taught-tiny"]().replace(monitor_every=0)


@pytest.mark.parametrize("name", COURSES)
def test_courses_survive_json(name):
    config = COURSES[name]()
    assert StyleGAN2CourseConfig.from_json(json.loads(json.dumps(config.to_json()))) == config and config.name == name
    assert config.adversarial.generator == config.generator and not config.points.steps


@pytest.fixture(scope="module")
def lessons() -> Lessons:
    return open_teacher(TINY.lessons, TINY.generator, PORTRAITS).lessons(8, seed=3)


def test_a_lesson_is_the_picture_of_one_code(lessons):
    torch.manual_seed(0)
    generator = StyleGAN2Generator(TINY.generator)
    assert not lessons.from_second.any()
    codes = wplus(generator, lessons)
    assert torch.equal(codes, generator.mapping(lessons.first)[:, None].expand(-1, 6, -1))
    again = PORTRAITS.teacher(TINY.generator, "soft", 0.0).lessons(8, seed=3)
    assert all(torch.equal(getattr(again, f.name), getattr(lessons, f.name)) for f in fields(Lessons))


def test_mixed_lessons_and_points_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="set lessons"):
        teach(TINY.with_overrides(["lessons.mixing=0.6"]), tmp_path / "a", domain=PORTRAITS)
    with pytest.raises(ConfigError, match="set points"):
        teach(TINY.with_overrides(["points.steps=2", "mapping.steps=0"]), tmp_path / "b", domain=PORTRAITS)


def test_pairs_ask_for_the_picture_and_reach_every_parameter(lessons):
    torch.manual_seed(0)
    generator = StyleGAN2Generator(TINY.generator)
    weights = label_weights(lessons.labels, 13, 0.25)
    losses = PairLosses(TINY.pairs, PORTRAITS.perceptual_training(), weights)
    found = PairsObjective(TINY.pairs.replace(batch=8), generator, losses, "fp32", Team().share)(lessons)
    assert set(found) == {"colour", "perceptual"}
    sum(found.values()).backward()
    assert not [name for name, p in generator.named_parameters() if p.grad is None]


def test_a_course_teaches_and_is_not_done_again(tmp_path, lessons):
    course = TINY.replace(adversarial=TINY.adversarial.replace(images=8), pairs=TINY.pairs.replace(steps=40, lr=8e-3))
    made = teach(course, tmp_path, domain=PORTRAITS)
    again = teach(course, tmp_path, domain=PORTRAITS)
    assert again.fingerprint == made.fingerprint
    torch.manual_seed(course.seed)
    blank = StyleGAN2Generator(course.generator)
    taught = load_generator(tmp_path / "pairs" / "generator.safetensors")
    errors = [
        mse(network(wplus(network, lessons)).image.clamp(-1, 1), to_images(lessons.images)).mean()
        for network in (taught, blank)
    ]
    assert errors[0] < 0.5 * errors[1]


def test_the_adversary_begins_as_the_branch_of_pictures_of_one_that_sees_masks(tmp_path):
    critic = TINY.adversarial.build_discriminator()
    torch.manual_seed(7)
    dual = DualDiscriminator(DiscriminatorConfig(size=16, channels=critic.config.channels))
    save_discriminator(tmp_path / "dual.safetensors", dual)
    adopt(critic, str(tmp_path / "dual.safetensors"))
    theirs = dual.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in critic.state_dict().items())
    with pytest.raises(CheckpointError, match="does not fit the network"):
        small = StyleGAN2DiscriminatorConfig(size=16, channels={4: 4, 8: 4, 16: 4})
        adopt(StyleGAN2Discriminator(small), str(tmp_path / "dual.safetensors"))
    with pytest.raises(CheckpointError, match="no discriminator to begin with"):
        teach(TINY.replace(critic="portraits-cel"), tmp_path / "run", domain=PORTRAITS)
    begun = TINY.replace(mapping=TINY.mapping.replace(steps=0), pairs=TINY.pairs.replace(steps=0))
    teach(begun.replace(critic=str(tmp_path / "dual.safetensors")), tmp_path / "run", domain=PORTRAITS)


def test_the_command_line_teaches_and_packs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few = ["--set", "mapping.steps=4", "--set", "pairs.steps=4", "--images", "8", "--set", "lessons.count=16"]
    assert run(["train", "stylegan2-taught-tiny", *few, "--out", "run"]) == 0
    log = [json.loads(line) for line in (tmp_path / "run" / "pairs" / "log.jsonl").read_text().splitlines()]
    assert any({"mse", "psnr"} <= line.keys() for line in log)
    assert list((tmp_path / "run" / "pairs" / "samples").glob("*.png"))
    assert run(["models", "pack", "run/adversarial", "--out", str(tmp_path / "home" / "models" / "taught")]) == 0
    assert load("taught").sample(1).data.shape == (1, 64)
