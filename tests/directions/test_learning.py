"""Directions learnt from labelled samples, and what is measured of editors: calibration, regions, targets."""

from dataclasses import replace

import pytest
import torch

from directions import DirectionLibrary, Study, label_samples, learn_directions, measure, reach
from semedit.editing.model import Model
from semedit.errors import MissingWeights


@pytest.fixture(autouse=True)
def few_codes(monkeypatch):
    """Editors are measured on a few samples only."""
    monkeypatch.setattr("directions.probe.COUNT", 8)


class TestStudy:
    def test_it_is_measured_recorded_and_kept(self, model, tmp_path):
        labelled = label_samples(model, model.domain.attributes(), 512, 0, tmp_path)
        library, rows = learn_directions(model, labelled, chosen=0.1, attributes=("smile", "beard"))
        assert library["smile"].regions_ == "region1"  # the domain's own
        study = library["beard"].study_
        assert library["beard"].regions_ == study.auto_regions and set(study.side_effects) == {"smile"}
        assert rows[0].side_effects.keys() == {"beard"} and 0.5 <= rows[0].to_json()["validation_accuracy"] <= 1
        library.save(tmp_path / "d.safetensors")
        again = DirectionLibrary.load(tmp_path / "d.safetensors", model.generator.fingerprint)
        assert again["beard"].study_ == study and isinstance(study, Study)
        moved = measure(model, again, ("beard",))
        assert moved[0].gain == pytest.approx(study.gain) and again["beard"].study_ == study

    def test_auto_regions_are_measured_once_and_kept_with_the_direction(self, model, tmp_path):
        labelled = label_samples(model, model.domain.attributes(), 512, 0, tmp_path)
        library, _ = learn_directions(model, labelled, chosen=0.1, attributes=("smile",))
        wanted, path = library["smile"].study_.auto_regions, tmp_path / "d.safetensors"
        library.record("smile", replace(library["smile"].calibration_, study=None))
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
