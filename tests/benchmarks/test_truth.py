"""Edits against the truth: an exact edit comes all the way, its opposite goes away; where nobody knows, it is said."""

import dataclasses

import numpy as np
import pytest
import torch

from benchmarks import bootstrap, truth
from directions import InterFaceGAN
from directions.interfacegan.library import DirectionLibrary
from semedit.checkpoints import zoo
from semedit.cli.main import run
from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.model import Model
from semedit.errors import ConfigError, UnknownName
from tests.conftest import SMALL, random_generator

STEP = 3.0


class ByDirection:
    """A truth that a test can know: an attribute is a coordinate's sign, and its edit moves w along a direction."""

    protocol = "law of tests"

    def __init__(self, generator, direction):
        self.generator, self.direction = generator, direction

    def turnable(self, codes, attribute, on):
        return (codes[:, 0] > 0) != on

    def pictures(self, codes):
        return self.generator(self.generator.mapping(codes)).image

    def edited(self, codes, attribute, on):
        shift = (STEP if on else -STEP) * torch.from_numpy(self.direction)
        return self.generator(self.generator.mapping(codes) + shift).image


class Squares:
    """A perceptual metric for tests."""

    protocol = "squares"

    def to(self, device):
        return self

    def distance(self, a, b):
        return (a - b).square().flatten(1).mean(1)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small generator with a true edit and its direction, of which strength 1 is exact."""
    generator = random_generator()
    random = np.random.default_rng(0)
    codes = random.normal(size=(400, 16)).astype(np.float32)
    editor = InterFaceGAN("smile", chosen=0.2).fit(codes, codes[:, 1])
    path = tmp_path_factory.mktemp("editors") / "directions.safetensors"
    DirectionLibrary({"smile": editor.with_scale(STEP)}, generator.fingerprint).save(path)
    law = ByDirection(generator, editor.direction_)
    domain = dataclasses.replace(
        PORTRAITS, truth=lambda config: law, attribute_names=("smile",), perceptual_judge=Squares,
        perceptual=Squares, perceptual_training=Squares,
    )  # fmt: skip
    return Model(generator, domain, "small", editor_paths={"interfacegan": path})


def test_an_exact_edit_comes_all_the_way(model):
    rows = truth.truth_rows(model, methods=("interfacegan",), count=12)
    assert [(r.metric, r.chosen) for r in rows] == [
        (metric, chosen) for chosen in (False, True) for metric in ("mse", "mse_changed", "perceptual", "score")
    ]
    for row in rows:
        assert row.n == 12 and (row.nearer == 1 or row.metric == "score")  # hardly anything changes this score
        assert row.edited == pytest.approx(0, abs=1e-4) and row.strength == 1
        assert row.low <= row.value <= row.high < 0 and row.value == pytest.approx(row.edited - row.unedited)
    whole, changed = rows[0], rows[1]
    assert changed.unedited > whole.unedited  # what did not change thins the distance out


def test_the_wrong_way_is_farther(model):
    editor = model.editors("interfacegan")["smile"]
    back = DirectionLibrary({"smile": editor.with_scale(-STEP)}, model.generator.fingerprint)
    wrong = Model(model.generator, model.domain, "wrong")
    wrong._editors["interfacegan"] = back
    (row, *_) = truth.truth_rows(wrong, count=12)
    assert row.nearer < 0.2 and row.low > 0 and row.edited > row.unedited


def test_attributes_are_taken_away_too(model):
    rows = truth.truth_rows(model, count=8, on=False)
    assert {row.strength for row in rows} == {-1.0} and all(row.nearer == 1 for row in rows)
    assert [row.metric for row in truth.named(rows, "interfacegan")][:2] == [
        "smile.strength 1.mse", "smile.strength 1.mse_changed",
    ]  # fmt: skip


def test_the_command_and_the_card(model, monkeypatch, capsys, tmp_path):
    entry = zoo.ModelFolder("small", tmp_path, {"name": "small"})
    (tmp_path / "card.json").write_text('{"name": "small"}')
    shown = Model(model.generator, model.domain, "small", entry, editor_paths=model.editor_paths)
    monkeypatch.setattr("semedit.cli.bench.editing.load", lambda name: shown)
    assert run(["bench", "editing", "--truth", "--count", "6", "--write-card"]) == 0
    assert "nearer" in capsys.readouterr().out
    figures = zoo.read_card(tmp_path)["quality"]["truth.interfacegan"]["smile.strength 1.mse"]
    assert {"value", "low", "high", "nearer", "edited", "unedited", "n", "protocol"} <= figures.keys()
    assert "law of tests" in figures["protocol"]


def test_where_nobody_knows(model, small):
    faces = dataclasses.replace(model.domain, truth=None, name="faces")
    with pytest.raises(ConfigError, match="'faces' has no law"):
        truth.truth_rows(Model(small, faces), count=4)
    with pytest.raises(ConfigError, match=r"reads \d+ coordinates"):
        PORTRAITS.truth_of(small.config)


def test_a_generator_that_keeps_to_no_law_is_refused(model):
    """Generators that learnt from pictures without codes: their codes mean something of their own."""
    other = Model(random_generator(seed=1), model.domain, "lawless")
    with pytest.raises(ConfigError, match="'lawless' does not keep to the law of tests"):
        truth.truth_rows(other, count=16)


class TestPortraits:
    law = PORTRAITS.truth_of(SMALL.replace(style_dim=128))

    @pytest.mark.parametrize("attr", PORTRAITS.attribute_names)
    @pytest.mark.parametrize("on", [True, False])
    def test_a_turned_portrait_differs_where_it_can(self, attr, on):
        law = self.law
        codes = truth.find_codes(law, attr, on, 2, 128, seed=3)
        assert law.turnable(codes, attr, on).all()
        assert not torch.equal(law.pictures(codes), law.edited(codes, attr, on))

    def test_bald_heads_get_no_bangs(self):
        law = self.law
        bald = truth.find_codes(law, "bald", False, 4, 128, seed=3)
        assert not law.turnable(bald, "bangs", True).any()

    def test_attributes_are_named(self):
        with pytest.raises(UnknownName, match="attribute"):
            self.law.edited(torch.randn(1, 128), "wings", True)


def test_bootstrap_intervals():
    """They hold the mean, narrow with the root of the count, and are those of the same resamples every time."""
    values = np.random.default_rng(1).normal(2.0, 1.0, 400)
    found = bootstrap.mean_interval(values)
    assert found.low < values.mean() < found.high and found == bootstrap.mean_interval(values)
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)
    same = bootstrap.mean_interval(np.full(7, 3.0))
    assert (same.low, same.high) == pytest.approx((3.0, 3.0))
