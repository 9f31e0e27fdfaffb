"""What is read from a file is checked in one place: sound, finite, what was written; or it is one named error."""

import json
import os
from dataclasses import dataclass

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from semedit.checkpoints import zoo
from semedit.checkpoints.native import save_generator
from semedit.errors import CheckpointError, ConfigError, LatentError, OutputError
from semedit.latents.latent import Latent
from semedit.storage.content import check_file, parse_object, read_text, reading, shaped
from semedit.storage.pickled import read_pickle
from semedit.storage.tensors import digest, read_tensors, write_tensors
from semedit.storage.weights import Weights, load_weights, opened, save_weights


@dataclass(frozen=True)
class Facts:
    share: float


NET = nn.Linear(3, 2)


def flipped(path, at: int) -> None:
    """One bit of a file turned, ``at`` bytes before its end."""
    content = bytearray(path.read_bytes())
    content[-at] ^= 4
    path.write_bytes(bytes(content))


def test_what_was_written_is_read(tmp_path):
    path, tensors = tmp_path / "a.safetensors", {"x": torch.arange(6.0).view(2, 3), "n": torch.tensor([1, 2])}
    write_tensors(path, {"format": "f", "list": [1, None]}, tensors)
    stored = read_tensors(path, "a file")
    assert stored.header == {"format": "f", "list": [1, None]}
    assert all(torch.equal(stored.tensors[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize("at", [1, 4, 20])
def test_a_turned_bit_is_found(tmp_path, at):
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"format": "f"}, {"x": torch.arange(6.0)})
    flipped(path, at)
    with pytest.raises(CheckpointError, match=r"a\.safetensors: .*(digest|NaN)"):
        read_tensors(path, "a file")


def test_a_header_belongs_to_its_digest():
    assert digest({"a": 1}, {}) != digest({"a": 2}, {})
    assert digest({}, {"x": torch.zeros(2)}) != digest({}, {"x": torch.zeros(1, 2)})
    assert digest({}, {"x": torch.zeros(2)}) != digest({}, {"y": torch.zeros(2)})


def test_files_without_a_digest_are_read(tmp_path, small):
    """Those of earlier versions, and shipped ones."""
    path = tmp_path / "g.safetensors"
    save_generator(path, small)
    stored = read_tensors(path, "weights")
    save_file(dict(stored.tensors), path, {"semedit": json.dumps(dict(stored.header))})
    assert "digest" not in json.loads(json.dumps(dict(stored.header)))
    assert zoo.load_generator(path).fingerprint == small.fingerprint


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_no_value_is_nan_or_infinite(tmp_path, small, bad):
    """Neither on writing nor on reading; the tensor is named."""
    with pytest.raises(OutputError, match="'weight' holds NaN"):
        save_weights(tmp_path / "w.safetensors", Weights("net", {}, {"weight": torch.tensor([1.0, bad])}))
    save_generator(tmp_path / "g.safetensors", small)
    stored = read_tensors(tmp_path / "g.safetensors", "weights")
    tensors = dict(stored.tensors)
    tensors["local.bias"] = tensors["local.bias"].clone()
    tensors["local.bias"].view(-1)[0] = bad
    save_file(tensors, tmp_path / "g.safetensors", {"semedit": json.dumps(dict(stored.header))})
    with pytest.raises(CheckpointError, match=r"'local\.bias' holds NaN"):
        zoo.load_generator(tmp_path / "g.safetensors")
    torch.save({"g_ema": {"x": torch.tensor([bad])}}, tmp_path / "g.pt")
    with pytest.raises(CheckpointError, match="'x' holds NaN"):
        read_pickle(tmp_path / "g.pt")


def latent_file(path, small, data: torch.Tensor) -> None:
    small.latent(torch.zeros(1, 16)).save(path)
    header = read_tensors(path, "a latent").header
    save_file({"latent": data}, path, {"semedit": json.dumps(dict(header))})


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_floats_of_any_width_become_float32(tmp_path, small, dtype):
    latent_file(tmp_path / "l.safetensors", small, torch.ones(1, 16, dtype=dtype))
    assert Latent.load(tmp_path / "l.safetensors").data.dtype == torch.float32


@pytest.mark.parametrize(
    "data",
    [torch.ones(1, 16, dtype=torch.int64), torch.ones(1, 16, dtype=torch.bool),
     torch.ones(1, 16, dtype=torch.complex64), torch.zeros(0, 16), torch.zeros(1, 0), torch.zeros(16),
     torch.zeros(1, 3, 16), torch.zeros(1, 1, 1, 16),
     torch.full((1, 16), 1e300, dtype=torch.float64)],
    ids=lambda t: f"{t.dtype} {tuple(t.shape)}",
)  # fmt: skip
def test_a_latent_of_another_kind_or_shape_is_refused(tmp_path, small, data):
    latent_file(tmp_path / "l.safetensors", small, data)
    with pytest.raises(LatentError, match=r"l\.safetensors"):
        Latent.load(tmp_path / "l.safetensors")


def test_json_has_no_number_that_is_none():
    assert parse_object('{"a": NaN, "b": -Infinity, "c": 1e999, "d": 2.5}', "x") == {
        "a": None, "b": None, "c": None, "d": 2.5,
    }  # fmt: skip
    for text in ("[1]", "", "{", "null", "[" * 100_000, '{"a": ' + "9" * 5000 + "}", b"\xff\xfe"):
        with pytest.raises(CheckpointError, match=r"^x: holds"):
            parse_object(text, "x")


@pytest.mark.parametrize("bad", ["nan", "inf", "-inf", "1e999"])
def test_a_text_is_no_way_to_say_nan(bad):
    """Texts count as numbers where numbers are expected, at any depth, unless they mean none."""
    assert shaped(list[float], ["1.5", 2], "x") == [1.5, 2.0]
    nested = dict[str, list[Facts]], {"a": [{"share": bad}]}
    for kind, data in ((Facts, {"share": bad}), (list[float], [1.0, bad]), nested):
        with pytest.raises(CheckpointError, match=r"^x: holds NaN or infinite"):
            shaped(kind, data, "x")


def test_no_configuration_takes_nan(small):
    with pytest.raises(ConfigError, match="mapping_lr_mul"):
        small.config.replace(mapping_lr_mul=float("nan"))
    with pytest.raises(ConfigError, match="mapping_lr_mul"):
        small.config.with_overrides(["mapping_lr_mul=Infinity"])


def test_only_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path, word in (
        (tmp_path / "fifo", "pipe"), (tmp_path, "folder"), (tmp_path / "none", "no such file"), ("/dev/zero", "device"),
        (tmp_path / ("x" * 300), "too long"), (tmp_path / "a\0b", "null"),
    ):  # fmt: skip
        with pytest.raises(CheckpointError, match=word):
            check_file(path)


def test_texts_are_files_of_letters(tmp_path):
    (tmp_path / "t.txt").write_bytes("a\r\né".encode())
    assert read_text(tmp_path / "t.txt") == "a\r\né"
    (tmp_path / "t.txt").write_bytes(b"\xff\xfe")
    os.mkfifo(tmp_path / "fifo")
    for path, word in ((tmp_path / "t.txt", "damaged"), (tmp_path / "fifo", "pipe"), (tmp_path, "folder")):
        with pytest.raises(ConfigError, match=word):
            read_text(path, ConfigError)


def test_what_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    (tmp_path / "w.safetensors").write_bytes(b"x")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(CheckpointError, match="permission denied"):
        load_weights(tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    "error", [KeyError("x"), TypeError("x"), AttributeError("x"), RecursionError("x"), IndexError("x"), MemoryError()]
)
def test_content_of_another_form_is_one_named_error(error):
    with pytest.raises(LatentError, match=r"^file: "), reading("file", LatentError):
        raise error


def test_a_header_that_promises_too_much_costs_nothing():
    """Sizes are compared with the tensors before any memory is taken."""
    with pytest.raises(CheckpointError, match=r"w: .* instead of \(1000000,"):
        opened(lambda: nn.Linear(10**6, 10**6), NET.state_dict(), "w")


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "b.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 2**26)
    with pytest.raises(CheckpointError, match=r"unpacks to 0\.1 GB"):
        read_pickle(tmp_path / "b.pt")


def test_a_tensor_that_repeats_itself_is_not_spread_out(tmp_path):
    torch.save({"g_ema": {"x": torch.zeros(1).expand(10**6, 10**6)}}, tmp_path / "e.pt")
    with pytest.raises(CheckpointError, match="far more than the file holds"):
        read_pickle(tmp_path / "e.pt")


def test_verify_reads_the_digest_within_a_file(tmp_path, small):
    """Also of a file that the card does not know."""
    save_generator(tmp_path / "g.safetensors", small)
    entry = zoo.add("mine", tmp_path / "g.safetensors")
    assert zoo.verify(entry) == []
    save_generator(entry.folder / "extra.safetensors", small)
    flipped(entry.folder / "extra.safetensors", 9)
    assert len(zoo.verify(entry)) == 1 and "extra" in zoo.verify(entry)[0]


@pytest.mark.parametrize("card", ['{"generator": "../../x"}', '{"generator": 3}', '{"files": []}', "[]", "{", ""])
def test_a_broken_card_is_said_and_hides_no_other(tmp_path, small, card):
    save_generator(tmp_path / "g.safetensors", small)
    folder = zoo.add("mine", tmp_path / "g.safetensors").folder
    (folder / "card.json").write_text(card)
    assert "portraits-128" in zoo.entries() and "mine" not in zoo.entries() and list(zoo.broken()) == ["mine"]
    with pytest.raises(CheckpointError, match=r"card\.json"):
        zoo.find("mine")


def test_tensors_survive_what_others_read(tmp_path):
    """The files stay ordinary safetensors."""
    write_tensors(tmp_path / "a.safetensors", {}, {"x": torch.ones(2)})
    assert torch.equal(load_file(tmp_path / "a.safetensors")["x"], torch.ones(2))
