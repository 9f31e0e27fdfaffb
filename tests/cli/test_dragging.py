"""``semedit drag``: files like those of an edit, the way back, and refusals in one line."""

import json

import pytest
import torch

from semedit.cli.main import run
from semedit.latents.latent import Latent
from tests.cli.conftest import refuse

PULL = ["drag", "--from", "0.6,0.68", "--to", "0.6,0.64", "--steps", "2"]


def test_it_is_an_edit_like_any_other(tmp_path, capsys):
    """Written where edits are, told of in JSON, gone on from, and taken back bit for bit."""
    out = ["--out", str(tmp_path)]
    assert run([*PULL, "--mean", "--regions", "mouth", *out, "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["results"]
    (step,) = one["steps"]
    assert step["method"] == "drag" and one["regions"] == "mouth" and step["dragged"]["steps"] <= 2
    edited = Latent.load(next(tmp_path.rglob("drag*/latent.safetensors")))
    assert next(tmp_path.rglob("points.png")).stat().st_size
    mouth = edited.rows("mouth")
    others = [row for row in range(edited.layout.rows) if row not in mouth]
    assert torch.equal(edited.data[:, others], edited.undo().wplus().data[:, others])
    assert run(["edit", "--attr", "smile", "--continue", *out]) == 0
    assert run(["undo", "--edits", "2", *out]) == 0


@pytest.mark.parametrize("arguments, word", [
    (["--from", "0.6,0.68"], "1 --from for 0 --to"),
    (["--from", "1.6,0.68", "--to", "0.5,0.5"], "from 0 to 1"),
    (["--from", "nan,0.5", "--to", "0.5,0.5"], "from 0 to 1"),
    (["--from", "0.5", "--to", "0.5,0.5"], "X,Y"),
    ([], "--from X,Y"),
    (["--from", "0.5,0.5", "--to", "0.5,0.4", "--regions", "moth"], "mouth"),
    (["--from", "0.5,0.5", "--to", "0.5,0.4", "--set", "stpes=3"], "stpes"),
])  # fmt: skip
def test_refusals(capsys, tmp_path, arguments, word):
    refuse(capsys, ["drag", *arguments, "--mean", "--out", str(tmp_path)], word)
