"""Regions of a StyleGAN2's pictures taken over from a reference, on the command line."""

import pytest
import torch

from baselines.stylegan2 import save_generator
from semedit.checkpoints import zoo
from semedit.cli.main import run
from semedit.latents.latent import Latent
from semedit.storage.atomic import write_json
from tests.baselines.networks import random_stylegan2
from tests.cli.conftest import refuse
from tests.cli.test_baselines import QUICK, results


@pytest.fixture
def learnt(tmp_path):
    """A StyleGAN2 with FusionNets and a catalogue, and two of its latents."""
    folder = zoo.home() / "models" / "tiny"
    folder.mkdir(parents=True)
    save_generator(folder / zoo.GENERATOR, random_stylegan2())
    write_json(folder / zoo.CARD, {"name": "tiny", "domain": "portraits", "generator": zoo.GENERATOR})
    own = ["--model", "tiny", "--out", str(tmp_path / "run")]
    assert run(["fit", "fusion", *own, "--recipe", "tiny", *QUICK]) == 0
    assert run(["fit", "catalog", "--model", "tiny", "--samples", "4", "--clusters", "5", "--layer", "16"]) == 0
    assert run(["sample", "--model", "tiny", "--count", "2", "--out", str(tmp_path / "codes")]) == 0
    return sorted(str(path) for path in (tmp_path / "codes").glob("*.safetensors"))


def test_every_method_of_a_stylegan2_takes_regions_over(learnt, tmp_path, capsys):
    target, reference = learnt
    command = ["edit", target, "--model", "tiny", "--from-image", reference, "--out", str(tmp_path / "out")]
    for method, region in (("stylefusion", "background"), ("editing-in-style", "hair"), ("poisson", "hair"),
                           ("feature-blending", "hair")):  # fmt: skip
        (found,) = results(capsys, *command, "--method", method, "--regions", region)
        latent = Latent.load(found["latent"])
        assert latent.space == ("w" if method in ("poisson", "feature-blending") else "s")
        assert torch.equal(latent.undo().data, Latent.load(target).data)
        assert found["steps"][0]["method"] == method
    (undone,) = results(capsys, "undo", "--model", "tiny", "--out", str(tmp_path / "out"))
    assert undone["left"] == []
    refuse(capsys, [*command, "--regions", "hair"], "no regions")
    refuse(capsys, [*command, "--regions", "hair", "--method", "rows"], "no regions")
    refuse(capsys, [*command, "--regions", "hare", "--method", "stylefusion"], "did you mean 'hair'")


def test_the_picture_shows_the_methods_of_a_stylegan2(learnt, tmp_path, capsys):
    (found,) = results(capsys, "transfers", "--model", "tiny", "--regions", "background", "--out",
                       str(tmp_path / "row.png"))  # fmt: skip
    assert found["columns"][2:] == ["stylefusion", "editing-in-style", "feature-blending", "poisson"]
