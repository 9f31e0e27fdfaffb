"""The commands that show the generator, and those that prepare and scan data."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semedit.checkpoints.zoo import load_generator
from semedit.cli.main import run
from tests.semedit.data.test_data import folder, label_maps_read, raw  # noqa: F401 (fixtures)

MODEL = ["--model", "portraits-adversarial"]


def result(capsys, arguments, code=0):
    capsys.readouterr()
    assert run([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def size(path):
    with Image.open(path) as image:
        return image.size


def test_interpolate(tmp_path, capsys):
    strip, moving = tmp_path / "strip.png", tmp_path / "hair.gif"
    found = result(capsys, ["interpolate", *MODEL, "--keys", "2", "--frames", "3", "--out", str(strip)])
    assert found["results"] == [{"file": str(strip), "frames": 3, "regions": "all", "seed": 0}]
    assert size(strip) == (3 * 66 - 2, 64)
    assert run(["interpolate", *MODEL, "--regions", "hair", "--frames", "4", "--out", str(moving)]) == 0
    with Image.open(moving) as image:
        assert image.n_frames == 4


def test_interpolate_between_files(tmp_path, capsys):
    assert run(["sample", *MODEL, "--count", "2", "--out", str(tmp_path)]) == 0
    files = sorted(str(path) for path in tmp_path.glob("*.safetensors"))
    found = result(capsys, ["interpolate", *files, *MODEL, "--frames", "3", "--out", str(tmp_path / "x.png")])
    assert found["results"][0]["seed"] is None


def test_components_mix_and_compose(tmp_path, capsys):
    for command, name in (("components", "c.png"), ("mix", "m.png")):
        found = result(capsys, [command, *MODEL, "--out", str(tmp_path / name)])
        assert found["results"][0]["file"] == str(tmp_path / name)
    assert size(tmp_path / "c.png") == (13 * 66 - 2, 2 * 66 - 2) and size(tmp_path / "m.png") == (
        10 * 66 - 2,
        5 * 66 - 2,
    )
    command = ["compose", "docs/portrait.png", *MODEL, "--steps", "3", "--at", "0.1,0,0.7", "--scale", "2"]
    found = result(capsys, [*command, "--out", str(tmp_path / "x.png")])
    assert found["results"][0]["places"] == [{"right": 0.1, "down": 0.0, "zoom": 0.7}]
    assert size(tmp_path / "x.png") == (3 * 130 - 2, 128)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mix", *MODEL, "--regions", "hiar"], "did you mean 'hair'"),
        (["interpolate", *MODEL, "--out", "x.avi"], ".mp4, .gif"),
        (["compose", "docs/portrait.png", *MODEL, "--at", "left"], "RIGHT,DOWN"),
        (["compose", "nothing.png", *MODEL], "no such file"),
        (["components", "nothing.safetensors", *MODEL], "no such file"),
        (["data", "prepare", "ffhq", ".", "--out", "x"], "celebamask"),
        (["data", "scan", "nothing"], "no such folder"),
        (["adapt"], "name the pictures to adapt to"),
        (["adapt", "--style", "cel", "--freeze-local", "some"], "freeze_local"),
        (["train", "portraits-tiny", "--data", "nothing"], "no such folder"),
        (["train", "portraits-tiny", "--set", "batch=12", "--set", "accumulate=5"], "cannot be dealt out"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(arguments, words, tmp_path, capsys, monkeypatch, request):
    monkeypatch.chdir(request.config.rootpath)
    if arguments[0] in ("train", "adapt"):
        arguments = [*arguments, "--out", str(tmp_path / "run")]
    capsys.readouterr()
    assert run(arguments) == 2
    err = capsys.readouterr().err.strip()
    assert len(err.splitlines()) == 1 and words in err, err


def test_prepare_and_scan_celebamask(raw, tmp_path, capsys):  # noqa: F811
    found = result(capsys, ["data", "prepare", "celebamask", str(raw), "--out", str(tmp_path / "out")])
    assert found["results"][0]["train"] == 4 and found["results"][0]["unlabelled"] == [1, 10]
    found = result(capsys, ["data", "scan", str(tmp_path / "out"), "--size", "512"])
    assert found["failed"] == [] and found["results"][0]["pictures"] == 4
    assert found["results"][0]["area"]["skin"] > 0.3 and found["results"][0]["sizes"] == {"1024x1024": 4}


def test_a_scan_with_bad_files_exits_with_1(folder, capsys):  # noqa: F811
    Image.fromarray(np.full((20, 20), 44, np.uint8)).save(folder / "labels" / "5.png")
    found = result(capsys, ["data", "scan", str(folder)], code=1)
    assert len(found["failed"]) == 1 and "label 44" in found["failed"][0]["error"]
    assert run(["data", "scan", str(folder)]) == 1
    assert "12 pictures, 1 bad files" in capsys.readouterr().out


def test_adapt_a_shipped_model_and_pack_it(tmp_path, capsys):
    out = tmp_path / "run"
    small = ["--set", f"discriminator.channels={json.dumps(dict.fromkeys((4, 8, 16, 32, 64), 8))}"]
    options = [*small, "--set", "batch=2", "--set", "data.pool=16", "--set", "metric_samples=0", "--images", "4"]
    found = result(capsys, ["adapt", "--model", "portraits-adversarial", "--style", "cel", "--out", str(out), *options])
    assert found["results"][0]["steps"] == 2
    assert run(["models", "pack", str(out), "--out", str(tmp_path / "cel")]) == 0
    assert {path.name for path in (tmp_path / "cel").glob("[!.]*")} == {
        "README.md", "card.json", "generator.safetensors", "discriminator.safetensors"
    }  # fmt: skip


def test_train_on_a_folder_with_a_label_map(folder, label_maps_read, tmp_path, capsys):  # noqa: F811
    """The networks get the map's regions; nothing else has to be said."""
    labels = ", ".join(f"{i}: {'person' if i else 'background'}" for i in range(13))
    (tmp_path / "map.yaml").write_text(f"regions: [background, person]\nlabels: {{{labels}}}\n")
    command = ["train", "portraits-tiny", "--data", str(folder), "--label-map", str(tmp_path / "map.yaml")]
    out = tmp_path / "run"
    found = result(capsys, [*command, "--images", "8", "--set", "metric_samples=0", "--out", str(out)])
    assert found["results"][0]["steps"] == 1
    assert load_generator(out / "generator.safetensors").regions.names == ("background", "person")
    assert label_maps_read == [str(tmp_path / "map.yaml")]  # once, by the command


def test_a_generator_of_whole_bodies(tmp_path, capsys):
    """The label map of DeepFashion's parsing, on pictures made here: all of its labels are read, its regions learnt."""
    random = np.random.default_rng(0)
    for index in range(8):
        labels = np.kron(random.permutation(24)[:16].reshape(4, 4), np.ones((8, 8))).astype(np.uint8)
        for name, values in (("images", np.stack([labels * 10] * 3, axis=2)), ("labels", labels)):
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(values).save(tmp_path / name / f"{index}.png")
    data = ["--data", str(tmp_path), "--label-map", str(Path(__file__).parents[2] / "docs" / "deepfashion.yaml")]
    assert run(["train", "deepfashion-256", *data, "--dry-run"]) == 0
    config = json.loads(capsys.readouterr().out)
    assert (config["generator"]["regions"], config["data"]["path"]) == (10, str(tmp_path))
    out = tmp_path / "run"
    result(capsys, ["train", "portraits-tiny", *data, "--images", "8", "--set", "metric_samples=0", "--out", str(out)])
    assert load_generator(out / "generator.safetensors").regions.names[2:5] == ("face", "hair", "top")
