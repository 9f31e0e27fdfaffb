"""Inversion by the command line: photos there and back, tuned weights, targets, encoders, parts of other pictures."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut

import semedit
from directions import FlowLibrary, FlowTraining
from directions.interfacegan.official import save_boundary
from directions.styleflow.flow import ConditionalFlow, FlowConfig
from directions.styleflow.official import to_official as flow_to_official
from encoders.backbone import EncoderConfig, ResidualEncoder
from encoders.official import to_official
from semedit.checkpoints.native import save_generator
from semedit.checkpoints.official import save_official
from semedit.cli.main import run
from semedit.editing.loading import load
from semedit.latents.latent import Latent
from semedit.networks.generator import GeneratorConfig
from semedit.pictures.tensors import to_picture
from tests.cli.conftest import refuse
from tests.conftest import SMALL, random_generator


class TestRealPhoto:
    """A photo through the whole way: invert, edit, and back into the photo."""

    @pytest.fixture(scope="class")
    def photo(self, tmp_path_factory):
        path = tmp_path_factory.mktemp("photo") / "astronaut.png"
        Image.fromarray(astronaut()).save(path)
        return path

    @pytest.fixture(scope="class")
    def inverted(self, photo, tmp_path_factory):
        out = tmp_path_factory.mktemp("out")
        assert run(["invert", str(photo), "--method", "restyle", "--out", str(out)]) == 0
        return out

    def test_the_strip_of_steps(self, inverted):
        assert Image.open(inverted / "astronaut" / "steps.png").width > 6 * 128

    def test_outside_the_domain_nothing_is_pasted_unless_insisted(self, photo, inverted, capsys):
        """The shipped model knows drawn portraits: the warning says which model and file would do."""
        words = ["outside what 'portraits-256' knows", "--anyway", "CelebAMask-HQ-512x512.pt", "--model celebamask-hq"]
        refuse(capsys, ["edit", "--attr", "smile", "--paste-back", "--out", str(inverted)], *words)
        assert not list(inverted.rglob("pasted.png"))
        assert run(["edit", "--attr", "smile", "--out", str(inverted), "--json"]) == 0
        shown = capsys.readouterr()
        assert "warning" in shown.err and words[0] in shown.err
        (one,) = json.loads(shown.out)["results"]
        assert one["outside_domain"] and one["reconstruction_psnr"] < 18

    def test_paste_back(self, photo, inverted):
        edit = ["edit", "--attr", "smile", "--paste-back", "--anyway", "--save-mask", "--out", str(inverted)]
        assert run(edit) == 0
        folder = inverted / "astronaut" / "edits" / "smile+1_mouth"
        mask = np.asarray(Image.open(folder / "pasted-mask.png"))
        pasted = np.asarray(Image.open(folder / "pasted.png"))
        own = np.asarray(astronaut())
        assert mask.shape == (512, 512) and 0 < (mask > 0).mean() < 0.05
        assert np.array_equal(pasted[mask == 0], own[mask == 0]) and not np.array_equal(pasted, own)
        assert Image.open(folder / "mask.png").size == (256, 256)
        Image.new("L", (512, 512), 0).save(inverted / "black.png")
        assert run([*edit, "--mask", str(inverted / "black.png")]) == 0
        assert np.array_equal(np.asarray(Image.open(folder / "pasted.png")), own)

    def test_the_whole_crop_is_an_option(self, photo, inverted):
        edit = ["edit", "--attr", "smile", "--paste-back", "--anyway", "--blend", "crop", "--out", str(inverted)]
        assert run(edit) == 0
        pasted = np.asarray(Image.open(inverted / "astronaut" / "edits" / "smile+1_mouth" / "pasted.png"))
        assert pasted.shape == (512, 512, 3)
        assert np.array_equal(pasted[400:], astronaut()[400:]) and not np.array_equal(pasted, astronaut())

    def test_an_edit_of_an_edit_finds_the_photo(self, photo, inverted):
        source = inverted / "astronaut" / "edits" / "smile+1_mouth" / "latent.safetensors"
        out = inverted / "again"
        assert run(["edit", str(source), "--attr", "beard", "--paste-back", "--anyway", "--out", str(out)]) == 0
        assert list(out.rglob("pasted.png"))

    def test_a_photo_that_has_moved_or_changed(self, capsys, photo, inverted, tmp_path):
        moved = photo.rename(tmp_path / "moved.png")
        latent = inverted / "astronaut" / "latent.safetensors"
        edit = ["edit", str(latent), "--attr", "smile", "--paste-back", "--anyway", "--out", str(inverted)]
        try:
            refuse(capsys, edit, "no longer there", "--photo FILE")
            assert run([*edit, "--photo", str(moved)]) == 0
            Image.fromarray(astronaut()[::-1]).save(tmp_path / "other.png")
            refuse(capsys, [*edit, "--photo", str(tmp_path / "other.png")], "is not the photo")
        finally:
            moved.rename(photo)

    def test_a_latent_without_a_photo(self, capsys, tmp_path):
        drawn = tmp_path / "drawn.safetensors"
        load("portraits").sample(1).wplus().save(drawn)
        refuse(capsys, ["edit", str(drawn), "--paste-back", "--out", str(tmp_path)], "was not inverted from a photo")


def test_a_part_from_another_picture(workspace, tmp_path, capsys):
    load("portraits").sample(1, seed=8).wplus().save(tmp_path / "other.safetensors")
    command = ["edit", "--from-image", str(tmp_path / "other.safetensors"), "--out", str(workspace)]
    capsys.readouterr()
    assert run([*command, "--regions", "cloth:texture", "--strip", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["results"][0]
    assert result["attr"] is None and result["score_before"] is None and result["method"] == "transfer"
    assert result["preservation"] < 1 and Path(result["image"]).parent.name == "transfer+1_cloth-texture_from-other"
    refuse(capsys, command, "--from-image needs --regions")


def test_tuned_weights_lie_beside_the_latent_and_later_edits_use_them(portrait, tmp_path, capsys):
    options = ["--method", "pti", "--steps", "2", "--set", "tuning.steps=8", "--set", "tuning.lr=0.003"]
    assert run(["invert", str(portrait), "--out", str(tmp_path), *options]) == 0
    folder = tmp_path / "portrait"
    latent = Latent.load(folder / "latent.safetensors")
    assert latent.metadata["tuned"] == "tuned.safetensors" and (folder / "tuned.safetensors").exists()
    assert run(["edit", "--attr", "smile", "--strength", "0", "--out", str(tmp_path)]) == 0
    edited = np.asarray(Image.open(folder / "edits" / "smile+0_mouth" / "edited.png")).astype(int)
    tuned = np.asarray(Image.open(folder / "reconstruction.png")).astype(int)
    plain = np.asarray(to_picture(load("portraits").synthesise(latent).image[0])).astype(int)
    assert np.abs(edited - tuned).max() <= 2 < np.abs(edited - plain).max()  # stored in half precision
    again = folder / "edits" / "smile+0_mouth" / "latent.safetensors"
    assert run(["edit", str(again), "--attr", "beard", "--out", str(tmp_path)]) == 0
    (folder / "tuned.safetensors").unlink()
    source = str(folder / "latent.safetensors")
    refuse(capsys, ["edit", source, "--attr", "smile", "--out", str(tmp_path)], "tuned to this picture is missing")


def test_a_model_without_encoder_is_searched_and_says_so(portrait, tmp_path, capsys):
    capsys.readouterr()
    options = ["--model", "portraits-adversarial", "--steps", "2", "--out", str(tmp_path)]
    assert run(["invert", str(portrait), *options]) == 0
    assert "has no encoder: searching from the mean code" in capsys.readouterr().err
    refuse(
        capsys,
        ["invert", str(portrait), *options[:2], "--method", "restyle", "--out", str(tmp_path)],
        "semedit fit encoder --model portraits-adversarial",
    )


def test_a_target_within_reach_is_reported(portrait, tmp_path, capsys):
    capsys.readouterr()
    options = ["--target-perceptual", "9", "--target-id", "-1", "--out", str(tmp_path), "--json"]
    assert run(["invert", str(portrait), *options]) == 0
    assert json.loads(capsys.readouterr().out)["results"][0]["stopped"] == "target"


def test_an_encoder_is_added_beside_its_generator(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SEMEDIT_HOME", str(tmp_path / "home"))
    generator = random_generator()
    save_official(tmp_path / "g.pt", generator)
    sizes = {"size": 32, "style_dim": 16, "widths": (16, 32), "units": (1, 1)}
    for rows, name in ((generator.layout.rows, "e.pt"), (3, "other.pt")):
        encoder = ResidualEncoder(EncoderConfig(rows=rows, **sizes))
        state = {f"encoder.{k}": v for k, v in to_official(encoder).items()}
        torch.save({"state_dict": state, "latent_avg": torch.zeros(rows, 16)}, tmp_path / name)
    add = ["models", "add", "mine", "--file", str(tmp_path / "g.pt"), "--encoder"]
    refuse(capsys, [*add, str(tmp_path / "other.pt")], "an encoder of 3 rows")
    assert not (tmp_path / "home" / "models" / "mine").exists()
    assert run([*add, str(tmp_path / "e.pt")]) == 0
    model = load("mine")
    assert model.has_encoder and model.refiner.refine(torch.zeros(1, 3, 32, 32), 1).codes[-1].shape[2] == 16
    assert len(semedit.load_encoder("mine", model.generator).refine(torch.zeros(1, 3, 32, 32), 2).images) == 3
    assert run(["models", "verify", "mine"]) == 0


@pytest.fixture
def brought(tmp_path, monkeypatch):
    """A folder with a generator of 13 regions, an official flow of it under two attributes, and others."""
    monkeypatch.setenv("SEMEDIT_HOME", str(tmp_path / "home"))
    config = GeneratorConfig(**{**SMALL.model_dump(), "regions": 13, "transparent": (10, 12)})
    save_generator(tmp_path / "g.safetensors", random_generator(config))
    for name, dim, attributes in (("f.pt", 16, 2), ("wide.pt", 24, 2), ("many.pt", 16, 17)):
        flow = ConditionalFlow(FlowConfig(dim=dim, attributes=attributes, layers=2))
        torch.save(flow_to_official(flow), tmp_path / name)
    torch.save({"weight": torch.zeros(2)}, tmp_path / "else.pt")
    other = FlowLibrary(("smile",), "0123", training=FlowTraining(epochs=1, batch=8))
    other.fit(torch.randn(16, 16), torch.rand(16, 1)).save(tmp_path / "other.safetensors")
    return tmp_path


def test_an_official_flow_is_added_and_edits(brought, capsys):
    add = ["models", "add", "mine", "--file", str(brought / "g.safetensors"), "--domain", "portraits", "--flow"]
    assert run([*add, str(brought / "f.pt"), "--flow-attributes", "smile, beard"]) == 0
    assert "semedit fit calibration --model mine --method styleflow" in capsys.readouterr().out
    assert run(["models", "verify", "mine"]) == 0 and list(load("mine").editors("styleflow")) == ["smile", "beard"]
    capsys.readouterr()
    edit = [
        "edit",
        "--model",
        "mine",
        "--mean",
        "--attr",
        "beard",
        "--method",
        "styleflow",
        "--out",
        str(brought / "o"),
    ]
    assert run([*edit, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"][0]["regions"] == "skin"
    own = brought / "home" / "models" / "mine" / "flow.safetensors"
    assert run(["models", "convert", str(own), str(brought / "again.pt")]) == 0
    assert "attributes: smile, beard" in capsys.readouterr().out
    then, now = (torch.load(brought / name, weights_only=True) for name in ("f.pt", "again.pt"))
    assert then.keys() == now.keys() and all(torch.equal(then[key], now[key]) for key in then)


@pytest.mark.parametrize("file, names, words", [
    ("wide.pt", "smile,beard", ["width 24", "width 16"]),
    ("many.pt", "", ["under 17 attributes, not", "smile", "beard"]),
    ("f.pt", "smile,magic", ["magic", "domain 'portraits'"]),
    ("else.pt", "", ["not a StyleFlow"]),
    ("other.safetensors", "", ["a flow file of generator 0123"]),
    ("none.pt", "", ["none.pt"]),
])  # fmt: skip
def test_a_flow_that_does_not_fit_is_refused_before_anything_is_copied(brought, capsys, file, names, words):
    add = ["models", "add", "mine", "--file", str(brought / "g.safetensors"), "--domain", "portraits"]
    refuse(capsys, [*add, "--flow", str(brought / file), "--flow-attributes", names], *words)
    assert not (brought / "home" / "models" / "mine").exists()


def test_fit_identity_and_encoder(tmp_path, capsys):
    file = tmp_path / "identity.safetensors"
    assert run(["fit", "identity", "--pictures", "64", "--epochs", "1", "--held-out", "32", "--out", str(file)]) == 0
    assert "verification accuracy" in capsys.readouterr().out and file.exists()
    refuse(capsys, ["fit", "identity", "--role", "scor"], "no role is called 'scor'")
    options = ["--set", "batch=2", "--set", "data.pool=8", "--set", "mean_samples=64", "--set", "refinements=1",
               "--set", "lessons.count=64"]  # fmt: skip
    fit = ["fit", "encoder", "--out", str(tmp_path / "run"), "--no-install", *options, "--steps"]
    assert run([*fit, "1"]) == 0 and run([*fit, "2"]) == 0
    model = load("portraits", encoder=tmp_path / "run" / "encoder.safetensors")
    assert len(model.refiner.refine(torch.zeros(1, 3, 128, 128), 1).codes) == 2


def test_fit_flow_and_edit_with_the_shipped_one(workspace, tmp_path, capsys, quick_studies):
    file = tmp_path / "flow.safetensors"
    fit = ["fit", "flow", "--model", "portraits-adversarial", "--samples", "512", "--epochs", "1", "--out", str(file)]
    assert run([*fit, "--attr", "smile", "--attr", "beard", "--labels", str(tmp_path / "labels"), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["results"]
    assert [row["attr"] for row in rows] == ["smile", "beard"] and file.exists()
    edit = ["edit", "--attr", "beard", "--method", "styleflow", "--strength", "2", "--out", str(workspace), "--json"]
    assert run(edit) == 0
    result = json.loads(capsys.readouterr().out)["results"][0]
    assert result["method"] == "styleflow" and result["inside_share"] > 0.5 and result["preservation"] < 1
    refuse(capsys, ["edit", "--method", "styleflo", "--out", str(workspace)], "did you mean 'styleflow'")


def test_aligned_pictures_are_not_cut_again(portrait, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("semedit.pictures.alignment._detector", lambda: pytest.fail("a face was looked for"))
    options = ["--method", "restyle", "--out", str(tmp_path), "--aligned", "--json"]
    assert run(["invert", str(portrait), *options]) == 0
    (made,) = json.loads(capsys.readouterr().out)["results"]
    latent = Latent.load(made["latent"])
    assert latent.metadata["alignment"]["matrix"] == [[1, 0, 0], [0, 1, 0]]


def test_published_boundaries_are_added_and_edit(brought, capsys):
    """The normals of .npy files, of either float type and of any length, are directions of the model's W."""
    normal = np.random.default_rng(0).normal(size=(1, 16))
    np.save(brought / "smile.npy", normal)
    np.save(brought / "beard.npy", (3 * normal[:, ::-1]).astype(np.float32))
    np.save(brought / "wide.npy", np.ones((1, 24)))
    np.save(brought / "objects.npy", np.array([{}], dtype=object))
    add = ["models", "add", "mine", "--file", str(brought / "g.safetensors"), "--domain", "portraits", "--boundary"]
    for file, words in (("wide.npy", ["width 24", "width 16"]), ("objects.npy", ["cannot be read as NumPy"])):
        refuse(capsys, [*add, f"smile={brought / file}"], *words)
    refuse(capsys, [*add, "smile.npy"], "ATTRIBUTE=FILE.npy")
    assert not (brought / "home" / "models" / "mine").exists()
    files = [f"smile={brought / 'smile.npy'}", "--boundary", f"beard={brought / 'beard.npy'}"]
    assert run([*add, *files, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"][0]["directions"] == ["smile", "beard"]
    model = load("mine")
    codes = model.sample(1, 0)
    moved = model.edit(codes, "smile", 2.0, "all").data - codes.wplus().data
    expected = 2 * torch.from_numpy(normal / np.linalg.norm(normal)).float()
    torch.testing.assert_close(moved, expected.expand_as(moved), rtol=1e-4, atol=1e-5)
    save_boundary(brought / "again.npy", model.editors()["beard"].direction_)
    again = np.load(brought / "again.npy")
    assert again.shape == (1, 16) and np.linalg.norm(again) == pytest.approx(1)
