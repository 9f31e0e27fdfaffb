"""From a course's folder to a model's: the last stage's networks, and who taught them."""

from dataclasses import replace

import pytest
import torch

import semedit
from baselines.stylegan2 import COURSES
from semedit.checkpoints import zoo
from semedit.checkpoints.native import save_discriminator
from semedit.domains import domain
from semedit.errors import CheckpointError, ConfigError, LatentError
from semedit.networks.discriminator import DualDiscriminator
from semedit.storage.atomic import write_json
from semedit.training.engine.run import CONFIG
from semedit.training.gan.starting import open_networks
from semedit.training.teaching.adversary import adopt
from semedit.training.teaching.course import teach
from semedit.training.teaching.export import is_course, pack_course
from semedit.training.teaching.recipes import course
from semedit.training.teaching.stages import STAGES

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
    assert open_networks(tmp_path / "model" / "generator.safetensors").config is None  # and can be adapted
    assert zoo.find("portraits-256").card["images_before"] > 300_000 > zoo.find("portraits-256").card["images"]
    start = zoo.load_generator(run / "points" / "generator.safetensors")
    assert entry.card["grown_from"] == start.fingerprint  # the render net learnt alone
    assert "grown_from" not in pack_course(run, tmp_path / "whole", "portraits").card


def test_a_grown_model_has_the_encoder_and_the_editors_of_its_start():
    small, large = semedit.load("portraits-128"), semedit.load("portraits-256")
    assert large.entry.encoder_path == small.entry.encoder_path and large.default_method == small.default_method
    assert large.refiner.size == small.refiner.size
    selfish = replace(large.entry, card={**large.entry.card, "grown_from": large.entry.card["fingerprint"]})
    assert selfish.start is None and selfish.encoder_path is None
    assert large.editors("interfacegan").keys() == small.editors("interfacegan").keys()
    code = large.sample(1, seed=3)
    assert small.synthesise(code).image.shape[-1] == 128  # codes mean the same, in all that come of the same start
    cel = semedit.load("portraits-cel")  # its codes mean the same, and do not show the same
    assert cel.editors("interfacegan") and not cel.has_encoder and cel.synthesise(code).image.shape[-1] == 256
    with pytest.raises(LatentError, match="belongs to generator"):
        semedit.load("portraits-adversarial").synthesise(code)


def test_a_course_that_has_taught_nothing_is_refused(tmp_path):
    write_json(tmp_path / CONFIG, SHORT.to_json())
    with pytest.raises(CheckpointError, match="no stage"):
        pack_course(tmp_path, tmp_path / "model", "portraits")
    assert not is_course(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "model, recipe",
    [("portraits-128", course), ("portraits-256", course), ("stylegan2-portraits", lambda n: COURSES[n]())],
)
def test_the_recipe_of_a_shipped_model_is_what_it_was_shown(model, recipe):
    """Stages that the card tells of; what it does not was taken over from another model."""
    card = zoo.find(model).card
    config = recipe(card["recipe"])
    shown = {s.name: getattr(config, s.name).steps * getattr(config, s.name).batch for s in STAGES}
    planned = shown | {"adversarial": config.adversarial.images if config.adversarial else 0}
    assert "pairs" in card["shown"] and ("adversarial" in card["shown"]) == (config.adversarial is not None)
    assert {name: planned[name] for name in card["shown"]} == card["shown"]


def test_a_critic_needs_an_adversary():
    assert SHORT.replace(critic="portraits-128").critic and SHORT.replace(adversarial=None).adversarial is None
    for assignments in (["critic=portraits-128", "adversarial=null"], ["adversarial=null", "critic=portraits-128"]):
        with pytest.raises(ConfigError, match="critic is what the adversary begins as") as refused:
            SHORT.with_overrides(assignments)
        assert len(str(refused.value).splitlines()) == 1


def test_an_adversary_that_does_not_fit_is_refused_before_anything_is_taught(tmp_path):
    """A discriminator of other sizes or of another kind, and a generator of other sizes, in a full course."""
    save_discriminator(
        tmp_path / "pictures.safetensors", COURSES["stylegan2-taught-tiny"]().adversarial.build_discriminator()
    )
    wider = course("portraits-taught-tiny").with_overrides(["generator.local_channels=12"])
    refusals = [
        (SHORT.replace(critic="portraits-128"), CheckpointError, "does not fit the network"),
        (SHORT.replace(critic=str(tmp_path / "pictures.safetensors")), CheckpointError, "holds a stylegan2"),
        (wider, ConfigError, "set adversarial.generator.local_channels=12$"),
    ]
    for config, kind, words in refusals:
        with pytest.raises(kind, match=words):
            teach(config, tmp_path / "run", domain=domain("portraits"))
        assert not (tmp_path / "run").exists()


def test_a_smaller_critic_grows_with_its_adversary(tmp_path):
    """The adversary of a grown generator begins as the trained discriminator of the small one, behind a new block."""
    small = SHORT.adversarial.build_discriminator()
    save_discriminator(tmp_path / "critic.safetensors", small)
    options = SHORT.adversarial.discriminator
    large = DualDiscriminator(options.replace(size=32, channels={32: 8, **options.channels}))
    adopt(large, str(tmp_path / "critic.safetensors"))
    ours, theirs = large.state_dict(), small.state_dict()
    assert torch.equal(ours["final_conv.weight"], theirs["final_conv.weight"])
    assert torch.equal(ours["mask_branch.0.weight"], theirs["mask_branch.0.weight"])
    assert torch.equal(ours["image_branch.2.conv2.weight"], theirs["image_branch.1.conv2.weight"])
    wider = DualDiscriminator(options.replace(size=32, channels={32: 8, **options.channels, 16: 12}))
    with pytest.raises(CheckpointError, match="does not fit the network"):
        adopt(wider, str(tmp_path / "critic.safetensors"))
