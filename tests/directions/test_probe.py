"""Calibration: what strength 1 has to mean."""

import dataclasses

import pytest
import torch

import semedit
from directions.learning import FURTHER, measure, strength_1
from directions.probe import Probe, shortest
from directions.study import Study
from semedit.errors import UnknownName


@pytest.mark.parametrize("gain, wanted", [
    (lambda d: d / 6, (2.5, 2.5 / 6)),  # reached between two distances
    (lambda d: float(d > 2.8), (2.875, 1.0)),  # comes at once: what lies halfway gains nothing
    (lambda d: 0.5, (0.125, 0.5)), (lambda d: 0.3 - abs(d - 2) / 9, (2.0, 0.3)), (lambda d: -d, (1.0, -1.0)),
])  # fmt: skip
def test_calibration_finds_the_shortest_distance_or_takes_the_best(gain, wanted):
    assert shortest((1.0, 2.0, 3.0), gain, 0.4) == pytest.approx(wanted)


@pytest.fixture
def strengths_alone(monkeypatch):
    """Edits are measured on two codes, and which regions suffice is not asked, but said."""
    monkeypatch.setattr("directions.probe.COUNT", 2)
    monkeypatch.setattr("directions.learning.choose_regions", lambda *_: ("mouth", 1.0, ()))


class TestInversions:
    """What an encoder finds is edited instead of what was sampled; nothing else differs."""

    def test_codes_are_the_encoders(self):
        model = semedit.load("portraits")
        scorer = model.domain.attributes()
        probe = Probe(model, [scorer], seed=3, count=2, base="inversions")
        pictures = model.domain.painter()(2, model.generator.config.size, 3, "soft").images
        found = model.inverter("restyle").invert(pictures).latent
        torch.testing.assert_close(probe.latent.data, found.data)
        torch.testing.assert_close(probe.images, model.synthesise(found).image)

    def test_where_nobody_draws_pictures_are_samples(self):
        model = semedit.load("portraits")
        model.domain = dataclasses.replace(model.domain, draw=None)
        pictures = model.synthesise(model.sample(2, 3, 1.0)).image
        found = Probe(model, [model.domain.attributes()], seed=3, count=2, base="inversions").latent
        torch.testing.assert_close(found.data, model.inverter("restyle").invert(pictures).latent.data)

    def test_an_unknown_base_is_refused(self):
        with pytest.raises(UnknownName, match=r"'inversion'.*did you mean 'inversions'"):
            Probe(semedit.load("portraits"), [], base="inversion")

    def test_a_study_says_what_it_was_measured_on(self, monkeypatch):
        monkeypatch.setattr("directions.probe.COUNT", 2)
        model = semedit.load("portraits")
        library = model.editors()
        (sampled,) = measure(model, library, ("smile",))
        (row,) = measure(model, library, ("smile",), base="inversions")
        study = library["smile"].study_
        assert study.base == "inversions" and Study.from_json(study.to_json()) == study
        assert row.scale == library["smile"].scale_ and sampled.scale <= row.scale <= FURTHER * sampled.scale

    @pytest.mark.parametrize("needed, wanted", [(1.5, 1.5), (0.5, 1.0), (5.6, FURTHER)])
    def test_strength_1_goes_as_far_as_both_need_within_limits(self, needed, wanted, monkeypatch):
        monkeypatch.setattr("directions.learning.calibrate", lambda *_: (needed, 0.4))
        model = semedit.load("portraits")
        probe = Probe(model, [model.domain.attributes()], count=2)
        scale, gain = strength_1(probe, model.editors()["smile"], "mouth", 1.0)
        assert scale == wanted and (gain == 0.4) == (wanted == needed)

    @pytest.mark.usefixtures("strengths_alone")
    def test_measuring_again_comes_to_the_same(self):
        """What inversions have shown is not taken for what samples need, so that strengths do not creep."""
        model = semedit.load("portraits")
        library = model.editors()
        once, again = (measure(model, library, ("smile",), base="inversions")[0] for _ in range(2))
        assert once == again

    @pytest.mark.usefixtures("strengths_alone")
    def test_other_regions_are_measured_anew(self):
        model = semedit.load("portraits")
        library = model.editors()
        measure(model, library, ("smile",))
        measure(model, library, ("smile",), regions="mouth:shape,skin:shape", base="inversions")
        found, (sampled,) = library["smile"], measure(model, library, ("smile",))
        assert found.regions_ == "mouth:shape,skin:shape" and sampled.scale <= found.scale_ <= FURTHER * sampled.scale
