"""Nothing of the user's is lost, nothing wrong is accepted: the command line with a tiny random model."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from semedit.cli.main import run
from semedit.editing.loading import load
from semedit.editing.requests.records import Failure, InversionRecord
from semedit.editing.sessions.inverting import invert_files
from semedit.errors import ConfigError, ImageError, LatentError
from semedit.latents.latent import Latent
from semedit.pictures.reading import find_pictures, read_picture
from tests.cli.conftest import refuse
from tests.fuzz.world import MODEL, World, build

TINY = ["--model", MODEL, "--json"]
QUICK = ["--method", "optimize", "--steps", "1", *TINY]


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> World:
    here, home = Path.cwd(), os.environ.get("SEMEDIT_HOME")
    world = build(tmp_path_factory.mktemp("world") / "w")
    os.chdir(here)
    if home is not None:
        os.environ["SEMEDIT_HOME"] = home
    return world


@pytest.fixture
def world(built, monkeypatch) -> World:
    monkeypatch.setenv("SEMEDIT_HOME", str(built.root / "home"))
    monkeypatch.chdir(built.user)
    return built


def photo(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), np.uint8)
    Image.fromarray(pixels).save(path, format="PNG")
    return path


def test_a_sheet_replaces_only_what_was_written_here(world, tmp_path, capsys):
    sheet = tmp_path / "sheet.png"
    sheet.write_text("mine")
    line = ["sample", "--count", "1", "--sheet", str(sheet), "--out", str(tmp_path / "out"), *TINY]
    refuse(capsys, line[:-1], "--overwrite")
    assert sheet.read_text() == "mine" and not (tmp_path / "out").exists()
    assert run([*line, "--overwrite"]) == 0
    assert run([*line[:-1], "--seed", "1"]) == 2, "what --overwrite wrote is not in the register"


def test_a_result_is_made_again(world, tmp_path):
    line = ["components", "--out", str(tmp_path / "c.png"), *TINY]
    assert run(line) == 0 and run([*line, "--seed", "1"]) == 0
    photo(tmp_path / "c.png", 1)
    assert run(line) == 2


@pytest.mark.parametrize("name", ["...png", "..png", "....png"])
def test_no_name_leads_out_of_the_folder(world, tmp_path, name):
    """The user's own manifest beside OUT stays."""
    (tmp_path / "manifest.json").write_text("mine")
    picture = photo(tmp_path / "in" / name, 0)
    before = {path for path in tmp_path.rglob("*") if (tmp_path / "out") not in path.parents}
    assert run(["invert", str(picture), "--out", str(tmp_path / "out"), *QUICK]) == 0
    assert (tmp_path / "manifest.json").read_text() == "mine"
    assert {path for path in tmp_path.rglob("*") if (tmp_path / "out") not in path.parents} == before | {
        tmp_path / "out"
    }
    assert len(list((tmp_path / "out").glob("*/latent.safetensors"))) == 1


def test_pictures_of_one_name_stay_apart(world, tmp_path):
    """Within a run, and from one run to the next; the same picture goes on in its own folder."""
    first, second = photo(tmp_path / "a" / "me.png", 1), photo(tmp_path / "b" / "me.png", 2)
    out = tmp_path / "out"
    for picture in (first, second, first, second):
        assert run(["invert", str(picture), "--out", str(out), *QUICK]) == 0
    folders = sorted(out.glob("me*"))
    assert len(folders) == 2 and folders[0].name == "me"
    sources = {json.loads((folder / "manifest.json").read_text())["source"] for folder in folders}
    assert sources == {str(first.resolve()), str(second.resolve())}
    photo(first, 3)
    assert run(["invert", str(first), "--out", str(out), *QUICK]) == 0
    assert len(list(out.glob("me*"))) == 3, "another picture in the same place is another picture"


def test_latents_of_one_name_stay_apart(world, tmp_path):
    latent = Latent.load(world.natives["latent"])
    for number, folder in enumerate(("a", "b")):
        (tmp_path / folder).mkdir()
        moved = latent.with_rows(latent.wplus().data + number, (0,))
        moved.save(tmp_path / folder / "code.safetensors")
    files = [str(tmp_path / folder / "code.safetensors") for folder in ("a", "b", "a")]
    for file in files:
        assert run(["edit", file, "--attr", "smile", "--out", str(tmp_path / "out"), *TINY]) == 0
    found = [
        Latent.load(path).wplus().data[0, 0] for path in (tmp_path / "out").glob("code*/edits/*/latent.safetensors")
    ]
    assert len(found) == 2 and not torch.equal(found[0], found[1])


