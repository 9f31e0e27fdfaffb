"""The encoder's trainer: it learns, it resumes bit for bit, and it leaves the generator alone."""

import json
from dataclasses import replace

import pytest
import torch

from encoders.backbone import EncoderConfig
from encoders.checkpoint import load_encoder
from encoders.ranger import Ranger
from encoders.recipes import RECIPES, recipe_for
from encoders.restyle import Refiner
from encoders.state import EncoderState
from encoders.training import (
    ENCODER,
    EncoderStep,
    EncoderTrainConfig,
    ResidualEncoder,
    pictures,
    start_from,
    train_encoder,
)
from semedit.data.source import Batch, Share
from semedit.domains.portraits.domain import PORTRAITS
from semedit.errors import CheckpointError, ConfigError, MissingWeights
from semedit.networks.irse import IrSeFace
from semedit.training.engine.feed import DataConfig
from semedit.training.engine.team import Team
from semedit.training.teaching.config import LessonConfig
from tests.conftest import SMALL, random_generator


@pytest.fixture(scope="module")
def generator():
    return random_generator(SMALL.replace(regions=13, transparent=(10, 12)))


def config_for(generator, **changes):
    encoder = EncoderConfig(size=32, rows=generator.layout.rows, style_dim=16, widths=(16, 32), units=(1, 1))
    options = {"steps": 6, "batch": 4, "refinements": 2, "lr": 3e-3, "mean_samples": 100, "checkpoint_every": 2,
               "latent_weight": 0.01}  # fmt: skip
    data = DataConfig(pool=16)
    return EncoderTrainConfig(name="tiny", encoder=encoder, data=data, log_every=1, **{**options, **changes})


def weights(state):
    return {name: value.clone() for name, value in state.encoder.state_dict().items()}


def test_training_learns_and_leaves_the_generator_alone(generator, tmp_path):
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    train_encoder(config_for(generator, steps=30), tmp_path, generator, domain=PORTRAITS)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    terms = ("mse", "perceptual", "identity", "latent")
    assert {*terms, *(f"{name}_first" for name in terms)} <= rows[0].keys()
    assert sum(r["mse"] for r in rows[-5:]) < 0.9 * sum(r["mse"] for r in rows[:5])
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
    stored = load_encoder(tmp_path / ENCODER)
    assert stored.fingerprint == generator.fingerprint and stored.card["images"] == 120
    assert Refiner.of(generator, stored).refine(torch.zeros(1, 3, 32, 32), 2).codes[-1].shape == (1, 28, 16)
    assert list((tmp_path / "samples").glob("*.png"))


def test_two_halves_equal_the_whole_bit_for_bit(generator, tmp_path):
    config = config_for(generator)
    whole = train_encoder(config, tmp_path / "whole", generator, domain=PORTRAITS)
    train_encoder(config.replace(steps=2), tmp_path / "halves", generator, domain=PORTRAITS)
    halves = train_encoder(config, tmp_path / "halves", generator, domain=PORTRAITS)
    a, b = weights(whole), weights(halves)
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_folders_of_other_runs_are_refused(generator, tmp_path, small):
    train_encoder(config_for(generator, steps=2), tmp_path, generator, domain=PORTRAITS)
    with pytest.raises(ConfigError, match=r"other options \(lr\)"):
        train_encoder(config_for(generator, lr=0.1), tmp_path, generator, domain=PORTRAITS)
    other = random_generator(generator.config, seed=9)
    with pytest.raises(ConfigError, match="belongs to generator"):
        train_encoder(config_for(generator), tmp_path, other, domain=PORTRAITS)
    with pytest.raises(ConfigError, match="an encoder of 28 rows"):
        train_encoder(config_for(generator), tmp_path / "new", small, domain=PORTRAITS)


def test_gradients_of_the_refinements_add_up(generator):
    """The accumulated gradient of two refinements is the sum of each one's own."""
    config = config_for(generator)
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1

    def gradients(refinements):
        torch.manual_seed(1)
        encoder = ResidualEncoder(config.encoder)
        for module in encoder.modules():  # batch statistics do not depend on the past, but running ones would
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 0.0
        state = EncoderState(encoder, Ranger(encoder.parameters(), lr=0.0))
        chosen = config.replace(refinements=refinements)
        step = EncoderStep(chosen, state, generator, PORTRAITS, Team())
        torch.manual_seed(2)
        step.run(Batch(images, torch.empty(4, 0)))
        return step, encoder.heads.linear_weight.grad.clone()

    step, both = gradients(2)
    _, first = gradients(1)
    torch.manual_seed(2)
    noises = [generator.noise_maps("random", 4) for _ in range(2)]
    with torch.no_grad():
        start = step.refiner.step(images, *step.refiner.start(4), noises[0])
    step.state.encoder.zero_grad()
    code, image = step.refiner.step(images, *start, noises[1])
    step.weigh(step.losses(code, image, images)).backward()
    torch.testing.assert_close(both, first + step.state.encoder.heads.linear_weight.grad, rtol=1e-3, atol=1e-6)


def test_a_process_takes_its_share_of_the_noise(generator):
    maps = generator.noise_maps("random", 4)
    assert [n.shape[0] for n in (Share(1, 2)(m) for m in maps)] == [2] * len(maps)


