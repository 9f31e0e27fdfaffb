"""``semedit drag``: files like those of an edit, the way back, and refusals in one line."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

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


def test_a_photo_is_pulled_and_the_change_pasted_back(portrait, tmp_path, capsys):
    """The photo is inverted as is said, and differs afterwards where the mask lets it."""
    asked = ["--invert-method", "restyle", "--face", "1", "--seed", "3", "--paste-back", "--anyway", "--save-mask"]
    assert run([*PULL, str(portrait), "--regions", "mouth", *asked, "--out", str(tmp_path), "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["results"]
    assert Latent.load(tmp_path / "portrait" / "latent.safetensors").metadata["method"] == "restyle"
    photo, pasted = (torch.from_numpy(np.array(Image.open(path).convert("RGB"))) for path in (portrait, one["pasted"]))
    mask = torch.from_numpy(np.array(Image.open(one["pasted_mask"]).convert("L")))
    changed = (photo != pasted).any(-1)
    assert changed.any() and not changed[mask == 0].any()


@pytest.mark.parametrize("arguments, word", [
    (["--from", "0.5,0.5", "--to", "0.5,0.4", "--anyway"], "go with --paste-back"),
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
