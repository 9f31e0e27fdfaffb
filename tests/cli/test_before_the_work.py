"""What a long command would find out at its end, it finds out before it begins; what it would ignore, it refuses."""

import importlib

import pytest

import directions
import encoders
from benchmarks import bases, fidelity, locality, reconstruction, transfers
from benchmarks.speed import timing
from semedit.cli.main import run
from semedit.domains.portraits.fitting import attributes, clip, features, identity
from tests.cli.conftest import refuse


@pytest.fixture(autouse=True)
def idle(monkeypatch):
    """Nothing is drawn, labelled or trained, once the commands have read their defaults."""
    for module in ("editors", "domain", "encoder"):
        importlib.import_module(f"semedit.cli.fit.{module}")

    def work(*_, **__):
        raise AssertionError("the work has begun")

    for module, name in (
        (directions, "label_samples"), (directions, "learn_directions"), (directions, "learn_flow"),
        (directions, "true_labels"), (attributes, "fit_attributes"), (features, "fit_features"), (clip, "fit_clip"),
        (identity, "fit_identity"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, work)


@pytest.mark.parametrize("command", ["directions", "flow", "clip", "features", "attributes"])
def test_a_file_that_cannot_be_written_is_named(command, tmp_path, capsys):
    mine = tmp_path / "mine.safetensors"
    mine.write_text("mine")
    refuse(capsys, ["fit", command, "--out", str(tmp_path / "photo.png")], "photo.png", "ends in .safetensors")
    refuse(capsys, ["fit", command, "--out", str(mine)], "mine.safetensors", "--overwrite")
    assert mine.read_text() == "mine" and not (tmp_path / "photo.png").exists()


@pytest.mark.parametrize("command", ["directions", "flow"])
@pytest.mark.parametrize("truth", [[], ["--truth"]])
def test_an_attribute_that_nothing_scores_is_named(command, truth, capsys):
    refuse(capsys, ["fit", command, "--attributes", "smlie", *truth], "smlie", "did you mean 'smile'")


def test_an_encoder_learns_from_the_pictures_that_are_given(tmp_path, capsys, monkeypatch):
    """And not from the recipe's lessons instead of them."""
    seen = []
    monkeypatch.setattr(encoders.training, "train_encoder", lambda config, *_, **__: seen.append(config))
    out = ["--out", str(tmp_path / "run"), "--no-install", "--model", "portraits-adversarial"]
    refuse(capsys, ["fit", "encoder", "--data", "here", "--set", "lessons.count=9", *out], "lessons")
    for data in ([], ["--data", "here"]):
        assert run(["fit", "encoder", *data, *out]) == 0
    assert seen[0].lessons is not None and not seen[0].data.path
    assert seen[1].lessons is None and seen[1].data.path == "here" and not seen[1].code_weight


@pytest.mark.parametrize("arguments, words", [
    (["editing", "--method", "interfacegun"], "did you mean 'interfacegan'"),
    (["editing", "--attr", "smlie"], "did you mean 'smile'"),
    (["editing", "--data", "nowhere"], "nowhere: no such file"),
    (["editing", "--out", "mine.json"], "--overwrite"),
    (["reconstruction", "--data", "nowhere"], "nowhere: no such file"),
    (["reconstruction", "--out", "mine.json"], "--overwrite"),
    (["fidelity", "--out", "mine.json"], "--overwrite"),
    (["locality", "--out", "mine.json"], "--overwrite"),
    (["locality", "--psi", "nan"], "--psi is a finite number"),
    (["speed", "--precision", "fp8"], "choose from: bf16, fp32"),
    (["speed", "--out", "mine.json"], "--overwrite"),
    (["transfers", "--out", "mine.json"], "--overwrite"),
])  # fmt: skip
def test_a_benchmark_measures_nothing_that_it_could_not_tell(arguments, words, tmp_path, capsys, monkeypatch):
    def work(*_, **__):
        raise AssertionError("the work has begun")

    for module, name in (
        (bases, "base_codes"), (reconstruction, "reconstruction"), (fidelity, "fidelity"), (locality, "locality"),
        (timing, "matrix_peak"), (transfers, "curves"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, work)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.json").write_text("mine")
    refuse(capsys, ["bench", *arguments], words)
    assert (tmp_path / "mine.json").read_text() == "mine"