def test_what_a_killed_run_has_begun_is_gone_on_with(world, tmp_path):
    """Its folders, of a picture without a manifest and of an edit without one, are no other's."""
    (tmp_path / "out" / "me" / ".half.tmp").mkdir(parents=True)
    arguments = ["--out", str(tmp_path / "out"), *TINY]
    assert run(["invert", str(photo(tmp_path / "me.png", 1)), "--out", str(tmp_path / "out"), *QUICK]) == 0
    assert run(["edit", "--attr", "smile", *arguments]) == 0
    (edit,) = (tmp_path / "out" / "me" / "edits").iterdir()
    for name in ("manifest.json", "edited.png"):
        (edit / name).unlink()
    assert run(["edit", "--attr", "smile", *arguments]) == 0
    assert list((tmp_path / "out").iterdir()) == [tmp_path / "out" / "me"] and list(edit.parent.iterdir()) == [edit]
    assert (edit / "edited.png").exists() and (edit / "manifest.json").exists()


def test_a_folder_of_the_users_is_not_gone_on_with(world, tmp_path):
    mine = tmp_path / "out" / "me" / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    (tmp_path / "elsewhere").mkdir()
    assert run(["invert", str(photo(tmp_path / "me.png", 1)), "--out", str(tmp_path / "out"), *QUICK]) == 0
    assert list(mine.parent.iterdir()) == [mine] and len(list((tmp_path / "out").iterdir())) == 2
    (tmp_path / "out" / "you").symlink_to(tmp_path / "elsewhere")
    assert run(["invert", str(photo(tmp_path / "you.png", 1)), "--out", str(tmp_path / "out"), *QUICK]) == 0
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_edits_that_would_share_a_name_stay_apart(world, tmp_path):
    for strength in ("1.0001", "1.0002", "1.0001"):
        line = ["edit", str(world.natives["latent"]), "--attr", "smile", "--strength", strength]
        assert run([*line, "--out", str(tmp_path), *TINY]) == 0
    assert len(list(tmp_path.glob("*/edits/*"))) == 2


@pytest.mark.parametrize("bad", ["nan", "inf", "-inf"])
@pytest.mark.parametrize(
    "words",
    [["edit", "LATENT", "--strength", "BAD"], ["edit", "LATENT", "--attr", "smile=BAD"],
     ["edit", "LATENT", "--to", "BAD"], ["sample", "--psi", "BAD"],
     ["invert", "photo.png", "--target-perceptual", "BAD"],
     ["invert", "photo.png", "--target-id", "BAD"], ["invert", "photo.png", "--set", "lr=BAD"]],
    ids=" ".join,
)  # fmt: skip
def test_no_command_takes_a_number_that_is_not_finite(world, tmp_path, capsys, words, bad):
    words = [word.replace("BAD", bad).replace("LATENT", str(world.natives["latent"])) for word in words]
    refuse(capsys, [*words, "--out", str(tmp_path / "out"), "--model", MODEL])
    assert not list(tmp_path.rglob("*.png")) and not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.parametrize(
    "words", [["--target-perceptual", "-1"], ["--target-id", "5"], ["--target-id", "-5"]], ids=" ".join
)
def test_no_target_lies_outside_its_range(world, tmp_path, capsys, words):
    refuse(
        capsys,
        ["invert", "photo.png", "--model", MODEL, "--out", str(tmp_path), *words],
        words[0][2:].replace("-", "_"),
    )


def test_python_takes_none_either(world):
    model = load(MODEL)
    latent = model.sample(1)
    nan = float("nan")
    for call in (
        lambda: model.sample(0), lambda: model.sample(-1), lambda: model.sample(1, seed=2**70),
        lambda: model.sample(1, psi=nan), lambda: model.edit(latent, "smile", strength=nan),
        lambda: model.transfer(latent, latent, "hair", strength=float("inf")),
    ):  # fmt: skip
        with pytest.raises(ConfigError):
            call()
    for call in (
        lambda: model.edit(latent.data, "smile"), lambda: model.synthesise(latent.data),
        lambda: model.edit(model.generator.latent(latent.data * nan), "smile"),
    ):  # fmt: skip
        with pytest.raises(LatentError):
            call()
    with pytest.raises(ImageError, match="NaN"):
        model.invert(torch.full((1, 3, 16, 16), nan))