def test_a_run_starts_from_another_encoder_or_from_a_face_network(generator, tmp_path):
    config = config_for(generator, steps=2)
    train_encoder(config, tmp_path / "first", generator, domain=PORTRAITS)
    first = load_encoder(tmp_path / "first" / ENCODER).encoder
    encoder = ResidualEncoder(config.encoder)
    start_from(encoder, tmp_path / "first" / ENCODER)
    assert all(torch.equal(a, b) for a, b in zip(encoder.parameters(), first.parameters(), strict=True))
    with pytest.raises(CheckpointError, match="does not fit"):
        start_from(ResidualEncoder(config.encoder.replace(widths=(16, 16))), tmp_path / "first" / ENCODER)

    torch.manual_seed(3)
    face = IrSeFace()
    torch.save(face.state_dict(), tmp_path / "model_ir_se50.pth")
    wide = ResidualEncoder(EncoderConfig(rows=1, style_dim=16))
    start_from(wide, tmp_path / "model_ir_se50.pth")
    assert torch.equal(wide.trunk.input_layer[0].weight[:, :3], face.input_layer[0].weight)
    assert torch.equal(wide.trunk.body[7].res_layer[1].weight, face.body[7].res_layer[1].weight)
    assert 0.8 < wide.trunk.input_layer[0].weight[:, 3:].std() < 1.2  # N(0, 1), as in the released code


def test_recipes_take_the_rows_of_their_generator(generator):
    for domain in RECIPES:
        recipe = recipe_for(generator, domain)
        assert (recipe.encoder.rows, recipe.encoder.style_dim) == (28, 16)
    assert RECIPES["faces"].encoder == EncoderConfig(enlarging="pool") and RECIPES["faces"].refinements == 5


@pytest.fixture(scope="module")
def student():
    """A generator wide enough for the law of drawn portraits."""
    return random_generator(SMALL.replace(regions=13, transparent=(10, 12), style_dim=64))


def test_codes_of_lessons_are_learnt_without_a_look_at_pictures(student, tmp_path):
    pictures = {"perceptual_weight": 0.0, "mse_weight": 0.0, "identity_weight": 0.0, "latent_weight": 0.0}
    lessons = LessonConfig(count=32, mixing=0.5)
    config = config_for(student, steps=80, refinements=1, lr=1e-2, code_weight=1.0, lessons=lessons, **pictures)
    config = config.replace(encoder=config.encoder.replace(style_dim=64))

    def nobody():
        raise MissingWeights("nothing here looks at pictures")

    blind = replace(PORTRAITS, perceptual_training=nobody, identity_loss=nobody)
    train_encoder(config, tmp_path, student, domain=blind)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert not config.looks and rows[0].keys() & {"mse", "perceptual", "identity"} == set()
    assert sum(r["code_first"] for r in rows[-5:]) < 0.9 * sum(r["code_first"] for r in rows[:5])


def test_the_true_code_has_no_code_loss(student, tmp_path):
    config = config_for(student, code_weight=1.0, lessons=LessonConfig(count=8, mixing=1.0))
    config = config.replace(encoder=config.encoder.replace(style_dim=64))
    state = EncoderState(ResidualEncoder(config.encoder), Ranger([torch.zeros(1, requires_grad=True)]))
    step = EncoderStep(config, state, student, PORTRAITS, Team())
    batch = next(pictures(config, student, PORTRAITS, Team(), tmp_path).stream(0))
    true = step.true_codes(batch)
    assert true.shape == (4, 28, 64) and (true - true[:, :1]).abs().max() > 0  # rows of two codes
    image = student(true).image
    assert step.losses(true, image, image, true)["code"] == 0
    wrong = true + step.spread**0.5
    assert step.losses(wrong, image, image, true)["code"].item() == pytest.approx(1, rel=1e-4)


def test_points_of_lessons_are_learnt_without_a_look_at_pictures(student, tmp_path):
    pictures = {"perceptual_weight": 0.0, "mse_weight": 0.0, "identity_weight": 0.0, "latent_weight": 0.0}
    lessons = LessonConfig(count=32, mixing=0.5)
    config = config_for(student, steps=60, refinements=1, lr=1e-2, point_weight=1.0, points=64, lessons=lessons,
                        **pictures)  # fmt: skip
    config = config.replace(encoder=config.encoder.replace(style_dim=64))
    train_encoder(config, tmp_path, student, domain=PORTRAITS)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert not config.looks and "code_first" not in rows[0]
    assert sum(r["points_first"] for r in rows[-5:]) < 0.9 * sum(r["points_first"] for r in rows[:5])


def test_frozen_norms_keep_the_statistics_of_the_start(generator, tmp_path):
    train_encoder(config_for(generator), tmp_path / "a", generator, domain=PORTRAITS)
    start = load_encoder(tmp_path / "a" / ENCODER).encoder.state_dict()
    config = config_for(generator, frozen_norms=True, start=str(tmp_path / "a" / ENCODER))
    after = train_encoder(config, tmp_path / "b", generator, domain=PORTRAITS).encoder.state_dict()
    kept = [name for name in start if name.endswith(("running_mean", "running_var"))]
    assert kept and all(torch.equal(after[name], start[name]) for name in kept)
    assert not torch.equal(after["heads.linear_weight"], start["heads.linear_weight"])
    with pytest.raises(ConfigError, match="frozen_norms needs start"):
        config_for(generator, frozen_norms=True)


def test_codes_are_not_asked_of_pictures_without_them(generator):
    with pytest.raises(ConfigError, match="instead of data"):
        config_for(generator, lessons=LessonConfig(count=8)).replace(data=DataConfig(path="pictures"))
    for weight in ("code_weight", "point_weight"):
        with pytest.raises(ConfigError, match=f"{weight} needs lessons"):
            config_for(generator, **{weight: 1.0})
