"""Labelled samples, kept on disk as they come, and scores of one's own."""

import json
import os

import numpy as np
import pytest
import torch

from directions import InterFaceGAN, label_samples, learn_directions, read_scores, true_labels
from directions.labels import BATCH, GROUP
from semedit.domains.portraits.domain import PORTRAITS
from semedit.domains.portraits.factors import attributes
from semedit.domains.portraits.law import factors_of
from semedit.editing.model import Model
from semedit.errors import ConfigError, UnknownName
from tests.conftest import SMALL, random_generator
from tests.directions.conftest import Brightness


class TestLabels:
    def test_labelling_goes_on_where_it_stopped(self, model, tmp_path):
        whole = label_samples(model, Brightness(), 3 * BATCH, 5, tmp_path / "a")

        class Stops(Brightness):
            def score(self, images):
                if self.seen >= 2 * BATCH:
                    raise KeyboardInterrupt
                return super().score(images)

        with pytest.raises(KeyboardInterrupt):
            label_samples(model, Stops(), 3 * BATCH, 5, tmp_path / "b")
        torn = next((tmp_path / "b").glob("*/codes.f32"))
        torn.write_bytes(torn.read_bytes() + b"torn")  # killed in the middle of a write
        scorer = Brightness()
        resumed = label_samples(model, scorer, 3 * BATCH, 5, tmp_path / "b")
        assert scorer.seen == BATCH
        assert np.array_equal(resumed.codes, whole.codes) and np.array_equal(
            resumed.scores["beard"], whole.scores["beard"]
        )
        again = Brightness()
        assert len(label_samples(model, again, 100, 5, tmp_path / "b")) == 100 and again.seen == 0

    def test_other_facts_have_another_place(self, model, tmp_path):
        label_samples(model, Brightness(), 8, 5, tmp_path)
        label_samples(model, Brightness(), 8, 6, tmp_path)
        label_samples(model, Brightness(), 8, 5, tmp_path, "region1")
        facts = [json.loads(path.read_text()) for path in tmp_path.glob("*/facts.json")]
        assert len(facts) == 3 and all(f["generator"] == model.generator.fingerprint for f in facts)

    def test_codes_stay_on_disk(self, model, tmp_path):
        labelled = label_samples(model, Brightness(), 2 * BATCH, 5, tmp_path)
        assert isinstance(labelled.codes, np.memmap)
        fitted = InterFaceGAN("smile", chosen=0.1).fit(labelled.codes, labelled.scores["smile"])
        plain = InterFaceGAN("smile", chosen=0.1).fit(np.array(labelled.codes), labelled.scores["smile"])
        assert np.array_equal(fitted.direction_, plain.direction_) and fitted.report_ == plain.report_

    def test_samples_of_regions_share_the_rest(self, model, tmp_path):
        shown = []

        class Watches(Brightness):
            def score(self, images):
                shown.append(images)
                return super().score(images)

        labelled = label_samples(model, Watches(), BATCH, 5, tmp_path, "region1:texture")
        groups = labelled.scores["smile"].reshape(-1, GROUP)
        np.testing.assert_allclose(groups.mean(1), 0, atol=1e-6)
        assert groups.std() > 0 and len(np.unique(np.array(labelled.codes), axis=0)) == BATCH
        assert len(shown) == 1 and not torch.equal(shown[0][0], shown[0][1])


class TestScoresOfOnesOwn:
    @pytest.fixture
    def table(self, model, tmp_path):
        latent = model.sample(60, 3, psi=1.0)
        lines = ["latent,happy"]
        for i in range(60):
            latent[i].save(tmp_path / f"{i}.safetensors")
            lines.append(f"{i}.png,{'' if i == 7 else latent.data[i, 0].item()}")
        path = tmp_path / "scores.csv"
        path.write_text("\n".join(lines))
        return path

    def test_they_are_learnt_from(self, model, table):
        labelled = read_scores(table, model)
        assert len(labelled) == 60 and np.isnan(labelled.scores["happy"][7])
        library, rows = learn_directions(model, labelled, chosen=0.4)
        assert library["happy"].direction_[0] > 0.5  # the scores are the first coordinate
        assert rows[0].gain is None and library["happy"].scale_ > 0 and library["happy"].regions_ == "all"
        assert len(model.sample(1)) == 1 and library["happy"].report_.chosen == 23

    @pytest.mark.parametrize("line, words", [
        ("9.png,high", "line 62.*high"), ("none.png,0.4", "line 62.*no such file"),
        ("wplus.png,1", "not one code in W"),
    ])  # fmt: skip
    def test_a_bad_line_is_named(self, model, table, line, words):
        model.sample(1).wplus().save(table.parent / "wplus.safetensors")
        table.write_text(f"{table.read_text()}\n{line}")
        with pytest.raises(ConfigError, match=words):
            read_scores(table, model)

    def test_a_table_of_something_else(self, model, tmp_path):
        (tmp_path / "t.csv").write_text("a,b\n1,2")
        with pytest.raises(ConfigError, match="column 'latent'"):
            read_scores(tmp_path / "t.csv", model)
        (tmp_path / "t.csv").write_text("latent,a\n1," + "2" * 200_000)
        with pytest.raises(ConfigError, match="as CSV"):
            read_scores(tmp_path / "t.csv", model)
        os.mkfifo(tmp_path / "fifo.csv")
        with pytest.raises(ConfigError, match="pipe"):
            read_scores(tmp_path / "fifo.csv", model)

    def test_scores_that_do_not_differ(self, model, table):
        labelled = read_scores(table, model)
        labelled.scores["happy"][:] = 0.5
        with pytest.raises(ConfigError, match="do not differ"):
            learn_directions(model, labelled)
        with pytest.raises(UnknownName, match="scored attribute"):
            learn_directions(model, labelled, attributes=("smile",))


@pytest.fixture(scope="module")
def lawful():
    """A model whose codes are wide enough for the law of drawn portraits."""
    sizes = SMALL.replace(regions=13, transparent=(10, 12), style_dim=64)
    generator = random_generator(sizes)
    generator.regions = PORTRAITS.regions
    return Model(generator, PORTRAITS, "lawful")


def test_the_law_labels_codes_without_a_picture(lawful, monkeypatch):
    monkeypatch.setattr(Model, "synthesise", None)
    labelled = true_labels(lawful, 400, 3)
    z = torch.randn(400, 64, generator=torch.Generator().manual_seed(3))
    assert np.allclose(labelled.codes, lawful.generator.mapping(z).numpy(), atol=1e-5)
    column = lawful.domain.attribute_names.index("smile")
    assert np.array_equal(labelled.scores["smile"], attributes(factors_of(z))[:, column].numpy())
    assert 0.3 < labelled.scores["smile"].mean() < 0.7 and set(labelled.scores) == set(PORTRAITS.attribute_names)


def test_the_law_of_one_regions_rows_changes_what_that_region_shows(lawful):
    labelled = true_labels(lawful, 400, 3, "glasses")
    assert len(labelled) == 400 and np.abs(labelled.scores["glasses"]).max() > 0.4
    assert all(np.abs(labelled.scores[name]).max() < 1e-6 for name in ("smile", "beard", "hat", "long_hair"))
    assert np.allclose(labelled.scores["glasses"].reshape(-1, 8).sum(1), 0, atol=1e-5)
