"""Requests and what is made of them: contradictions, needs, progress, records."""

import dataclasses
import json

import pytest
import torch

from semedit.domains import DOMAINS
from semedit.editing.loading import load
from semedit.editing.model import Model
from semedit.editing.requests.records import Failure
from semedit.editing.requests.request import ATTRIBUTE, EditRequest
from semedit.editing.results.subjects import Subject
from semedit.editing.sessions.session import EditSession, take_back
from semedit.errors import ConfigError, MissingWeights, UnknownName
from semedit.latents.latent import Latent


@pytest.fixture(scope="module")
def model():
    return load("portraits")


@pytest.fixture
def subject(model, tmp_path):
    path = tmp_path / "one" / "latent.safetensors"
    model.sample(1, 3).wplus().save(path)
    return Subject(path.parent, path, "one")


class TestRequest:
    @pytest.mark.parametrize("options, words", [
        ({"attrs": ("smile",), "texts": ("x",)}, "one of them"),
        ({"texts": ("x",), "target": 0.5}, "goes with --attr"),
        ({"target": 1.5}, "between 0 and 1"),
        ({"attrs": ("smile", "bald"), "regions": ("a", "b", "c")}, "3 --regions for 2 edits"),
        ({"texts": ("x",), "regions": ("auto",)}, "measured for attributes"),
        ({"reference": "a.png"}, "needs --regions"),
        ({"attrs": ("smile=much",)}, "stands a strength"),
    ])  # fmt: skip
    def test_contradictions_are_refused(self, options, words):
        with pytest.raises(ConfigError, match=words):
            EditRequest(**options)

    def test_regions_are_dealt_out(self):
        asked = EditRequest(attrs=("smile", "bald=-1"))
        assert asked.places == (None, None) and asked.edits == (("smile", 1.0), ("bald", -1.0))
        assert EditRequest(attrs=("smile", "bald"), regions=("face",)).places == ("face", "face")
        assert EditRequest(texts=("a", "b"), regions=("skin", "hair")).places == ("skin", "hair")
        assert EditRequest().edits == ((ATTRIBUTE, 1.0),) and EditRequest(texts=("a",)).edits == ()


class TestNeeds:
    """What is missing is said before anything is worked on."""

    @pytest.fixture
    def no_work(self, monkeypatch):
        def never(*arguments, **options):
            raise AssertionError("work has begun")

        monkeypatch.setattr(Model, "invert", never)
        monkeypatch.setattr("directions.styleclip.StyleClip.search", never)

    def test_regions_before_the_reference_is_inverted(self, model, no_work):
        with pytest.raises(UnknownName, match="hare"):
            EditSession(model, EditRequest(reference="a.png", regions=("hare",)))

    def test_networks_before_the_search_for_a_text(self, model, no_work):
        def absent():
            raise MissingWeights("no identity network")

        poor = Model(model.generator, dataclasses.replace(model.domain, identity=absent), model.name, model.entry)
        with pytest.raises(MissingWeights, match="no identity network"):
            EditSession(poor, EditRequest(texts=("a person with blue eyes",)))

    def test_a_scorer_before_the_way_to_a_target(self, model, no_work):
        def absent():
            raise MissingWeights("no classifier")

        poor = dataclasses.replace(DOMAINS["portraits"], attributes=absent)
        with pytest.raises(MissingWeights, match="nothing here scores 'smile'"):
            EditSession(Model(model.generator, poor, model.name, model.entry), EditRequest(target=0.5))


def test_progress_moves_during_the_search(model, subject):
    heard = []
    asked = EditRequest(texts=("blue eyes",), options=("steps=3", "candidates=0"))
    session = EditSession(model, asked, lambda what, done, total: heard.append((what, done, total)))
    (record,) = session.edit([subject])
    assert [(done, total) for what, done, total in heard if what == "'blue eyes'"] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert heard[-1] == ("editing", 1, 1) and record.steps[0].words.stopped == "steps"


def test_progress_counts_all_pictures(model, subject, tmp_path):
    """Over all batches, from before the first is done."""
    heard = []
    session = EditSession(model, EditRequest(attrs=("beard",)), lambda *what: heard.append(what))
    several = [subject]
    for index in range(2):
        path = tmp_path / f"{index}" / "latent.safetensors"
        model.sample(1, index).wplus().save(path)
        several.append(Subject(path.parent, path, str(index)))
    assert len(list(session.edit(several, batch=2))) == 3
    assert [(done, total) for _, done, total in heard] == [(0, 3), (2, 3), (2, 3), (3, 3)]


class TestRecords:
    def test_one_step_is_flat(self, model, subject):
        (record,) = EditSession(model, EditRequest(attrs=("beard",))).edit([subject])
        shown = record.to_json()
        assert json.loads(json.dumps(shown)) == shown
        (step,) = shown["steps"]
        assert all(shown[key] == step[key] for key in ("attr", "strength", "regions", "score_before", "score_after"))
        assert json.loads((record.folder / "manifest.json").read_text())["request"]["attrs"] == ["beard"]

    def test_what_fails_is_named_and_the_rest_goes_on(self, model, subject, tmp_path):
        broken = tmp_path / "broken.safetensors"
        broken.write_text("hello")
        failed, done = EditSession(model, EditRequest()).edit([Subject(tmp_path / "b", broken, "b"), subject])
        assert isinstance(failed, Failure) and failed.input == str(broken) and done.input == "one"

    def test_there_and_back(self, model, subject):
        (record,) = EditSession(model, EditRequest(attrs=("beard", "smile"))).edit([subject])
        edited = Subject(subject.folder, record.folder / "latent.safetensors")
        assert take_back(model, edited).left == ("beard",)
        whole = take_back(model, edited, 2)
        assert whole.left == () and len(whole.undone) == 2
        start = Latent.load(subject.latent).data
        assert torch.equal(Latent.load(whole.files["latent"]).data, start)
