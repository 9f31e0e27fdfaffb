"""What makes the command line easy: completion, lists, words beside figures, help by task, early answers."""

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

import semedit
from baselines import stylegan2
from directions import EDITORS
from semedit.cli import complete, console
from semedit.cli.main import build, run
from semedit.editing.measuring.explained import identity_word
from semedit.editing.sessions.transfers import TRANSFERS
from semedit.errors import ConfigError
from semedit.training.teaching.recipes import COURSES
from tests.cli.conftest import refuse


class TestCompletion:
    def test_models_and_recipes(self):
        assert set(complete.models("portraits")) >= {"portraits", "portraits-128"}
        assert set(complete.recipes("")) >= {*COURSES, *stylegan2.RECIPES, *stylegan2.SEMANTIC_RECIPES}
        assert set(complete.attribute_methods("")) == set(EDITORS)
        assert set(complete.edit_methods("")) == {*EDITORS, *TRANSFERS}
        assert complete.invert_methods("rest") == ["restyle", "restyle+optimize"]

    def test_regions_go_on_after_a_comma_and_a_colon(self):
        assert complete.regions("ha") == ["hair", "hat"] == [one for one in complete.regions("") if one[:2] == "ha"]
        assert complete.regions("hair,mo") == ["hair,mouth"]
        assert complete.regions("hair:t") == ["hair:texture"]

    def test_attributes_are_the_chosen_models(self):
        command = typer.main.get_command(build()).commands["edit"]
        for model, wanted in (("portraits", ["bald", "bangs"]), ("nosuch", [])):
            context = typer.Context(command)
            context.params["model"] = model
            found = complete.attributes(context, "ba")
            assert sorted(found) == wanted

    def test_the_shell_gets_them(self):
        """As the shell asks: through the environment."""
        environment = {
            "_SEMEDIT_COMPLETE": "complete_bash",
            "COMP_WORDS": "semedit edit --regions ha",
            "COMP_CWORD": "3",
        }
        shown = CliRunner().invoke(build(), [], env=environment, prog_name="semedit").stdout
        assert "hair" in shown and "hat" in shown


def test_attributes_are_listed(capsys):
    assert run(["attributes", "--json"]) == 0
    rows = {row["attr"]: row for row in json.loads(capsys.readouterr().out)["results"]}
    assert rows["smile"]["regions"] and rows["smile"]["gain"] and "bald" in rows["smile"]["side_effects"]
    assert run(["attributes"]) == 0
    assert "side effects" in capsys.readouterr().out
    refuse(capsys, ["attributes", "--model", "portrait"], "did you mean 'portraits'")


def test_help_of_edit_is_grouped_by_task_with_examples(capsys):
    assert run(["edit", "--help"]) == 0
    shown = capsys.readouterr().out
    for title in ("What", "Where", "From", "Back into the photo"):
        assert f" {title} " in shown
    assert "semedit edit photo.jpg --attr smile" in shown


class TestWords:
    def test_figures_of_an_inversion_come_with_the_usual(self, portrait, tmp_path, capsys):
        invert = ["invert", str(portrait), "--steps", "2", "--out", str(tmp_path)]
        assert run([*invert, "--json"]) == 0
        (one,) = json.loads(capsys.readouterr().out)["results"]
        card = json.loads((semedit.load("portraits").entry.folder / "card.json").read_text())
        usual = card["quality"]["reconstruction.restyle+optimize"]["identity"]["value"]
        assert one["explained"]["identity"]["usual"] == usual
        assert one["explained"]["identity"]["word"] in ("kept", "changed", "another person")
        assert one["explained"]["psnr"]["word"] in ("as usual", "better than usual", "worse than usual")

    def test_and_those_of_an_edit(self, workspace, capsys):
        assert run(["edit", "--attr", "smile", "--strength", "0.1", "--out", str(workspace)]) == 0
        shown = capsys.readouterr().out
        assert "kept" in shown and "less than an inversion misses" in shown

    def test_the_word_goes_with_the_similarity(self):
        words = [identity_word(value, 0.6) for value in (1.0, 0.6, 0.59, 0.3, 0.2, -1.0)]
        assert words == ["kept", "kept", "changed", "changed", "another person", "another person"]
        assert identity_word(0.9, None) == identity_word(float("nan"), 0.6) == ""


