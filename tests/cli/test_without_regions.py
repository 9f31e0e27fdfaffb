"""The command line on a generator that knows no regions: a StyleGAN2 as a model among others."""

import json

import pytest
import torch

from baselines.stylegan2 import StyleGAN2Config, StyleGAN2Generator, save_generator
from directions import DirectionLibrary, FlowLibrary
from semedit.cli.main import run
from semedit.editing.generators import load_generator
from semedit.editing.loading import load
from semedit.latents.latent import Latent
from tests.baselines.networks import random_stylegan2
from tests.cli.conftest import refuse

SIZES = StyleGAN2Config(size=32, style_dim=16, mapping_layers=2, channels={4: 16, 8: 16, 16: 8, 32: 8})


@pytest.fixture
def model(tmp_path) -> str:
    """A StyleGAN2 of portraits, added under a name."""
    save_generator(tmp_path / "generator.safetensors", random_stylegan2(SIZES))
    file = str(tmp_path / "generator.safetensors")
    assert run(["models", "add", "mine", "--file", file, "--domain", "portraits"]) == 0
    return "mine"


@pytest.fixture
def results(capsys):
    """Run a command under --json and give its results."""

    def call(*arguments: str) -> list[dict]:
        capsys.readouterr()
        assert run([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)["results"]

    return call


@pytest.fixture
def inverted(model, portrait, tmp_path):
    assert run(["invert", str(portrait), "--model", model, "--out", str(tmp_path / "out"), "--steps", "4"]) == 0
    return tmp_path / "out"


def test_samples_have_no_label_maps(model, tmp_path):
    assert run(["sample", "--model", model, "--count", "4", "--columns", "2", "--scale", "1", "--out",
                str(tmp_path / "samples")]) == 0  # fmt: skip
    latent = Latent.load(tmp_path / "samples" / "0000-0003.safetensors")
    generator, again = load_generator(model), load(model)
    assert latent.space == "w" and latent.fingerprint == generator.fingerprint
    truncated = again.sample(4, psi=0.5).data - generator.mean_w()
    assert torch.allclose(truncated, 0.5 * (again.sample(4, psi=1.0).data - generator.mean_w()), atol=1e-6)


def test_a_picture_is_inverted(inverted):
    folder = inverted / "portrait"
    assert {"latent.safetensors", "reconstruction.png", "side-by-side.png", "steps.png"} <= {
        path.name for path in folder.iterdir()
    }
    assert not (folder / "labels.png").exists()
    assert Latent.load(folder / "latent.safetensors").data.shape == (1, 8, 16)


def test_an_encoder_is_learnt_and_a_generator_tuned(model, portrait, tmp_path):
    few = ["--steps", "2", "--set", "data.pool=16", "--set", "refinements=1", "--set", "batch=2"]
    assert run(["fit", "encoder", "--model", model, "--out", str(tmp_path / "run"), *few]) == 0
    opened, out = load(model), tmp_path / "tuned"
    assert opened.refiner.start_code.shape == (1, 8, 16)
    tune = ["--method", "pti", "--steps", "2", "--set", "tuning.steps=2", "--out", str(out)]
    assert run(["invert", str(portrait), "--model", model, *tune]) == 0
    assert Latent.load(out / "portrait" / "latent.safetensors").metadata["tuned"] == "tuned.safetensors"
    assert run(["edit", "--model", model, "--from-image", str(out / "portrait" / "latent.safetensors"), "--regions",
                "all", "--out", str(out)]) == 0  # fmt: skip


def test_an_edit_changes_the_whole_picture(model, inverted, capsys, quick_studies, tmp_path, results):
    labels = ["--samples", "256", "--labels", str(tmp_path / "labels"), "--attr", "smile,beard"]
    assert run(["fit", "directions", "--model", model, "--chosen", "0.2", *labels]) == 0
    assert run(["fit", "flow", "--model", model, *labels[:1], "512", *labels[2:], "--epochs", "1"]) == 0
    for method, kind in (("interfacegan", DirectionLibrary), ("styleflow", FlowLibrary)):
        library = load(model).editors(method)
        assert isinstance(library, kind) and library["smile"].regions_ == "all"
        arguments = ["edit", "--model", model, "--method", method, "--attr", "smile", "--out", str(inverted)]
        (record,) = results(*arguments, "--regions", "auto")
        assert record["inside_share"] is None and "labels" not in record and record["regions"] == "all"
        refuse(capsys, [*arguments, "--regions", "hair"], "stylegan2", "no regions", "--regions all")
        assert run(["undo", "--model", model, "--out", str(inverted)]) == 0


def test_directions_of_style_space(model, inverted, quick_studies, tmp_path, results):
    labels = ["--samples", "256", "--labels", str(tmp_path / "labels"), "--attr", "smile,beard", "--chosen", "0.2"]
    assert run(["fit", "directions", "--model", model, "--space", "s", *labels]) == 0
    opened, before = load(model), Latent.load(inverted / "portrait" / "latent.safetensors")
    styles = opened.generator.in_style_space(before)
    moved = opened.edit(before, "smile", 1.0)
    direction = opened.directions["smile"]
    assert moved.space == "s" and direction.direction_.shape == (styles.data.shape[1],)
    step = direction.scale_ * torch.from_numpy(direction.direction_)
    torch.testing.assert_close(moved.data, styles.data + step, atol=1e-5, rtol=1e-5)
    assert torch.equal(opened.edit(before, "smile", 0.0).data, styles.data)
    assert torch.equal(moved.undo().data, before.data)
    assert torch.equal(opened.edit(moved, "beard", -1.0).undo(2).data, before.data)
    (record,) = results("edit", "--model", model, "--attr", "smile", "--strip", "--out", str(inverted))
    assert Latent.load(record["latent"]).space == "s"
    again = ["edit", "--model", model, "--attr", "beard", "--preserve", "smile", "--continue", "--out", str(inverted)]
    assert len(Latent.load(results(*again)[0]["latent"]).history) == 2


def test_words_edit(model, inverted, tiny_clip, monkeypatch):
    opened = load(model)
    latent = Latent.load(inverted / "portrait" / "latent.safetensors")
    edited = opened.text_editor("a dog", tiny_clip, steps=2, candidates=2).edit(latent, 1.0)
    assert not torch.equal(edited.data, latent.data)


def test_what_needs_regions_says_so(model, capsys, tmp_path, inverted):
    latent = str(inverted / "portrait" / "latent.safetensors")
    refuse(capsys, ["components", "--model", model, "--out", str(tmp_path / "x.png")], "stylegan2", "no regions")
    refuse(capsys, ["mix", "--model", model, "--out", str(tmp_path / "x.png")], "stylegan2", "no regions")
    directions = ["fit", "directions", "--space", "s", "--samples", "256", "--labels", str(tmp_path / "labels")]
    refuse(capsys, directions, "no codes in S")
    refuse(capsys, ["bench", "locality", "--model", model], "stylegan2", "no regions")
    other = ["edit", "--model", model, "--from-image", latent, "--regions", "hair", "--out", str(inverted)]
    refuse(capsys, other, "stylegan2", "no regions")


def test_generators_are_told_apart_by_their_files(model, tmp_path, capsys):
    official = tmp_path / "official.pt"
    assert run(["models", "convert", str(tmp_path / "generator.safetensors"), str(official)]) == 0
    again = load_generator(official)
    assert isinstance(again, StyleGAN2Generator)
    for name, tensor in load_generator(model).state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    assert run(["models", "convert", str(official), str(tmp_path / "again.safetensors")]) == 0
    assert load(tmp_path / "again.safetensors", "portraits").generator.fingerprint == again.fingerprint
    (tmp_path / "network.pkl").write_bytes(b"anything")
    refuse(capsys, ["models", "add", "ada", "--file", str(tmp_path / "network.pkl")], "StyleGAN2-ADA")
    directions = str(load("portraits").editor_file("interfacegan"))
    refuse(capsys, ["sample", "--model", directions], "holds a directions, not a generator")


def test_directions_in_s_are_learnt_from_pictures(capsys):
    """The law speaks of codes in W, and so do tables of scores."""
    refuse(capsys, ["fit", "directions", "--space", "s", "--truth"], "--truth is of codes in W")
    refuse(capsys, ["fit", "directions", "--space", "s", "--scores", "a.csv"], "--scores are of codes in W")
