"""The command line of editing: stacked edits, targets, words, folders, the way back; learning and measuring editors."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from directions import DirectionLibrary, FlowLibrary
from semedit.cli.main import run
from semedit.data.collection import PictureFolder
from semedit.editing.loading import load
from semedit.editing.results import subjects
from semedit.latents.latent import Latent
from semedit.metrics.clip import Clip
from semedit.pictures.reading import find_pictures
from tests.cli.conftest import refuse

#: A search by words of a moment: few beginnings are tried, and few steps taken.
FEW = ["--set", "candidates=16", "--set", "steps=4"]


@pytest.fixture
def results(capsys):
    """Run a command under --json and give its results."""

    def call(*arguments: str, code: int = 0) -> list[dict]:
        capsys.readouterr()
        assert run([*arguments, "--json"]) == code
        return json.loads(capsys.readouterr().out)["results"]

    return call


@pytest.fixture
def own(workspace, tmp_path):
    """A copy of the folder with one inversion, to write edits into."""
    shutil.copytree(workspace / "portrait", tmp_path / "out" / "portrait", ignore=shutil.ignore_patterns("edits"))
    return tmp_path / "out"


class TestSeveralEdits:
    def test_they_stack_in_one_command(self, own, results):
        edits = ["--attr", "smile=1.5", "--attr", "bangs=-1", "--regions", "face", "--regions", "hair"]
        (one,) = results("edit", *edits, "--out", str(own))
        assert [(s["attr"], s["strength"], s["regions"]) for s in one["steps"]] == [
            ("smile", 1.5, "face"), ("bangs", -1.0, "hair"),
        ]  # fmt: skip
        assert one["regions"] == "face,hair" and one["attr"] is None
        folder = own / "portrait" / "edits" / "smile+1.5_face__bangs-1_hair"
        assert Image.open(folder / "row.png").width > 3 * 100
        edited, before = (
            Latent.load(folder / "latent.safetensors"),
            Latent.load(own / "portrait" / "latent.safetensors"),
        )
        model = load("portraits")
        wanted = model.edit(model.edit(before, "smile", 1.5, "face"), "bangs", -1.0, "hair")
        assert torch.equal(edited.data, wanted.data) and len(edited.history) == 2

    def test_continue_and_undo(self, own, results):
        start = Latent.load(own / "portrait" / "latent.safetensors")
        results("edit", "--attr", "beard", "--out", str(own))
        results("edit", "--attr", "glasses", "--continue", "--out", str(own))
        both = own / "portrait" / "edits" / "beard+1_skin__glasses+1_glasses" / "latent.safetensors"
        assert len(Latent.load(both).history) == 2
        (first,) = results("undo", "--out", str(own))
        assert first["left"] == ["beard"] and first["undone"][0]["attr"] == "glasses"
        (second,) = results("undo", "--out", str(own))
        assert second["left"] == [] and second["latent"].endswith("edits/original/latent.safetensors")
        assert torch.equal(Latent.load(second["latent"]).data, start.data)
        shown, made = (Image.open(p).tobytes() for p in (second["image"], own / "portrait" / "reconstruction.png"))
        assert shown == made
        (all_,) = results("undo", str(both), "--edits", "2", "--out", str(own))
        assert torch.equal(Latent.load(all_["latent"]).data, start.data)

    def test_what_cannot_be_undone(self, own, capsys):
        refuse(capsys, ["undo", "--out", str(own)], "no edit in")
        refuse(capsys, ["undo", str(own / "portrait" / "latent.safetensors"), "--out", str(own)], "no edit to undo")


class TestTargets:
    def test_a_score_is_asked_for(self, own, results, capsys):
        (one,) = results("edit", "--attr", "beard", "--to", "0.9", "--out", str(own))
        assert one["score_after_optimised"] == pytest.approx(0.9, abs=0.03) and one["strength"] != 1.0
        assert run(["edit", "--attr", "bangs", "--to", "0.99", "--regions", "mouth", "--out", str(own)]) == 0
        assert "not to 0.99" in capsys.readouterr().out


class TestRegions:
    def test_auto_shows_its_table(self, own, capsys):
        capsys.readouterr()
        assert run(["edit", "--attr", "bald", "--regions", "auto", "--out", str(own)]) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert "keeps 90 % of the gain" in shown and "all regions" in shown and "hair:shape" in shown

    def test_the_shipped_choices(self):
        model = load("portraits")
        for method in ("interfacegan", "styleflow"):
            chosen = {name: model.auto_regions(name, method) for name in ("bald", "bangs", "smile")}
            names = {k: {part.partition(":")[0] for part in v.split(",")} for k, v in chosen.items()}
            assert names["bald"] == {"hair"} and names["bangs"] == {"hair"} and "mouth" in names["smile"], method


class TestWords:
    def test_prompts_in_sequence_from_the_mean_face(self, tmp_path, results):
        prompts = ["a person with brown skin", "a person with purple long hair"]
        edits = ["--text", prompts[0], "--text", prompts[1], "--regions", "skin", "--regions", "hair"]
        (one,) = results("edit", *edits, "--mean", *FEW, "--out", str(tmp_path))
        first, second = one["steps"]
        assert (first["property"], second["property"]) == ("skin tone", "hair colour")
        assert first["clip_after_optimised"] > first["clip_before_optimised"] and 0 <= second["probability_after"] <= 1
        assert Image.open(one["row"]).width > 300
        edited, mean = Latent.load(one["latent"]), Latent.load(tmp_path / "mean" / "latent.safetensors").wplus()
        rows = set(edited.rows("skin,hair"))
        others = [r for r in range(edited.layout.rows) if r not in rows]
        assert torch.equal(edited.data[:, others], mean.data[:, others])

    def test_an_edit_within_noise_says_so(self, own, capsys):
        edit = ["edit", "--text", "a person with glasses", "--regions", "background", "--out", str(own)]
        still = ["--set", "candidates=0", "--set", "steps=1"]  # the first step's rate is zero
        assert run([*edit, *still]) == 0
        assert "No measurable change" in capsys.readouterr().out

    def test_an_identity_budget(self, own, capsys):
        edit = ["edit", "--text", "a person with dark skin", "--out", str(own), "--set", "identity_budget=0.02"]
        assert run([*edit, "--set", "candidates=16", "--set", "steps=30"]) == 0
        assert "stopped by its identity budget" in capsys.readouterr().out

    def test_another_clip_from_a_file(self, own, tiny_clip, tmp_path, results):
        from semedit.metrics.clip import ClipConfig

        config = ClipConfig(size=32, width=2, dim=8, text_width=8, text_layers=1, context=16)
        tiny_clip.save(tmp_path / "c.safetensors", config)
        (one,) = results("edit", "--text", "hair", "--clip", str(tmp_path / "c.safetensors"), *FEW, "--out", str(own))
        assert one["protocols"]["clip_optimised"] == "tiny (optimised)"
        assert one["protocols"]["clip"].startswith("portraits-clip") and "optimised" not in one["protocols"]["clip"]


class TestSources:
    def test_a_folder_of_latents(self, tmp_path, results):
        assert run(["sample", "--count", "3", "--out", str(tmp_path / "s")]) == 0
        found = results("edit", str(tmp_path / "s"), "--attr", "glasses", "--out", str(tmp_path / "o"))
        assert [r["input"] for r in found] == [str(tmp_path / "s" / f"0000-000{i}.safetensors") for i in range(3)]
        model = load("portraits")
        alone = model.edit(Latent.load(found[1]["input"]), "glasses")
        assert torch.equal(Latent.load(found[1]["latent"]).data, alone.data)
        assert Latent.load(found[1]["latent"]).metadata["seed"] == 0

    def test_a_folder_of_inversions_and_a_file_of_several_codes(self, own, tmp_path, results):
        (one,) = results("edit", str(own), "--attr", "beard", "--out", str(own))
        assert one["latent"].startswith(str(own / "portrait" / "edits"))
        load("portraits").sample(2, 5).save(tmp_path / "two.safetensors")
        found = results("edit", str(tmp_path / "two.safetensors"), "--attr", "beard", "--out", str(tmp_path / "o"))
        assert len({r["latent"] for r in found}) == 2

    def test_some_of_many_fail(self, own, tmp_path, results, capsys):
        (tmp_path / "broken.safetensors").write_text("hello")
        sources = [str(tmp_path / "broken.safetensors"), str(own / "portrait" / "latent.safetensors")]
        found = results("edit", *sources, "--attr", "beard", "--out", str(own), code=1)
        assert len(found) == 1

    def test_a_folder_of_pictures_is_inverted_in_one_batch(self, portrait, tmp_path, results, monkeypatch):
        for name in ("a", "b"):
            (tmp_path / f"{name}.png").write_bytes(portrait.read_bytes())
        (tmp_path / "not.png").write_text("no picture")
        from semedit.editing.model import Model

        invert, sizes = Model.invert, []

        def counted(self, pictures, **options):
            sizes.append((len(pictures), options["inverter"].method))
            return invert(self, pictures, **options)

        monkeypatch.setattr(Model, "invert", counted)
        edit = ["edit", str(tmp_path), "--attr", "smile", "--invert-method", "restyle", "--out", str(tmp_path / "o")]
        found = results(*edit, code=1)
        assert [r["input"] for r in found] == [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
        assert sizes == [(2, "restyle")]

    def test_the_latest_inversion_is_the_latest(self, workspace, tmp_path, results, monkeypatch):
        """By what its manifest says: a copy of the folder has lost the times of its files."""
        out = tmp_path / "out"
        for name, stamp in (("a", 2), ("b", 1)):
            shutil.copytree(workspace / "portrait", out / name, ignore=shutil.ignore_patterns("edits"))
            manifest = json.loads((out / name / "manifest.json").read_text())
            assert isinstance(manifest["made_ns"], int)
            (out / name / "manifest.json").write_text(json.dumps({**manifest, "made_ns": stamp}))
        (out / "mean").mkdir()
        shutil.copy(out / "b" / "latent.safetensors", out / "mean")  # the mean code is nobody's inversion
        assert subjects.latest(out).folder.name == "a"

    def test_drawn_portraits_lie_apart_from_their_labels(self, tmp_path, results):
        found = results("draw", "--count", "2", "--size", "32", "--out", str(tmp_path))
        assert [Path(r["image"]) for r in found] == find_pictures([tmp_path / "images"])
        assert [Path(r["labels"]).name for r in found] == [Path(r["image"]).name for r in found]
        assert len(PictureFolder(tmp_path, labelled=True)) == 2


class TestMoves:
    def test_a_move_and_a_zoom_join_other_edits_and_are_undone(self, own, results):
        edit = ["edit", "--attr", "smile", "--move", "mouth=0.05,-0.02", "--zoom", "eyes=1.3", "--out", str(own)]
        (one,) = results(*edit)
        assert [s["method"] for s in one["steps"]] == ["interfacegan", "move", "move"]
        assert one["steps"][1]["moved"] == [0.05, -0.02, 1.0] and one["steps"][2]["measurable"]
        latent = Latent.load(one["latent"])
        assert Path(one["latent"]).parent.name == "smile+1_mouth__move+0.05-0.02x1_mouth__move+0+0x1.3_eyes"
        model = load("portraits")
        moved = model.move(model.move(latent.undo(2), "mouth", 0.05, -0.02), "eyes", zoom=1.3)
        assert torch.equal(model.synthesise(moved).image, model.synthesise(latent).image)
        (back,) = results("undo", "--edits", "3", "--out", str(own))
        shown, was = (Image.open(p).tobytes() for p in (back["image"], own / "portrait" / "reconstruction.png"))
        assert shown == was

    def test_later_edits_see_it(self, own, results):
        (first,) = results("edit", "--move", "hair=0.1,0", "--out", str(own))
        (second,) = results("edit", "--attr", "smile", "--continue", "--out", str(own))
        labels = [np.asarray(Image.open(r["labels"])) for r in (first, second)]
        assert (labels[0] == labels[1]).all(-1).mean() > 0.95
        plain = np.asarray(Image.open(own / "portrait" / "labels.png"))
        assert (plain == labels[1]).all(-1).mean() < 0.95


@pytest.mark.parametrize("arguments, words", [
    (["--attr", "smile=much"], ["smile=much", "strength"]),
    (["--attr", "smile", "--attr", "bald", "--regions", "face", "--regions", "hair", "--regions", "nose"],
     ["3 --regions"]),
    (["--attr", "smile", "--text", "blue eyes"], ["one of them"]),
    (["--mean", "--continue"], ["one of them"]),
    (["--text", "blue eyes", "--regions", "auto"], ["measured for attributes"]),
    (["--text", "blue eyes", "--to", "0.4"], ["--to", "--attr"]),
    (["--text", " ".join(["blue"] * 60)], ["tokens"]),
    (["--text", "blue eyes", "--set", "stepz=3"], ["valid options"]),
    (["--text", "blue eyes", "--clip", "ViT-B-32x"], ["CLIP model"]),
    (["--attr", "smlie"], ["smlie", "smile"]),
    (["--move", "mouth=0.1"], ["mouth=0.1", "RIGHT,DOWN"]),
    (["--move", "mouth=nan,0"], ["mouth=nan,0"]),
    (["--move", "mouht=0.1,0"], ["mouht", "mouth"]),
    (["--zoom", "eyes=0"], ["zoom of 0"]),
    (["--zoom", "eyes:shape=2"], ["whole regions"]),
    (["--zoom", "eyes=2", "--regions", "face"], ["their own regions"]),
    (["--paste-back", "--blend", "diff"], ["difference", "replace"]),
    (["--paste-back", "--mask", "none.png"], ["none.png"]),
    (["--anyway"], ["go with --paste-back"]),
    (["--attr", "smile", "--editors", "none.safetensors"], ["none.safetensors"]),
])  # fmt: skip
def test_misuse_is_one_line(own, capsys, arguments, words):
    refuse(capsys, ["edit", *arguments, "--out", str(own)], *words)


@pytest.mark.usefixtures("quick_studies")
class TestFitting:
    #: The smallest of the shipped models.
    SMALL = ("--model", "portraits-adversarial")
    QUICK = (*SMALL, "--samples", "256", "--local-samples", "0", "--chosen", "0.1")

    def test_directions_by_prompts_join_the_others_in_the_file(self, tmp_path, results, capsys):
        file, labels = tmp_path / "d.safetensors", ["--labels", str(tmp_path / "labels")]
        results("fit", "directions", "--attributes", "beard", *self.QUICK, *labels, "--out", str(file))
        (row,) = results("fit", "directions", "--prompt", "a person with dark skin",
                         "--prompt", "a person with pale skin",
                         "--name", "dark", *self.QUICK, *labels, "--out", str(file))  # fmt: skip
        assert row["attr"] == "dark" and 0.5 < row["validation_accuracy"] <= 1 and "smile" in row["side_effects"]
        library = DirectionLibrary.load(file)
        assert list(library) == ["beard", "dark"] and library["dark"].prompts[0] == "a person with dark skin"
        assert set(library.described()["cosines"]) == {"beard", "dark"}
        (one,) = results(
            "edit", *self.SMALL, "--mean", "--attr", "dark", "--editors", str(file), "--out", str(tmp_path / "o")
        )
        assert one["score_after_optimised"] > one["score_before_optimised"]
        assert "portraits-clip" in one["protocols"]["score"]

    def test_local_directions_and_calibration(self, tmp_path, results):
        file = tmp_path / "d.safetensors"
        results("fit", "directions", *self.SMALL, "--attributes", "bangs", "--samples", "256",
                "--local-samples", "256", "--chosen", "0.1",
                "--labels", str(tmp_path / "labels"), "--out", str(file))  # fmt: skip
        assert len(list((tmp_path / "labels").iterdir())) == 2
        (row,) = results(
            "fit", "calibration", *self.SMALL, "--attributes", "smile", "--regions", "mouth", "--out", str(file)
        )
        assert row["regions"] == "mouth" and DirectionLibrary.load(file)["smile"].study_.gain == row["gain"]

    def test_misuse(self, tmp_path, capsys):
        fit = ["fit", "directions", "--labels", str(tmp_path), "--out", str(tmp_path / "d.safetensors")]
        refuse(capsys, [*fit, "--attributes", "smlie"], "smlie", "did you mean 'smile'")
        refuse(capsys, [*fit, "--scores", "none.csv"], "none.csv")
        refuse(capsys, [*fit, "--prompt", "smiling"], "two prompts")
        refuse(capsys, [*fit, "--prompt", "a", "--prompt", "b", "--scores", "x.csv"], "one of them")

    def test_a_small_clip_is_trained_and_found(self, tmp_path, results):
        sizes = {"size": 32, "width": 2, "dim": 8, "text_width": 8, "text_layers": 1}
        sets = [word for name, value in sizes.items() for word in ("--set", f"network.{name}={value}")]
        file = tmp_path / "c" / "clip.safetensors"
        quick = ["--pictures", "256", "--epochs", "1", "--held-out", "64"]
        (row,) = results("fit", "clip", *quick, *sets, "--out", str(file))
        assert set(row["zero_shot"]) == {"hair colour", "skin tone", "eye colour", "glasses", "beard"}
        (again,) = results("fit", "clip", *quick, *sets, "--start", str(file), "--out", str(tmp_path / "d.safetensors"))
        assert again["started_from"]["zero_shot"] == row["zero_shot"]
        assert Clip.load(file).card["zero_shot"] == row["zero_shot"]


def test_models_info_shows_what_was_measured(results):
    (card,) = results("models", "info", "portraits")
    smile, glasses = card["directions"]["smile"], card["directions"]["glasses"]
    assert glasses["report"]["validation_accuracy"] > 0.7 and smile["study"]["side_effects"].keys() >= {"bald", "beard"}
    assert card["directions"]["cosines"]["smile"]["smile"] == pytest.approx(1, abs=1e-3)
    assert card["flow"]["studies"]["bald"]["auto_table"]
    assert len(card["directions"]) - 1 >= 10 and FlowLibrary.FILE
