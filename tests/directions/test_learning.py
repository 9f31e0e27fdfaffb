"""Labelled samples, directions learnt from them, and what is measured of editors: calibration, regions, targets."""

import json

import numpy as np
import pytest
import torch

from directions import (
    DirectionLibrary,
    InterFaceGAN,
    Study,
    choose_regions,
    label_samples,
    learn_directions,
    measure,
    reach,
    read_scores,
)
from directions.labels import BATCH, GROUP
from directions.probe import Probe, shortest
from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.model import Model
from semedit.errors import ConfigError, MissingWeights, UnknownName
from tests.conftest import random_generator


class Brightness:
    """A scorer that a test can read: how bright the upper and the lower half of a picture are."""

    names = ("smile", "beard")
    protocol = "brightness"

    def __init__(self):
        self.seen = 0

    def score(self, images):
        self.seen += len(images)
        halves = images.mean(1).chunk(2, dim=1)
        return torch.sigmoid(torch.stack([10 * half.mean((1, 2)) for half in halves], dim=1))


@pytest.fixture
def model():
    """A small random generator in a domain whose classifier is Brightness."""
    from dataclasses import replace

    domain = replace(PORTRAITS, attributes=Brightness, edit_regions={"smile": "region1"})
    return Model(random_generator(), domain, "m")


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
        assert rows[0]["gain"] is None and library["happy"].scale_ > 0 and library["happy"].regions_ == "all"
        assert len(model.sample(1)) == 1 and library["happy"].report_.chosen == 23

    @pytest.mark.parametrize("line, words", [
        ("9.png,high", "line 62.*high"), ("none.png,0.4", "line 62.*not a latent"),
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

    def test_scores_that_do_not_differ(self, model, table):
        labelled = read_scores(table, model)
        labelled.scores["happy"][:] = 0.5
        with pytest.raises(ConfigError, match="do not differ"):
            learn_directions(model, labelled)
        with pytest.raises(UnknownName, match="scored attribute"):
            learn_directions(model, labelled, attributes=("smile",))


@pytest.mark.parametrize("curve, wanted", [
    ([0.1, 0.3, 0.5], (2.5, 0.4)), ([0.5, 0.6, 0.7], (0.8, 0.4)), ([0.1, 0.3, 0.2], (2.0, 0.3)),
])  # fmt: skip
def test_calibration_interpolates_or_takes_the_best(curve, wanted):
    assert shortest((1.0, 2.0, 3.0), curve) == pytest.approx(wanted)


class OnlyOneRegion:
    """An editor that is worth something in one region, and changes pixels in all."""

    DISTANCES = (1.0, 2.0)
    attribute, scale_, regions_ = "smile", 1.0, "region2"

    def __init__(self, probe_regions):
        self.useful = probe_regions

    def with_scale(self, scale):
        return self

    def edit(self, latent, strength, regions=None):
        return latent.annotated(edited=regions or self.regions_)


class Wanted(Probe):
    """A probe that says what each region is worth, instead of measuring pictures."""

    def __init__(self, model, worth):
        self.model, self.worth, self.names = model, worth, ("smile", "beard")

    def changes(self, editor, strength, regions=None):
        parts = (regions or editor.regions_).split(",")
        unrelated = 0.01 * len(parts)
        gain = sum(self.worth.get(p.partition(":")[0], 0) * (0.3 if p.endswith(":texture") else 1) for p in parts)
        return torch.tensor([gain, unrelated]), 0.1 * len(parts)


@pytest.mark.parametrize("worth, wanted", [
    ({"region1": 0.5}, "region1:shape"), ({"region1": 0.30, "region3": 0.2}, "region1:shape,region3:shape"),
    ({"region2": 0.95, "region0": 0.05}, "region2:shape"), ({}, "region2"),
])  # fmt: skip
def test_the_smallest_set_that_keeps_the_gain(model, worth, wanted):
    found, _, table = choose_regions(Wanted(model, worth), OnlyOneRegion(worth))
    assert found == wanted
    assert {"pose", "region0"} <= {effect.regions for effect in table} and "pose" not in found


class TestStudy:
    def test_it_is_measured_recorded_and_kept(self, model, tmp_path):
        labelled = label_samples(model, model.domain.attributes(), 512, 0, tmp_path)
        library, rows = learn_directions(model, labelled, chosen=0.1, attributes=("smile", "beard"))
        assert library["smile"].regions_ == "region1"  # the domain's own
        study = library["beard"].study_
        assert library["beard"].regions_ == study.auto_regions and set(study.side_effects) == {"smile"}
        assert rows[0]["side_effects"].keys() == {"beard"} and 0.5 <= rows[0]["validation_accuracy"] <= 1
        library.save(tmp_path / "d.safetensors")
        again = DirectionLibrary.load(tmp_path / "d.safetensors", model.generator.fingerprint)
        assert again["beard"].study_ == study and isinstance(study, Study)
        moved = measure(model, again, ("beard",))
        assert moved[0]["gain"] == pytest.approx(study.gain) and again["beard"].study_ == study

    def test_auto_regions_are_measured_once_and_kept_with_the_direction(self, model, tmp_path):
        labelled = label_samples(model, model.domain.attributes(), 512, 0, tmp_path)
        library, _ = learn_directions(model, labelled, chosen=0.1, attributes=("smile",))
        wanted, path = library["smile"].study_.auto_regions, tmp_path / "d.safetensors"
        library["smile"].study_ = None
        library.save(path)
        held = Model(model.generator, model.domain, "m", editor_paths={"interfacegan": path})
        assert held.auto_regions("smile") == wanted
        assert DirectionLibrary.load(path)["smile"].study_.auto_regions == wanted
        latent = held.sample(2, 1)
        edited = held.edit(latent, "smile", 1.0, "auto")
        assert torch.equal(edited.data, held.edit(latent, "smile", 1.0, wanted).data)

    def test_a_target_is_reached_or_the_nearest_found(self, model, tmp_path):
        labelled = label_samples(model, model.domain.attributes(), 512, 0, tmp_path)
        library, _ = learn_directions(model, labelled, chosen=0.1, attributes=("smile",))
        editor, latent = library["smile"], model.sample(1, 4)
        score = lambda code: model.domain.attributes().score(model.synthesise(code).image)[0, 0].item()  # noqa: E731
        here, there = score(latent), score(editor.edit(latent, 2.0, "all"))
        found = reach(model, editor, latent, "smile", (here + there) / 2, "all")
        assert found.score == pytest.approx((here + there) / 2, abs=0.02)
        assert score(editor.edit(latent, found.strength, "all")) == pytest.approx(found.score, abs=1e-5)
        assert reach(model, editor, latent, "smile", 0.0, "all").strength < 0
        with pytest.raises(MissingWeights, match="nothing here scores"):
            reach(Model(model.generator, model.domain, "m", editor_paths={"interfacegan": saved(library, tmp_path)}),
                  editor, latent, "happy", 0.9)  # fmt: skip


def saved(library, folder):
    library.save(folder / "saved.safetensors")
    return folder / "saved.safetensors"
