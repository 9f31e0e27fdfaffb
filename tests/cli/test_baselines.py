"""The command line of the baselines: fitting what StyleFusion and Editing in Style learn of a StyleGAN2."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from baselines.editing_in_style import Catalogue
from baselines.stylefusion import FusionNet, Hierarchy, StoredFusion, load_fusion, save_fusion
from baselines.stylefusion.recipes import TINY
from baselines.stylegan2 import save_generator
from semedit.checkpoints import zoo
from semedit.cli.main import run
from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.figures.takeover import sampled, takeover
from semedit.editing.loading import load
from semedit.editing.model import Model
from semedit.latents.latent import Latent
from semedit.pictures.reading import read_picture
from semedit.storage.atomic import write_json
from tests.baselines.networks import random_stylegan2
from tests.cli.conftest import refuse


class Rendered(Model):
    """A model that shows what its generator gives, and whose inversion is the first thing that comes."""

    @torch.no_grad()
    def synthesise(self, latent, **options):
        return self.generator(latent)

    def invert(self, pictures, **options):
        assert pictures.shape == (1, 3, 32, 32)
        seed = int(1000 * pictures.abs().mean())
        return SimpleNamespace(latent=self.sample(1, seed))


@pytest.fixture
def stylegan2_model(tmp_path):
    generator = random_stylegan2()
    torch.manual_seed(0)
    hierarchy = Hierarchy.of(TINY.tree, {"all": FusionNet(TINY.net)})
    stored = StoredFusion(hierarchy, TINY.parts, fingerprint=generator.fingerprint)
    save_fusion(tmp_path / "fusion.safetensors", stored)
    return Rendered(generator, PORTRAITS, "tiny", editor_paths={"stylefusion": tmp_path / "fusion.safetensors"})


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
    refuse(capsys, ["fit", "catalog", "--model", "portraits-adversarial"], "StyleGAN2")


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
    refuse(capsys, [*command, str(tmp_path / "code.npz")], "cannot be read as NumPy")
    np.savez(tmp_path / "few.npz", centroids=arrays["centroids"])
    refuse(capsys, [*command, str(tmp_path / "few.npz")], "annotations")


@pytest.fixture
def two(tmp_path, capsys):
    """Two latents of the small model that comes along."""
    out = tmp_path / "codes"
    assert run(["sample", "--model", "portraits-adversarial", "--count", "2", "--out", str(out)]) == 0
    return sorted(str(path) for path in out.glob("*.safetensors"))


def test_regions_are_taken_over_by_name_of_a_method(two, tmp_path, capsys):
    """Blending works on the generator that comes along; what needs a StyleGAN2 says so."""
    target, reference = two
    command = ["edit", target, "--model", "portraits-adversarial", "--from-image", reference, "--regions", "hair"]
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


def test_the_picture_of_the_methods(tmp_path, capsys):
    command = ["transfers", "--model", "portraits-adversarial", "--regions", "hair", "--out", str(tmp_path / "row.png")]
    capsys.readouterr()
    assert run([*command, "--regions", "mouth:texture", "--seed", "3", "--no-captions", "--json"]) == 0
    said = capsys.readouterr()
    (found,) = json.loads(said.out)["results"]
    assert len([line for line in said.err.splitlines() if "takes regions whole" in line]) == 2
    assert found["columns"] == ["target", "reference", "rows", "feature-blending", "poisson"]
    assert set(found["models"].values()) == {"portraits-adversarial"} and found["regions"] == ["hair", "mouth:texture"]
    picture = torch.from_numpy(np.array(read_picture(tmp_path / "row.png"))).float()
    assert picture.shape == (2 * 66 - 2, 5 * 66 - 2, 3)
    cell = {(row, column): picture[66 * row : 66 * row + 64, 66 * column : 66 * column + 64]
            for row in range(2) for column in range(5)}  # fmt: skip
    assert torch.equal(cell[0, 0], cell[1, 0]) and torch.equal(cell[0, 1], cell[1, 1])
    assert all(not torch.equal(cell[0, column], cell[0, 0]) for column in range(1, 5))
    assert not torch.equal(cell[1, 2], cell[1, 0])  # rows know texture from shape; blending does not, and stays white
    assert (cell[1, 3] == 255).all() and (cell[1, 4] == 255).all()
    assert run([*command, "--regions", "mouth:texture", "--seed", "3"]) == 0
    named = torch.from_numpy(np.array(read_picture(tmp_path / "row.png"))).float()
    top, left = (named.shape[axis] - picture.shape[axis] for axis in range(2))
    assert torch.equal(named[top:, left:], picture)  # words stand beside the pictures, above every column and row
    assert all((named[:top, left + 66 * column : left + 66 * column + 64] < 128).any() for column in range(5))
    assert all((named[top + 66 * row : top + 66 * row + 64, :left] < 128).any() for row in range(2))
    capsys.readouterr()
    refuse(capsys, [*command, "--method", "stylefusion"], "none of these models", "rows, feature-blending, poisson")
    refuse(capsys, [*command, "docs/portrait.png"], "a target and a reference")
    refuse(capsys, [*command, "--regions", "hare"], "did you mean 'hair'")


def test_models_are_asked_for_what_they_have(stylegan2_model):
    """Rows of one model, StyleFusion of another; pictures of the first are inverted in the second."""
    first = load("portraits-adversarial")
    pairs = sampled([first, stylegan2_model], 0, 0.7)
    made = takeover(pairs, ["background"], ["rows", "stylefusion"])
    assert made.models == {"rows": "portraits-adversarial", "stylefusion": "tiny"} and made.grid.shape == (4, 3, 64, 64)
    assert not made.missing and not torch.equal(made.grid[3], made.grid[0])