class TestProgress:
    def test_a_bar_always_says_how_much_there_is(self, monkeypatch):
        shown = io.StringIO()
        monkeypatch.setattr(console, "stderr", Console(file=shown, force_terminal=True, width=100))
        with console.watching() as watch:
            watch("'purple hair'", 0, 40)
            watch("editing", 3, 16)
        assert "0/40" in shown.getvalue() and "3/16" in shown.getvalue() and "/?" not in shown.getvalue()

    def test_rendering_says_how_far_it_is(self):
        model, heard = semedit.load("portraits-adversarial"), []
        model.synthesise(model.sample(5), batch=2, progress=lambda *step: heard.append(step))
        assert heard == [(0, 5), (2, 5), (4, 5)]


class TestOneLine:
    def test_a_latent_and_an_inversion_are_one_line(self, portrait):
        model = semedit.load("portraits")
        inversion = model.invert(portrait, inverter=model.inverter("restyle", refinements=1))
        edited = model.edit(inversion.latent, attr="smile")
        for shown in (repr(inversion), repr(edited)):
            assert len(shown.splitlines()) == 1 and len(shown) < 220
        assert repr(edited) == f"Latent(1 code in w+, 28x256, of generator {edited.fingerprint}, edited: smile +1)"
        assert "psnr" in repr(inversion)

    def test_a_model_is_opened_on_a_device(self):
        assert semedit.load("portraits-adversarial", device="meta").device.type == "meta"
        with pytest.raises(ConfigError, match="cannot be used here"):
            semedit.load("portraits-adversarial", device="nosuch")


def test_doctor_fits_a_terminal(capsys, monkeypatch):
    assert run(["doctor"]) == 0
    table, _, rest = capsys.readouterr().out.partition("How to get what is missing")
    rows = [line for line in table.splitlines() if "faces: " in line or "portraits-" in line]
    assert rows and all(len(line) <= 100 for line in rows)
    assert "semedit models fetch vgg16" in rest


def test_a_model_that_is_broken_is_named(capsys, monkeypatch, tmp_path):
    """By 'doctor', with what is wrong, and by 'models list'; others of its folder work."""
    monkeypatch.setenv("SEMEDIT_HOME", str(tmp_path))
    card = tmp_path / "models" / "mine" / "card.json"
    card.parent.mkdir(parents=True)
    card.write_text('{"generator": 3}')
    assert run(["doctor"]) == 0
    table, _, rest = capsys.readouterr().out.partition("How to get what is missing")
    assert any(line.split()[:2] == ["mine", "broken"] for line in table.splitlines())
    assert f"  mine: {card}: generator" in rest
    assert run(["doctor", "--json"]) == 0
    weights = {row["name"]: row for row in json.loads(capsys.readouterr().out)["results"][0]["weights"]}
    assert weights["model mine"]["state"] == "broken" and weights["model portraits-128"]["state"] == "ok"
    assert run(["models", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["results"]}
    assert rows["mine"]["state"] == "broken" and str(card) in rows["mine"]["error"]


@pytest.mark.parametrize("arguments", [
    ["edit", "none.png"], ["edit", "--model", "nosuch"], ["invert", "n" * 300 + ".png"],
    ["edit", "--attr", "smile=much"], ["invert", "none.png", "--model", "none.pt"],
    ["edit", "--from-image", "none.png", "--regions", "hair"],
])  # fmt: skip
def test_a_mistake_in_the_arguments_is_told_before_torch_is_imported(arguments, tmp_path):
    code = "import sys; from semedit.cli.main import run; code = run(sys.argv[1:]); print(code, 'torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code, *arguments, "--out", str(tmp_path)], capture_output=True,
                          text=True, env=environment, check=True)  # fmt: skip
    assert done.stdout.strip() == "2 False" and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert time.monotonic() - began < 60
