"""What an exported network is: torch's, for any batch, with a file that says whose it is."""

import json

import pytest
import torch
from torch import nn

from encoders import Refiner
from encoders.backbone import EncoderConfig, ResidualEncoder
from encoders.stored import StoredEncoder
from semedit.cli.main import run
from semedit.domains import domain
from semedit.editing.export import OPSET, OnnxSession, export_part, part_of
from semedit.editing.export.onnx_files import compared
from semedit.editing.export.runtime import missing_packages
from semedit.editing.model import Model
from semedit.errors import CheckpointError, MissingWeights, UnknownName
from tests.baselines.networks import random_stylegan2
from tests.cli.conftest import refuse
from tests.conftest import SMALL

absent = missing_packages()
needs_onnx = pytest.mark.skipif(bool(absent), reason=f"not installed (extra 'onnx'): {', '.join(absent)}")


@pytest.fixture(scope="module")
def model(small) -> Model:
    """A small model whose encoder has random weights."""
    torch.manual_seed(0)
    made = Model(small, domain("portraits"), "small")
    config = EncoderConfig(size=32, rows=small.layout.rows, style_dim=SMALL.style_dim, widths=(16, 16), units=(1, 1),
                           trunk="ir-se")  # fmt: skip
    encoder = ResidualEncoder(config).eval().requires_grad_(False)
    made.refiner = Refiner.of(small, StoredEncoder(encoder, small.mean_w()))
    return made


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    """Sessions of all three parts."""
    folder = tmp_path_factory.mktemp("exported")
    return {
        name: OnnxSession(export_part(model, part_of(model, name), folder / f"{name}.onnx").path)
        for name in ("generator", "mapping", "encoder")
    }


@needs_onnx
@pytest.mark.parametrize("name", ["generator", "mapping", "encoder"])
@pytest.mark.parametrize("batch", [1, 4])
def test_an_exported_part_is_torchs(model, exported, name, batch):
    part = part_of(model, name)
    arguments = part.draw(batch, 17)
    assert exported[name].inputs == part.inputs and exported[name].outputs == part.outputs
    for ours, theirs in zip(part.run(*arguments), exported[name](*arguments), strict=True):
        torch.testing.assert_close(theirs, ours, atol=1e-4, rtol=1e-4)


@needs_onnx
def test_refinement_without_torch_is_refinement(model, exported):
    """Encoder and generator in turn, from the start that the encoder's file names."""
    target = model.synthesise(model.sample(2, seed=5)).image
    facts = json.loads(exported["encoder"].metadata["facts"])
    codes = torch.tensor(facts["start_w"]).expand(2, facts["rows"], -1).contiguous()
    for _ in range(3):
        (image, _) = exported["generator"](codes)
        (codes,) = exported["encoder"](target, image, codes)
    torch.testing.assert_close(codes, model.refiner.refine(target, 3).codes[-1], atol=1e-3, rtol=1e-3)


@needs_onnx
def test_a_file_says_whose_it_is(small, exported):
    for name, session in exported.items():
        assert session.metadata["part"] == name and session.metadata["fingerprint"] == small.fingerprint
    facts = json.loads(exported["generator"].metadata["facts"])
    assert facts["regions"] == list(small.regions.names) and facts["rows"] == small.layout.rows
    torch.testing.assert_close(torch.tensor(facts["mean_w"]), small.mean_w()[0])


@needs_onnx
def test_generators_without_regions_are_exported_too(tmp_path):
    model = Model(random_stylegan2(), domain("portraits"), "plain")
    made = export_part(model, part_of(model, "generator"), tmp_path / "g.onnx")
    assert list(made.differences) == ["image"] and made.opset == OPSET


@needs_onnx
def test_a_file_that_computes_something_else_is_refused(model, tmp_path):
    """What is compared is the part with the file: another network's file does not pass."""

    class Other(nn.Module):
        def forward(self, z):
            return model.generator.mapping(z) + 1.0

    path = export_part(model, part_of(model, "mapping"), tmp_path / "m.onnx").path
    part = part_of(model, "mapping")
    with pytest.raises(CheckpointError, match="differs from torch's"):
        compared(type(part)(part.name, Other(), part.inputs, part.outputs, part.draw, {}), path)


@needs_onnx
def test_a_network_that_cannot_be_written_leaves_no_file(model, tmp_path):
    class Odd(nn.Module):
        def forward(self, z):
            return z if z.sum().item() > 0 else -z

    part = part_of(model, "mapping")
    odd = type(part)("odd", Odd(), part.inputs, part.outputs, part.draw, {})
    with pytest.raises(CheckpointError, match="odd cannot be written as ONNX"):
        export_part(model, odd, tmp_path / "odd.onnx")
    assert not list(tmp_path.glob("*.onnx"))


@needs_onnx
def test_the_command_says_what_it_measured(tmp_path, capsys):
    assert run(["models", "export", "portraits-adversarial", "--part", "mapping", "--out", str(tmp_path), "--runs", "1",
                "--json"]) == 0  # fmt: skip
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["differences"]["w"] < 1e-4 and result["opset"] == OPSET and result["speed"]["torch_seconds"] >= 0
    assert (tmp_path / "portraits-adversarial-mapping.onnx").stat().st_size == result["bytes"]


def test_parts_are_named(model, capsys, tmp_path):
    with pytest.raises(UnknownName, match="generator"):
        part_of(model, "generatr")
    with pytest.raises(MissingWeights, match="no encoder"):
        part_of(Model(model.generator, model.domain, "bare"), "encoder")


def test_missing_packages_are_said_before_any_work(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("semedit.editing.export.runtime.missing_packages", lambda: ["onnxscript"])
    refuse(capsys, ["models", "export", "portraits", "--out", str(tmp_path)], "onnxscript", "semedit[onnx]")
