"""Exact masks and true changes: what comes to the true change gains 1, and what strays is seen outside."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks.exact import Answer, ExactCurve, Question, measure, taking, turning
from benchmarks.paper.parts import local_methods
from semedit.domains.portraits.domain import PORTRAITS
from semedit.domains.portraits.law import WIDTH
from semedit.domains.portraits.truth import PortraitTruth
from semedit.editing.loading import load
from semedit.editing.model import Model
from semedit.errors import ConfigError, UnknownName
from semedit.latents.regions import CELEBAMASK

SIZE = 64


class Law(Model):
    """A model whose pictures are the law's: its codes in W are z."""

    def __init__(self):
        self.domain, self.name = PORTRAITS, "law"
        config = SimpleNamespace(size=SIZE, style_dim=WIDTH + 1)
        self.generator = SimpleNamespace(config=config, mapping=lambda z: z, latent=lambda z: z)

    @property
    def device(self):
        return torch.device("cpu")

    def synthesise(self, latent):
        return SimpleNamespace(image=PortraitTruth(SIZE).pictures(latent))


def answer(question: Question, change, amounts=(0.5, 1.0)) -> Answer:
    """Pictures that go part of the way, and ``change`` besides."""

    def pictures(part, amount):
        before, after = question.change.before[part], question.change.after[part]
        return torch.lerp(before, after, amount) + change(question, part, amount)

    return Answer("exact", amounts, pictures)


def nothing(*_):
    return 0.0


def test_a_transfer_changes_the_regions_factors_alone():
    draws = torch.randn(2, 6, WIDTH + 1, generator=torch.Generator().manual_seed(0))
    truth = PortraitTruth(SIZE)
    for region in ("hair", "background"):
        change = truth.true_transfer(*draws, CELEBAMASK.select(region))
        inside = change.inside(CELEBAMASK.select(region).regions)
        moved = ((change.before - change.after).abs().amax(1, keepdim=True) > 0.05).float()
        assert (moved * inside).sum() > 0.8 * moved.sum() > 0  # the rest: shadows, edges
        assert torch.equal(change.before, truth.pictures(draws[0]))
    whole = truth.true_transfer(*draws, CELEBAMASK.select("all"))
    assert torch.equal(whole.after, truth.pictures(draws[1]))
    edited = truth.true_edit(draws[0], "smile", True)
    assert torch.equal(edited.after, truth.edited(draws[0], "smile", True))


@pytest.mark.parametrize("asked", ["hair", "smile"])
def test_a_perfect_answer_gains_what_it_is_asked_for(asked):
    question = taking(Law(), asked, 6) if asked == "hair" else turning(Law(), asked, 6)
    curve = measure(Law(), question, answer(question, nothing))
    assert curve.mean("gain") == pytest.approx([0, 0.5, 1], abs=0.02)
    assert curve.mean("distance")[2] < curve.mean("distance")[1] < 0
    assert curve.at("inside", 0.25) == pytest.approx(curve.mean("inside")[1] / 2, rel=0.1)
    assert 0 < curve.mean("outside")[2] < 0.25 * curve.mean("inside")[2]  # a head's edges, a shadow
    ends = curve.ends("inside", 0.5)
    assert ends.low <= curve.at("inside", 0.5) <= ends.high
    again = ExactCurve.from_json(json.loads(json.dumps(curve.to_json())))
    assert np.allclose(again.mean("identity"), curve.mean("identity"), atol=1e-5)


def test_what_strays_is_seen_outside_and_gains_nothing():
    question = taking(Law(), "hair", 6)

    def elsewhere(asked, part, amount):
        return 0.3 * amount * ~asked.inside[part]

    plain, strayed = (measure(Law(), question, answer(question, change)) for change in (nothing, elsewhere))
    assert strayed.mean("outside")[2] > plain.mean("outside")[2] + 0.1
    assert strayed.mean("gain") == pytest.approx(plain.mean("gain"), abs=1e-6)
    assert strayed.mean("distance")[2] > plain.mean("distance")[2]
    still = measure(Law(), question, Answer("still", (1.0,), lambda part, _: question.change.before[part]))
    assert still.most == 0 and still.mean("outside").tolist() == [0, 0]
    panels = local_methods.at_equal_gain([("A", plain), ("B", strayed), ("C", still)])
    (methods,) = panels.values()
    assert [(one["generator"], one["name"]) for one in methods] == [("A", "exact"), ("B", "exact")]
    assert methods[0]["outside"] < methods[1]["outside"]
    assert [cell.column for cell in local_methods.cells(still, "row")] == ["greatest gain"]
    beside = {cell.column: cell for cell in local_methods.equally(plain, strayed, "row")}
    assert all(cell.n == 6 and cell.low <= cell.value <= cell.high for cell in beside.values())
    assert beside["equal change inside"].value == pytest.approx(0.9 * plain.each("inside")[-1].mean())
    assert beside["change outside there"].value < plain.each("outside")[-1].mean()
    assert beside["saved"].low > 0.1
    assert {cell.value for cell in local_methods.equally(still, strayed, "row")} == {0.0}  # it changes nothing


def test_questions_that_cannot_be_asked():
    with pytest.raises(UnknownName, match="hair"):
        taking(Law(), "hare", 2)
    model = load("portraits-adversarial")  # which has learnt from no law
    if model.generator.config.style_dim > WIDTH:
        question = taking(model, "hair", 4)
        with pytest.raises(ConfigError, match="does not keep to"):
            measure(model, question, answer(question, nothing))
    else:
        with pytest.raises(ConfigError, match="short"):
            taking(model, "hair", 4)


def test_all_methods_of_a_model_answer():
    model = load("portraits")
    question, answers = local_methods.put(model, "hair", 2)
    assert [one.method for one in answers] == ["rows", "feature-blending", "poisson"]
    curve = measure(model, question, answers[0])
    assert curve.mean("gain")[-1] > 0.5 > curve.mean("gain")[1] > 0
    assert {one.method for one in local_methods.put(model, "smile", 2)[1]} >= {
        "interfacegan, common direction, all rows", "interfacegan, common direction, masked", "styleflow, masked"
    }  # fmt: skip
