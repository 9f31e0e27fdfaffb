"""Official checkpoints open through one adapter, both ways, and never run code."""

import argparse
import os
import pickle

import pytest
import torch

from semedit.checkpoints.native import save_generator
from semedit.checkpoints.official import (
    discriminator_entries,
    generator_entries,
    load_official_discriminator,
    official_args,
    save_official,
    to_official,
)
from semedit.checkpoints.zoo import load_generator
from semedit.errors import CheckpointError
from semedit.networks.discriminator import DiscriminatorConfig, DualDiscriminator
from semedit.storage.pickled import read_pickle


@pytest.fixture
def official(tmp_path, small):
    """A training checkpoint as the official scripts write it: networks, optimisers, a Namespace of arguments."""
    state = to_official(generator_entries(small.config), small.state_dict())
    args = official_args(small.config)
    vars(args).update(dataset="x.lmdb", lr=0.002, batch=4, local_rank=0, distributed=False)
    path = tmp_path / "000100.pt"
    torch.save({"g": state, "g_ema": state, "g_optim": {}, "d_optim": {}, "args": args}, path)
    return path


def test_an_official_file_gives_the_same_picture_as_its_native_conversion(official, small, tmp_path):
    opened = load_generator(official)
    for target in (tmp_path / "native.safetensors", tmp_path / "folder"):
        save_generator(target, opened)
        native = load_generator(target)
        w = torch.randn(2, 16)
        assert torch.equal(opened(w).image, native(w).image) and torch.equal(opened(w).image, small(w).image)
        assert opened.fingerprint == native.fingerprint == small.fingerprint


def test_native_goes_back_to_official(small, tmp_path):
    save_official(tmp_path / "out.pt", small)
    content = torch.load(tmp_path / "out.pt", weights_only=False)
    assert isinstance(content["args"], argparse.Namespace) and content["args"].size == 32
    kernel = content["g_ema"]["local_nets.1.to_depth.upsample.kernel"]
    assert kernel.shape == (4, 4) and kernel.sum().item() == pytest.approx(4.0)
    assert load_generator(tmp_path / "out.pt").fingerprint == small.fingerprint


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (self.path,))


def test_a_payload_is_refused_and_not_run(official, tmp_path):
    content = torch.load(official, weights_only=False)
    content["extra"] = Payload(str(tmp_path / "ran"))
    torch.save(content, tmp_path / "evil.pt")
    with pytest.raises(CheckpointError, match="nothing in it was run"):
        load_generator(tmp_path / "evil.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Payload(str(tmp_path / "ran"))))
    with pytest.raises(CheckpointError):
        load_generator(tmp_path / "plain.pt")
    assert not (tmp_path / "ran").exists()


def edited(official, tmp_path, change):
    content = torch.load(official, weights_only=False)
    change(content)
    torch.save(content, tmp_path / "changed.pt")
    return tmp_path / "changed.pt"


@pytest.mark.parametrize("change, message", [
    (lambda c: setattr(c["args"], "size", 64), "args.size is 64, but the tensors say 32"),
    (lambda c: delattr(c["args"], "depth_layers"), "args.depth_layers is missing"),
    (lambda c: c["g_ema"].pop("local_nets.2.to_feat.bias"), "'local_nets.2.to_feat.bias' is missing"),
    (lambda c: c["g_ema"].update({"what.is.this": torch.zeros(1)}), "such as 'what.is.this'"),
    (lambda c: c["g_ema"].update({"style.2.bias": torch.zeros(3)}), r"'style.2.bias' is \(3,\) instead of \(16,\)"),
    (lambda c: c["g_ema"].update({"pos_embed.weights": torch.zeros(8, 26, 1, 1)}), "no 32 px generator"),
    (lambda c: c.pop("args"), "holds 'g_ema' and 'args'; this one holds: d_optim, g"),
])  # fmt: skip
def test_the_wrong_field_is_named(official, tmp_path, change, message):
    with pytest.raises(CheckpointError, match=message):
        load_generator(edited(official, tmp_path, change))


def test_corrupt_files_are_named(tmp_path):
    for name in ("a.pt", "b.safetensors"):
        (tmp_path / name).write_bytes(b"<html>404</html>" * 10)
        with pytest.raises(CheckpointError, match=name):
            load_generator(tmp_path / name)
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(CheckpointError, match="holds a list"):
        read_pickle(tmp_path / "list.pt")


def test_the_discriminator_opens_too(tmp_path):
    network = DualDiscriminator(DiscriminatorConfig(size=8, regions=3))
    state = to_official(discriminator_entries(network.config), network.state_dict())
    torch.save({"d": state, "args": argparse.Namespace(size=8, seg_dim=3)}, tmp_path / "d.pt")
    opened = load_official_discriminator(tmp_path / "d.pt")
    image, mask = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8)
    assert torch.equal(network(image, mask), opened(image, mask))
