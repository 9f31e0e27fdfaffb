"""The command line on the shipped model: what it writes, what it prints, and what it does with bad input."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_image

from semedit.checkpoints.official import save_official
from semedit.cli.main import run
from semedit.domains.portraits.drawing.renderer import render
from semedit.domains.portraits.law import sample_factors
from semedit.editing.loading import load
from semedit.latents.latent import Latent
from tests.cli.conftest import refuse
from tests.conftest import random_generator


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_invert_writes_what_it_says(workspace, portrait, capsys):
    folder = workspace / "portrait"
    assert {p.name for p in folder.iterdir()} >= {"latent.safetensors", "reconstruction.png", "labels.png",
                                                  "side-by-side.png", "manifest.json"}  # fmt: skip
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {"mse", "psnr", "perceptual", "identity"} <= set(manifest["metrics"]) == set(manifest["protocols"])
    latent = Latent.load(folder / "latent.safetensors")
    assert latent.space == "w+" and latent.metadata["source"] == "portrait.png"
    assert latent.metadata["alignment"]["size"] == 256 and len(latent.metadata["source_sha256"]) == 64


def test_invert_json_is_one_object_on_stdout(portrait, tmp_path, capsys):
    capsys.readouterr()
    assert run(["invert", str(portrait), "--out", str(tmp_path), "--steps", "2", "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    assert set(out) == {"results", "failed"} and out["failed"] == []
    assert {"input", "latent", "reconstruction", "metrics", "protocols", "seconds"} <= set(out["results"][0])
    assert out["results"][0]["method"] == "restyle+optimize" and out["results"][0]["stopped"] == "budget"


def test_a_folder_goes_on_past_a_bad_picture(portrait, tmp_path, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.png").write_bytes(portrait.read_bytes())
    (folder / "b.jpg").write_text("text")
    (folder / "c.png").write_bytes(portrait.read_bytes())
    refuse(
        capsys,
        ["invert", str(folder), "--out", str(tmp_path / "out"), "--method", "restyle"],
        "b.jpg",
        "not a picture",
        code=1,
    )
    manifest = json.loads((tmp_path / "out" / "invert-manifest.json").read_text())
    assert len(manifest["done"]) == 2 and len(manifest["failed"]) == 1
    assert (tmp_path / "out" / "c" / "latent.safetensors").exists()


def test_pictures_of_one_name_get_folders_of_their_own(portrait, tmp_path):
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "me.png").write_bytes(portrait.read_bytes())
    files = [str(tmp_path / name / "me.png") for name in ("x", "y")]
    assert run(["invert", *files, "--out", str(tmp_path / "out"), "--steps", "2"]) == 0
    assert len([path for path in (tmp_path / "out").glob("me*") if path.is_dir()]) == 2


def test_a_photo_of_something_else_is_reported_as_such(tmp_path, capsys):
    Image.fromarray(load_sample_image("flower.jpg")).resize((160, 107)).save(tmp_path / "flower.png")
    capsys.readouterr()
    assert run(["invert", str(tmp_path / "flower.png"), "--out", str(tmp_path / "out"), "--steps", "2"]) == 0
    assert "lies outside what 'portraits-256' knows" in capsys.readouterr().err


def test_edit_takes_the_latest_inversion(workspace, capsys):
    capsys.readouterr()
    assert run(["edit", "--attr", "smile", "--regions", "face", "--out", str(workspace), "--strip", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["results"][0]
    assert {"input", "latent", "image", "attr", "strength", "regions", "score_before", "score_after", "inside_share",
            "preservation", "perceptual", "identity"} <= set(result)  # fmt: skip
    folder = workspace / "portrait" / "edits" / "smile+1_face"
    assert {p.name for p in folder.glob("[!.]*")} == {"edited.png", "before-after-difference.png", "labels.png",
                                                  "latent.safetensors", "manifest.json", "strip.png"}  # fmt: skip
    edited, before = (Latent.load(p / "latent.safetensors") for p in (folder, workspace / "portrait"))
    assert edited.history[-1]["attr"] == "smile" and edited.history[-1]["regions"] == "face"
    outside = [r for r in range(edited.layout.rows) if r not in edited.rows("face")]
    assert torch.equal(edited.data[:, outside], before.data[:, outside])


def test_strength_zero_changes_no_pixel(workspace):
    assert run(["edit", "--attr", "bangs", "--strength", "0", "--out", str(workspace)]) == 0
    edited = workspace / "portrait" / "edits" / "bangs+0_hair" / "edited.png"
    assert Image.open(edited).tobytes() == Image.open(workspace / "portrait" / "reconstruction.png").tobytes()


def test_edit_takes_a_latent_a_picture_and_stacks(workspace, portrait, tmp_path, capsys):
    latent = workspace / "portrait" / "latent.safetensors"
    assert run(["edit", str(latent), "--attr", "glasses", "--out", str(tmp_path)]) == 0
    first = tmp_path / "portrait" / "edits" / "glasses+1_glasses" / "latent.safetensors"
    edit = ["edit", str(first), "--attr", "smile", "--regions", "face", "--preserve", "beard,bangs"]
    assert run([*edit, "--out", str(tmp_path)]) == 0
    stacked = tmp_path / "portrait" / "edits" / "glasses+1_glasses__smile+1_face" / "latent.safetensors"
    assert [event["attr"] for event in Latent.load(stacked).history] == ["glasses", "smile"]


def test_edit_without_an_inversion_says_how_to_make_one(tmp_path, capsys):
    refuse(capsys, ["edit", "--out", str(tmp_path)], "no inversion", "semedit invert PICTURE")


class TestBadInput:
    """One line that says what is wrong, exit code 2, and nothing of the earlier output touched."""

    @pytest.fixture(autouse=True)
    def untouched(self, workspace):
        before = snapshot(workspace)
        yield
        assert snapshot(workspace) == before

    def invert(self, capsys, workspace, path, *words, extra=()):
        refuse(capsys, ["invert", str(path), "--out", str(workspace), *extra], *words)

    def test_missing_file(self, capsys, workspace, tmp_path):
        self.invert(capsys, workspace, tmp_path / "none.png", "none.png", "no such file")

    def test_empty_folder(self, capsys, workspace, tmp_path):
        self.invert(capsys, workspace, tmp_path, "no pictures in this folder")

    def test_truncated_jpeg(self, capsys, workspace, tmp_path, portrait):
        Image.open(portrait).save(tmp_path / "cut.jpg", quality=95)
        data = (tmp_path / "cut.jpg").read_bytes()
        (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
        self.invert(capsys, workspace, tmp_path / "cut.jpg", "cut.jpg", "truncated")

    def test_text_named_jpg(self, capsys, workspace, tmp_path):
        (tmp_path / "text.jpg").write_text("hello")
        self.invert(capsys, workspace, tmp_path / "text.jpg", "not a picture")

    def test_one_pixel(self, capsys, workspace, tmp_path):
        Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
        self.invert(capsys, workspace, tmp_path / "dot.png", "1x1", "at least 16 px")

    def test_30_000_pixels(self, capsys, workspace, tmp_path):
        Image.new("1", (30_000, 30_000)).save(tmp_path / "huge.png")
        self.invert(capsys, workspace, tmp_path / "huge.png", "too large")

    def test_no_face_where_one_is_required(self, capsys, workspace, tmp_path):
        save_official(tmp_path / "faces.pt", random_generator())
        Image.fromarray(load_sample_image("flower.jpg")).resize((160, 107)).save(tmp_path / "flower.png")
        extra = ("--model", str(tmp_path / "faces.pt"), "--perceptual", "none", "--identity", "none")
        self.invert(capsys, workspace, tmp_path / "flower.png", "no face found", extra=extra)

    def test_unknown_attribute(self, capsys, workspace):
        refuse(capsys, ["edit", "--attr", "smle", "--out", str(workspace)], "'smle'", "did you mean 'smile'", "bald")

    def test_unknown_region(self, capsys, workspace):
        refuse(capsys, ["edit", "--regions", "hiar", "--out", str(workspace)], "'hiar'", "did you mean 'hair'", "cloth")

    def test_unknown_model(self, capsys, workspace, portrait):
        self.invert(capsys, workspace, portrait, "'portrait'", "did you mean", extra=("--model", "portrait"))

    def test_official_model_that_is_not_here(self, capsys, workspace, portrait):
        self.invert(capsys, workspace, portrait, "semedit models add celebamask-hq", extra=("--model", "celebamask-hq"))

    def test_unknown_methods(self, capsys, workspace, portrait):
        self.invert(capsys, workspace, portrait, "'magic'", "optimize", extra=("--method", "magic"))
        refuse(capsys, ["edit", "--method", "magic", "--out", str(workspace)], "'magic'", "interfacegan")

    def test_latent_of_another_generator(self, capsys, workspace, tmp_path):
        model = load("portraits")
        foreign = model.generator.latent(torch.zeros(1, model.generator.config.style_dim))
        Latent(foreign.data, "w", foreign.layout, foreign.regions, "0123456789abcdef").save(tmp_path / "x.safetensors")
        arguments = ["edit", str(tmp_path / "x.safetensors"), "--out", str(workspace)]
        refuse(capsys, arguments, "0123456789abcdef", model.generator.fingerprint)

    def test_corrupt_weight_file(self, capsys, workspace, portrait, tmp_path):
        (tmp_path / "bad.pt").write_bytes(b"<html>quota exceeded</html>")
        self.invert(
            capsys, workspace, portrait, "bad.pt", "torch checkpoint", extra=("--model", str(tmp_path / "bad.pt"))
        )

    def test_output_folder_that_cannot_be_written(self, capsys, workspace, portrait, tmp_path):
        (tmp_path / "file").write_text("in the way")
        refuse(capsys, ["invert", str(portrait), "--out", str(tmp_path / "file" / "out")], "cannot write in")
        assert (tmp_path / "file").read_text() == "in the way"

    def test_unusable_device(self, capsys, workspace, portrait):
        self.invert(capsys, workspace, portrait, "device 'abacus'", extra=("--device", "abacus"))

    def test_json_errors_are_json_too(self, capsys, workspace):
        capsys.readouterr()
        assert run(["edit", "--attr", "smle", "--json", "--out", str(workspace)]) == 2
        captured = capsys.readouterr()
        assert json.loads(captured.out)["failed"][0]["error"] in captured.err


def test_sample_and_draw(tmp_path, capsys):
    assert run(["sample", "--count", "3", "--out", str(tmp_path / "s"), "--seed", "5"]) == 0
    assert {p.name for p in (tmp_path / "s").iterdir()} >= {"sheet.png", "0005-0002.png", "0005-0002.safetensors"}
    first = (tmp_path / "s" / "sheet.png").read_bytes()
    assert run(["sample", "--count", "3", "--out", str(tmp_path / "t"), "--seed", "5"]) == 0
    assert (tmp_path / "t" / "sheet.png").read_bytes() == first
    assert run(["draw", "--count", "2", "--size", "32", "--style", "cel", "--out", str(tmp_path / "d")]) == 0
    assert len(json.loads((tmp_path / "d" / "captions.json").read_text())) == 2
    refuse(capsys, ["draw", "--style", "oil", "--out", str(tmp_path / "d")], "'oil'", "cel, soft")


def test_models_add_convert_verify(tmp_path, capsys):
    save_official(tmp_path / "mine.pt", random_generator())
    assert run(["models", "add", "mine", "--file", str(tmp_path / "mine.pt")]) == 0
    assert run(["models", "convert", str(tmp_path / "mine.pt"), str(tmp_path / "native.safetensors")]) == 0
    assert run(["models", "convert", str(tmp_path / "native.safetensors"), str(tmp_path / "again.pt")]) == 0
    assert load("mine").generator.fingerprint == load(tmp_path / "again.pt").generator.fingerprint
    refuse(capsys, ["models", "add", "mine", "--file", str(tmp_path / "mine.pt")], "already")
    refuse(capsys, ["models", "convert", str(tmp_path / "mine.pt"), str(tmp_path / "again.pt")], "exists already")
    refuse(capsys, ["models", "add", "a/b", "--file", str(tmp_path / "mine.pt")], "letters, digits")
    assert run(["models", "verify", "mine"]) == 0
    with open(tmp_path / "home" / "models" / "mine" / "generator.pt", "ab") as file:
        file.write(b"x")
    refuse(capsys, ["models", "verify", "mine"], "generator.pt", "bytes instead of")


def test_models_list_and_info(capsys):
    capsys.readouterr()
    assert run(["models", "list", "--json"]) == 0
    names = {row["name"] for row in json.loads(capsys.readouterr().out)["results"]}
    assert {"portraits-adversarial", "portraits-128", "portraits-cel", "celebamask-hq"} <= names
    assert run(["models", "info", "portraits", "--json"]) == 0
    card = json.loads(capsys.readouterr().out)["results"][0]
    assert card["recipe"] == "portraits-256" and card["shown"]["pairs"] > 0 and "smile" in card["directions"]


def test_shipped_models_are_intact_and_small(capsys):
    from semedit.storage import shipped

    assert run(["models", "verify"]) == 0
    sizes = {folder.name: sum(p.stat().st_size for p in folder.iterdir()) for folder in shipped.SHIPPED.iterdir()}
    baselines = sizes.pop("stylegan2-portraits")
    assert sum(sizes.values()) < 40e6 and baselines < 15e6


def test_a_course_runs_resumes_and_is_refused(tmp_path, capsys):
    few = [word for stage in ("mapping", "points", "pairs") for word in ("--set", f"{stage}.steps=2")]
    command = ["train", "portraits-taught-tiny", *few, "--set", "adversarial=null", "--out", str(tmp_path)]
    assert run([*command, "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out)["points"]["steps"] == 2
    assert run([*command, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)["results"][0]
    assert (tmp_path / "pairs" / "generator.safetensors").exists()
    assert run([*command, "--json"]) == 0  # done already: the same generator
    assert json.loads(capsys.readouterr().out)["results"][0]["generator"] == first["generator"]
    refuse(capsys, [*command, "--data", "here"], "lessons.path")
    refuse(capsys, [*command, "--set", "points.step=1"], "valid options")


def test_train_dry_run_run_and_pack(tmp_path, capsys):
    capsys.readouterr()
    assert run(["train", "portraits-tiny", "--dry-run", "--set", "lr=0.001"]) == 0
    assert json.loads(capsys.readouterr().out)["lr"] == 0.001
    folder = tmp_path / "run"
    assert run(["train", "portraits-tiny", "--images", "16", "--out", str(folder)]) == 0
    assert run(["models", "pack", str(folder), "--out", str(tmp_path / "home" / "models" / "tiny")]) == 0
    assert load("tiny").generator.config.size == 16
    refuse(capsys, ["train", "portraits-63"], "did you mean")
    refuse(capsys, ["train", "portraits-tiny", "--set", "learning_rate=1"], "valid options")


def test_fit_directions_for_a_model(tmp_path, capsys, quick_studies):
    folder = tmp_path / "run"
    assert run(["train", "portraits-tiny", "--images", "8", "--out", str(folder)]) == 0
    assert run(["models", "pack", str(folder), "--out", str(tmp_path / "home" / "models" / "tiny")]) == 0
    arguments = [
        "fit",
        "directions",
        "--model",
        "tiny",
        "--samples",
        "300",
        "--attr",
        "smile",
        "--chosen",
        "0.1",
        "--labels",
        str(tmp_path / "labels"),
        "--local-samples",
        "0",
        "--json",
    ]
    capsys.readouterr()
    assert run(arguments) == 0
    row = json.loads(capsys.readouterr().out)["results"][0]
    assert row["attr"] == "smile" and 0 <= row["validation_accuracy"] <= 1
    assert run(["models", "verify", "tiny"]) == 0 and list(load("tiny").directions) == ["smile"]


def test_doctor_names_what_is_missing(capsys):
    capsys.readouterr()
    assert run(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)["results"][0]
    assert facts["packages"]["torch"][0].isdigit() and "cpu" in facts["devices"]
    states = {row["name"]: row for row in facts["weights"]}
    assert states["model portraits-128"]["state"] == "ok" and states["portraits: attributes"]["state"] == "ok"
    assert "semedit models add celebamask-hq" in states["model celebamask-hq"]["detail"]


def test_help_and_version(capsys):
    capsys.readouterr()
    assert run(["--version"]) == 0 and capsys.readouterr().out.startswith("semedit 0.")
    for command in ([], ["invert"], ["edit"], ["models"], ["fit"], ["bench"]):
        assert run([*command, "--help"]) == 0
    assert run(["edit", "--no-such-option"]) == 2 and run(["no-such-command"]) == 2
    capsys.readouterr()
    for group in ([], ["fit"]):
        assert run(group) == 2
        shown = capsys.readouterr()
        assert "Usage:" in shown.out and not shown.err  # its help, and no complaint without words


def test_fit_domain_networks(tmp_path, capsys):
    """A quick fit of both networks: the files load, and their folder has a card."""
    from semedit.metrics.attributes import AttributeScorer
    from semedit.metrics.features import DomainFeatures

    folder = tmp_path / "home" / "models" / "nets"
    for what in ("attributes", "features"):
        out = str(folder / f"{what}.safetensors")
        assert run(["fit", what, "--out", out, "--pictures", "128", "--epochs", "1", "--held-out", "64"]) == 0
    scorer, features = (
        AttributeScorer.load(folder / "attributes.safetensors"),
        DomainFeatures.load(folder / "features.safetensors"),
    )
    pictures = render(sample_factors(4, 1), 64)[0]
    assert scorer.score(pictures).shape == (4, 10) and features.parse(pictures).shape == (4, 64, 64)
    assert torch.equal(features.distance(pictures, pictures), torch.zeros(4))
    card = json.loads((folder / "card.json").read_text())
    assert set(card["files"]) == set(card["networks"]) == {"attributes.safetensors", "features.safetensors"}
    assert run(["models", "verify"]) == 0
