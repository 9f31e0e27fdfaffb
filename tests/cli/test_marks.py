"""Every picture that a command writes says where it comes from, unless it is told not to."""

import json
from pathlib import Path

import pytest

from semedit.cli.main import run
from semedit.editing.loading import load
from semedit.pictures.provenance import DRAWN, EDIT, SAMPLE, read_mark

#: Command -> what its pictures say.
COMMANDS = {
    "sample --count 1 --out {out}": SAMPLE,
    "draw --count 1 --size 32 --out {out}": DRAWN,
    "interpolate --frames 2 --keys 2 --out {out}/a.png": SAMPLE,
    "mix --samples 1 --regions hair --out {out}/a.png": SAMPLE,
    "edit --mean --attr smile --strip --out {out}": None,
}


@pytest.mark.parametrize("command", COMMANDS)
def test_marks_and_no_marks(tmp_path, command):
    for words, marked in (([], True), (["--no-mark"], False)):
        out = tmp_path / str(marked)
        assert run([*command.format(out=out).split(), *words]) == 0
        pictures = sorted(out.rglob("*.png"))
        marks = {path.name: read_mark(path) for path in pictures}
        assert pictures and all((mark is not None) == marked for mark in marks.values()), marks
        if marked and COMMANDS[command]:
            assert {mark.source for mark in marks.values()} == {COMMANDS[command]}


def test_an_edit_says_model_and_history_and_inspect_shows_it(workspace, capsys):
    assert run(["edit", "--attr", "beard", "--out", str(workspace), "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["results"]
    model = load("portraits")
    mark = read_mark(one["image"])
    assert (mark.source, mark.model, mark.fingerprint) == (EDIT, model.name, model.generator.fingerprint)
    assert [event["attr"] for event in mark.history] == ["beard"]
    source = read_mark(workspace / "portrait" / "reconstruction.png")
    assert source.source == SAMPLE and source.history == ()
    assert run(["inspect", one["image"], one["latent"], "--json"]) == 0
    picture, latent = json.loads(capsys.readouterr().out)["results"]
    assert picture["source"] == EDIT and picture["history"] == [dict(event) for event in mark.history]
    assert latent["kind"] == "latent" and latent["fingerprint"] == mark.fingerprint
    assert run(["inspect", one["image"]]) == 0
    shown = capsys.readouterr().out
    assert "compositeWithTrainedAlgorithmicMedia" in shown and "beard" in shown


def test_inspect_of_what_has_no_mark_and_of_what_is_none(capsys):
    assert run(["inspect", "docs/china.jpg", "none.png", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["results"][0]["marked"] is False and Path(found["failed"][0]["input"]).name == "none.png"
