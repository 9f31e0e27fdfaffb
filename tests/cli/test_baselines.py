"""The command line of the baselines: fitting what StyleFusion and Editing in Style learn of a StyleGAN2."""

import json

import numpy as np
import pytest
import torch

from baselines.editing_in_style import Catalogue
from baselines.stylefusion import load_fusion
from baselines.stylegan2 import save_generator
from semedit.checkpoints import zoo
from semedit.cli.main import run
from semedit.latents.latent import Latent
from semedit.pictures.reading import read_picture
from semedit.storage.atomic import write_json
from tests.baselines.networks import random_stylegan2
from tests.cli.conftest import refuse

QUICK = ["--set", "align_steps=1", "--set", "fuse_steps=1", "--set", "together_steps=1"]


@pytest.fixture
def added():
    """A StyleGAN2 of portraits among the user's models."""
    generator, folder = random_stylegan2(), zoo.home() / "models" / "tiny"
    folder.mkdir(parents=True)
    save_generator(folder / zoo.GENERATOR, generator)
    write_json(folder / zoo.CARD, {"name": "tiny", "domain": "portraits", "generator": zoo.GENERATOR})
    return zoo.find("tiny")


def results(capsys, *arguments):
    capsys.readouterr()
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)["results"]


def test_fusion_nets_are_fitted_and_put_beside_the_model(added, tmp_path, capsys):
    command = ["fit", "fusion", "--model", "tiny", "--recipe", "tiny", *QUICK, "--out", str(tmp_path / "run")]
    (found,) = results(capsys, *command)
    assert found["nets"] == ["all"] and found["steps"] == 3 and found["installed"]
    stored = load_fusion(added.folder / "fusion.safetensors")
    assert stored.hierarchy.active == ("all", "person", "bg") and not zoo.verify(zoo.find("tiny"))
    assert set(zoo.find("tiny").card["files"]) == {"generator.safetensors", "fusion.safetensors"}
    assert results(capsys, *command)[0]["steps"] == 3  # nothing is left to do
    refuse(capsys, [*command, "--schedule", "no-stage-1"], "other options", "schedule")
    refuse(capsys, [*command, "--recipe", "tinny"], "did you mean 'tiny'")
    refuse(capsys, [*command, "--node", "person"], "no inner node")


def test_a_catalog_names_its_clusters_and_shows_the_table(added, tmp_path, capsys):
    command = ["fit", "catalog", "--model", "tiny", "--samples", "4", "--clusters", "5", "--layer", "16"]
    capsys.readouterr()
    assert run([*command, "--out", str(tmp_path / "c.safetensors")]) == 0
    shown = capsys.readouterr().out
    assert "intersection over union" in shown and "5 clusters" in shown
    (found,) = results(capsys, *command)
    own = Catalogue.load(added.folder / "catalogue.safetensors")
    assert own.annotations == found["labels"] and own.about["size"] == 16
    assert own.fingerprint == added.card.get("fingerprint", own.fingerprint) != ""
    assert sorted(k for clusters in own.annotations.values() for k in clusters) == [0, 1, 2, 3, 4]
    file = str(added.generator_path)
    (other,) = results(capsys, *command, "--model", file, "--domain", "portraits", "--out", str(tmp_path / "d.npz"))
    assert other["labels"] == found["labels"] and other["file"] == str(tmp_path / "d.npz")
    refuse(capsys, ["fit", "catalog", "--model", "portraits-64"], "stylegan2")


def test_arrays_of_others_become_a_catalogue(added, tmp_path, capsys):
    arrays = {
        "centroids": np.eye(3, 8), "annotations": np.array(json.dumps({"eyes": [0, 2], "hair": [1]})),
        "M0": np.full((2, 16), 0.5), "M1": np.full((2, 8), 0.25),
    }  # fmt: skip
    np.savez(tmp_path / "theirs.npz", **arrays)
    command = ["fit", "catalog", "--model", "tiny", "--out", str(tmp_path / "c.safetensors"), "--official"]
    (found,) = results(capsys, *command, str(tmp_path / "theirs.npz"))
    own = Catalogue.load(found["file"])
    assert own.labels == ("eyes", "hair") and torch.equal(own.centroids, torch.eye(3, 8))
    assert [layer.shape for layer in own.contributions] == [(2, 16), (2, 8)] and own.about["source"] == "theirs.npz"
    np.savez(tmp_path / "code.npz", centroids=np.array([print], dtype=object), annotations=arrays["annotations"])
    refuse(capsys, [*command, str(tmp_path / "code.npz")], "cannot be read as the arrays of a catalogue")
    np.savez(tmp_path / "few.npz", centroids=arrays["centroids"])
    refuse(capsys, [*command, str(tmp_path / "few.npz")], "annotations")


@pytest.fixture
def two(tmp_path, capsys):
    """Two latents of the small model that comes along."""
    out = tmp_path / "codes"
    assert run(["sample", "--model", "portraits-64", "--count", "2", "--out", str(out)]) == 0
    return sorted(str(path) for path in out.glob("*.safetensors"))


def test_regions_are_taken_over_by_name_of_a_method(two, tmp_path, capsys):
    """Blending works on the generator that comes along; what needs a StyleGAN2 says so."""
    target, reference = two
    command = ["edit", target, "--model", "portraits-64", "--from-image", reference, "--regions", "hair"]
    command += ["--out", str(tmp_path / "out"), "--method"]
    pictures = {}
    for method in ("rows", "feature-blending", "poisson"):
        (found,) = results(capsys, *command, method)
        (step,) = found["steps"]
        name = "transfer" if method == "rows" else method
        assert step["method"] == name and f"{name}+1_hair_from-" in found["latent"]
        latent = Latent.load(found["latent"])
        assert latent.history[-1]["method"] == name
        assert torch.equal(latent.wplus().data, Latent.load(target).wplus().data) == (method != "rows")
        pictures[method] = read_picture(found["image"]).tobytes()
        assert found["inside_share"] > 0.5
    assert len(set(pictures.values())) == 3
    whole = found["image"]
    (mixed,) = results(capsys, *command, "poisson", "--set", "mixed=true", "--strip")
    assert read_picture(mixed["image"]).tobytes() != pictures["poisson"] and whole
    assert read_picture(mixed["strip"]).width > 6 * 64
    refuse(capsys, [*command, "stylefusion"], "StyleGAN2")
    refuse(capsys, [*command, "editing-in-style"], "StyleGAN2")
    refuse(capsys, [*command, "poison"], "did you mean 'poisson'")
    refuse(capsys, [*command, "styleflow"], "no method of transfer")
    refuse(capsys, [*command, "rows", "--set", "size=3"], "no options")
    refuse(capsys, [*command, "feature-blending", "--set", "size=48"], "choose from")
    refuse(capsys, [*command, "poisson", "--set", "mixing=true"], "mixed")