def test_a_picture_that_vanishes_fails_alone(world, tmp_path):
    """One that has been read already is finished; one that has not fails, and those behind it go on."""
    files = [photo(tmp_path / "in" / f"{name}.png", seed) for seed, name in enumerate("abc")]

    def vanish(what: str, done: int, total: int) -> None:
        for path in files[:2]:
            path.unlink(missing_ok=True)

    overrides = ["steps=1"]
    found = list(invert_files(load(MODEL), files, tmp_path / "out", method="optimize", overrides=overrides, batch=1,
                              watch=vanish))  # fmt: skip
    assert [type(one) for one in found] == [InversionRecord, Failure, InversionRecord]
    summary = json.loads((tmp_path / "out" / "invert-manifest.json").read_text())
    assert len(summary["done"]) == 2 and len(summary["failed"]) == 1


def test_a_latent_that_vanishes_fails_alone(world, tmp_path, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.safetensors").write_bytes(world.natives["latent"].read_bytes())
    (folder / "b.safetensors").symlink_to(tmp_path / "nowhere")
    capsys.readouterr()
    assert run(["edit", str(folder), "--attr", "smile", "--out", str(tmp_path / "out"), *TINY]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert len(shown["results"]) == 1 and "no such file" in shown["failed"][0]["error"]


def test_a_pipe_is_no_picture(world, tmp_path, capsys):
    """It would be waited for without end."""
    os.mkfifo(tmp_path / "p.png")
    refuse(capsys, ["invert", str(tmp_path / "p.png"), "--out", str(tmp_path / "out"), "--model", MODEL], "pipe")


def test_names_with_marks_of_patterns_and_markup(world, tmp_path, capsys):
    for name in ("photo[1].png", "x[/b].png", "a[b].gif", "a*b.png"):
        photo(tmp_path / name, 0)
        assert find_pictures([tmp_path / name]) == [tmp_path / name]
    capsys.readouterr()
    line = ["invert", str(tmp_path / "x[/b].png"), "--out", str(tmp_path / "out"), *QUICK]
    assert run([word for word in line if word != "--json"]) == 0
    assert "x[/b].png" in capsys.readouterr().out
    for pattern in ("a**b", "**x", "[", "x" * 300, "nothing?"):
        with pytest.raises(ImageError):
            [read_picture(path) for path in find_pictures([pattern])]


@pytest.mark.parametrize(
    ("words", "said"),
    [(["sample", "--seed", "99999999999999999999"], "4294967295"), (["sample", "--device", "meta"], "cannot be used"),
     (["sample", "--device", "nosuch"], "cannot be used"), (["sample", "--sheet", "s.bmp"], ".png"),
     (["sample", "--count", "10000", "--scale", "8", "--columns", "1"], "GB"), (["x" * 300], "No such command"),
     (["invert", "x" * 300], "too long"), (["sample", "--model", "x" * 300], "no model"),
     (["interpolate", "--out", "a.xyz"], ".mp4")],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)  # fmt: skip
def test_a_mistake_is_one_line(world, tmp_path, capsys, monkeypatch, words, said):
    monkeypatch.setattr("semedit.storage.memory.available", lambda: 10**9)
    own = [] if "--model" in words or words[0].startswith("x") else ["--model", MODEL]
    refuse(capsys, [*words, *own], said)


def test_more_columns_than_pictures_cost_nothing(world, tmp_path):
    line = ["sample", "--columns", "100000", "--count", "2", "--out", str(tmp_path), *TINY]
    assert run(line) == 0
    assert Image.open(tmp_path / "sheet.png").width < 100


def test_a_large_picture_is_read(tmp_path):
    """101 megapixels; Pillow warns from 89 on."""
    Image.new("1", (11648, 8736)).save(tmp_path / "large.png")
    assert read_picture(tmp_path / "large.png").size == (11648, 8736)
    Image.new("1", (14000, 9000)).save(tmp_path / "larger.png")
    with pytest.raises(ImageError, match="126 megapixels are too many; at most 120"):
        read_picture(tmp_path / "larger.png")


def test_ctrl_c_says_so(world, capsys, monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("semedit.editing.loading.load", interrupted)
    capsys.readouterr()
    assert run(["sample", "--model", MODEL]) == 130
    assert "interrupted" in capsys.readouterr().err
