"""The user's object: where its parts stand, what it asks for before it starts, several pictures at once."""

import dataclasses

import pytest
import torch

from semedit.domains import DOMAINS
from semedit.domains.portraits.drawing.renderer import render
from semedit.domains.portraits.law import sample_factors
from semedit.editing.loading import load
from semedit.editing.model import Model
from semedit.editing.results.subjects import SourceFile
from semedit.editing.results.writing import save_inversion
from semedit.errors import MissingWeights
from semedit.metrics.placed import placed
from semedit.networks.generator import SemanticGenerator
from semedit.pictures.tensors import to_picture

PORTRAITS = DOMAINS["portraits"]
META = torch.device("meta")


@pytest.fixture(scope="module")
def shipped():
    return load("portraits")


@pytest.fixture(scope="module")
def drawn():
    return [to_picture(image) for image in render(sample_factors(2, 31), 128)[0]]


def devices(module):
    return {parameter.device for parameter in module.parameters()}


class TestDevices:
    def test_everything_that_is_open_moves(self):
        model = load("portraits")
        refiner, flow, _ = model.refiner, model.editors("styleflow").flow_, model.directions
        assert model.to("meta") is model
        for module in (model.generator, refiner.encoder, flow):
            assert devices(module) == {META}
        assert model.refiner is refiner and refiner.start_code.device == refiner.start_image.device == META

    def test_a_networks_original_stays_where_it_is(self):
        identity = PORTRAITS.identity()
        copy = placed(identity, "meta")
        assert placed(identity, "cpu") is identity and placed(identity, META) is copy is not identity
        assert devices(copy.network) == {META} and devices(identity.network) == {torch.device("cpu")}

    def test_two_models_on_two_devices_have_a_network_each(self, shipped):
        away = load("portraits").to("meta")
        assert away.scorer("smile") is not shipped.scorer("smile")
        assert devices(shipped.scorer("smile").network) == {torch.device("cpu")}


class Never:
    """An inverter that must not be reached."""

    method = "never"

    def invert(self, images, progress=None):
        raise AssertionError("the search began")


@pytest.mark.parametrize("network", ["identity", "perceptual"])
def test_what_an_inversion_needs_is_asked_for_before_it(small, network):
    def absent():
        raise MissingWeights(f"no {network} network")

    model = Model(small, dataclasses.replace(PORTRAITS, **{network: absent}))
    inverter = Never() if network == "identity" else None  # the other is the inverter's own need
    with pytest.raises(MissingWeights, match=f"no {network} network"):
        model.invert(torch.zeros(1, 3, 32, 32), inverter=inverter)


class TestSeveralPictures:
    def test_each_has_its_own_alignment(self, shipped, drawn):
        inverter = shipped.inverter("restyle", refinements=1)
        together = shipped.invert([drawn[0], shipped.align(drawn[1])], inverter=inverter)
        assert len(together) == 2 and "alignment" not in together.latent.metadata
        for index, picture in enumerate(drawn):
            alone, one = shipped.invert(picture, inverter=inverter), together[index]
            assert one.latent.metadata == alone.latent.metadata
            assert one.latent.metadata["alignment"] == shipped.align(picture).alignment.to_json()
            torch.testing.assert_close(one.latent.data, alone.latent.data, rtol=1e-3, atol=1e-3)

    def test_a_tensor_is_aligned_already(self, shipped, drawn):
        crop = torch.zeros(1, 3, 128, 128)
        found = shipped.invert(crop, inverter=shipped.inverter("restyle", refinements=1))
        assert found.alignments == () and "alignment" not in found.latent.metadata


def test_an_inversion_is_rendered_once(shipped, drawn, tmp_path, monkeypatch):
    """Picture, label map and measures are of one synthesis."""
    to_picture_file = tmp_path / "drawn.png"
    drawn[0].save(to_picture_file)
    found = shipped.invert(to_picture_file, inverter=shipped.inverter("restyle", refinements=1))
    expected = shipped.synthesise(found.latent)
    assert torch.equal(found.synthesis.labels, expected.labels)

    def again(self, *arguments, **options):
        raise AssertionError("rendered again")

    monkeypatch.setattr(SemanticGenerator, "forward", again)
    source = SourceFile.read(to_picture_file)
    record = save_inversion(tmp_path / "out", source, dataclasses.replace(found, trajectory=None), shipped.generator)
    assert (tmp_path / "out" / "labels.png").exists() and record.metrics.keys() == found.metrics.keys()
