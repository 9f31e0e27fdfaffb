"""StyleGAN2 files: the common PyTorch layout in both directions, native ones, and what is refused."""

import argparse
import os
import pickle

import pytest
import torch

from baselines.stylegan2 import (
    StyleGAN2Config,
    StyleGAN2Discriminator,
    StyleGAN2DiscriminatorConfig,
    StyleGAN2Generator,
    load_discriminator,
    load_generator,
    save_generator,
    to_official,
)
from baselines.stylegan2.official import discriminator_entries
from semedit.checkpoints import official as core
from semedit.editing.generators import load_generator as open_generator
from semedit.errors import CheckpointError
from tests.baselines.networks import SMALL, random_codes, random_stylegan2


def layout(size: int) -> dict[str, tuple[int, ...]]:
    """Keys and shapes of an official generator of 512 channels, written out."""
    keys = {"input.input": (1, 512, 4, 4)}
    for i in range(1, 9):
        keys |= {f"style.{i}.weight": (512, 512), f"style.{i}.bias": (512,)}
    blocks = size.bit_length() - 3
    for name in ["conv1", *(f"convs.{i}" for i in range(2 * blocks))]:
        keys |= {f"{name}.conv.weight": (1, 512, 512, 3, 3), f"{name}.conv.modulation.weight": (512, 512),
                 f"{name}.conv.modulation.bias": (512,), f"{name}.noise.weight": (1,),
                 f"{name}.activate.bias": (512,)}  # fmt: skip
    for i in range(0, 2 * blocks, 2):
        keys[f"convs.{i}.conv.blur.kernel"] = (4, 4)
    for name in ["to_rgb1", *(f"to_rgbs.{i}" for i in range(blocks))]:
        keys |= {f"{name}.bias": (1, 3, 1, 1), f"{name}.conv.weight": (1, 3, 512, 1, 1),
                 f"{name}.conv.modulation.weight": (512, 512), f"{name}.conv.modulation.bias": (512,)}  # fmt: skip
    for i in range(blocks):
        keys[f"to_rgbs.{i}.upsample.kernel"] = (4, 4)
    for i in range(2 * blocks + 1):
        side = 4 * 2 ** ((i + 1) // 2)
        keys[f"noises.noise_{i}"] = (1, 1, side, side)
    return keys


def test_the_official_layout_is_written_out_in_full():
    torch.manual_seed(0)
    state = to_official(StyleGAN2Generator(StyleGAN2Config(size=16)))
    assert {key: tuple(tensor.shape) for key, tensor in state.items()} == layout(16)
    assert all(state[key].sum().item() == pytest.approx(4.0) for key in state if key.endswith("kernel"))


@pytest.fixture
def checkpoint(tmp_path, stylegan2):
    """A training checkpoint whose arguments tell lies about the sizes."""
    state = to_official(stylegan2)
    path = tmp_path / "550000.pt"
    args = argparse.Namespace(size=1024, latent=512, n_mlp=8, channel_multiplier=2, path="x.lmdb")
    content = {"g": state, "g_ema": state, "d": {}, "g_optim": {}, "args": args, "latent_avg": torch.arange(16.0)}
    torch.save(content, path)
    return path


def test_a_file_gives_its_generator_back_bit_for_bit(checkpoint, stylegan2):
    opened = load_generator(checkpoint)
    assert opened.config == SMALL and not opened.training and opened.fingerprint == stylegan2.fingerprint
    assert torch.equal(opened.latent_avg, torch.arange(16.0)[None]) and stylegan2.latent_avg is None
    assert not any(parameter.requires_grad for parameter in opened.parameters())
    codes = random_codes(stylegan2, 2)
    assert torch.equal(opened(codes).image, stylegan2(codes).image)
    back, wanted = to_official(opened), torch.load(checkpoint, weights_only=False)["g_ema"]
    assert back.keys() == wanted.keys() and all(torch.equal(back[key], wanted[key]) for key in wanted)


@pytest.mark.parametrize("name", ["native.safetensors", "folder"])
def test_native_files_keep_everything(checkpoint, tmp_path, name):
    opened = load_generator(checkpoint)
    opened.lineage = ("older",)
    save_generator(tmp_path / name, opened)
    native = load_generator(tmp_path / name)
    assert native.fingerprint == opened.fingerprint and native.lineage == ("older",)
    assert torch.equal(native.latent_avg, opened.latent_avg) and native.config == opened.config
    with pytest.raises(CheckpointError, match="holds a stylegan2, not a generator"):
        from semedit.checkpoints.zoo import load_generator as load_semantic

        load_semantic(tmp_path / name)


@pytest.mark.parametrize("config", [
    StyleGAN2Config(size=8, style_dim=8, mapping_layers=3, channels={4: 4, 8: 2}),
    StyleGAN2Config(size=4, style_dim=4, mapping_layers=0, channels={4: 3}),
    StyleGAN2Config(size=64, style_dim=8, mapping_layers=1, channel_multiplier=1, channels={4: 4, 8: 4, 16: 4, 32: 4}),
])  # fmt: skip
def test_sizes_come_from_the_tensors(config, tmp_path):
    made = random_stylegan2(config)
    torch.save({"g_ema": to_official(made)}, tmp_path / "any.pt")
    opened = load_generator(tmp_path / "any.pt")
    assert opened.config == config and opened.fingerprint == made.fingerprint and opened.latent_avg is None


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (self.path,))


def test_code_is_refused_and_not_run(checkpoint, tmp_path):
    content = torch.load(checkpoint, weights_only=False)
    torch.save({**content, "extra": Payload(str(tmp_path / "ran"))}, tmp_path / "evil.pt")
    (tmp_path / "ffhq.pkl").write_bytes(pickle.dumps(Payload(str(tmp_path / "ran"))))
    for path, message in (("evil.pt", "nothing in it was run"), ("ffhq.pkl", "is a program, not data.*convert it")):
        with pytest.raises(CheckpointError, match=message) as raised:
            load_generator(tmp_path / path)
        assert "\n" not in str(raised.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("change, message", [
    (lambda c: c.pop("g_ema"), "holds 'g_ema'; this one holds: args, d, g, g_optim"),
    (lambda c: c["g_ema"].pop("to_rgbs.1.bias"), "'to_rgbs.1.bias' is missing"),
    (lambda c: c["g_ema"].pop("conv1.conv.modulation.weight"), "no StyleGAN2 generator"),
    (lambda c: c["g_ema"].update({"surplus": torch.zeros(1)}), "such as 'surplus'"),
    (lambda c: c["g_ema"].update({"style.1.bias": torch.zeros(3)}), r"'style.1.bias' is \(3,\) instead of \(16,\)"),
    (lambda c: c["g_ema"].update({"to_rgb1.conv.weight": torch.zeros(3, 16, 1, 1)}), "heads are not modulated"),
    (lambda c: c["g_ema"]["convs.0.conv.blur.kernel"].fill_(1 / 16), "'convs.0.conv.blur.kernel' is another filter"),
    (lambda c: c.update(latent_avg=torch.zeros(9)), r"'latent_avg' is \(9,\) instead of \(16,\)"),
])  # fmt: skip
def test_the_wrong_field_is_named(checkpoint, tmp_path, change, message):
    content = torch.load(checkpoint, weights_only=False)
    content["g_ema"] = {key: tensor.clone() for key, tensor in content["g_ema"].items()}
    change(content)
    torch.save(content, tmp_path / "changed.pt")
    with pytest.raises(CheckpointError, match=message):
        load_generator(tmp_path / "changed.pt")


@pytest.mark.parametrize("content", [{"g_ema": 7}, {"g_ema": []}, {"g_ema": {"input.input": 3}}, {"g_ema": {}}, {}])
def test_a_file_whose_kind_is_asked_for_may_hold_anything(tmp_path, content):
    torch.save(content, tmp_path / "g.pt")
    with pytest.raises(CheckpointError, match=r"g\.pt"):
        open_generator(tmp_path / "g.pt")


def test_missing_and_corrupt_files_are_named(tmp_path):
    with pytest.raises(CheckpointError, match="no such file"):
        load_generator(tmp_path / "absent.pt")
    (tmp_path / "page.pt").write_bytes(b"<html>404</html>" * 10)
    with pytest.raises(CheckpointError, match=r"page\.pt"):
        load_generator(tmp_path / "page.pt")


def test_discriminators_open_at_any_size_and_width(tmp_path):
    config = StyleGAN2DiscriminatorConfig(size=16, channels={4: 8, 8: 6, 16: 4})
    torch.manual_seed(0)
    made = StyleGAN2Discriminator(config)
    state = core.to_official(discriminator_entries(config), made.state_dict())
    keys = {"convs.0.0.weight", "convs.0.1.bias", "final_conv.0.weight", "final_conv.1.bias"}
    keys |= {f"final_linear.{i}.{part}" for i in (0, 1) for part in ("weight", "bias")}
    parts = ("conv1.0.weight", "conv1.1.bias", "conv2.0.kernel", "conv2.1.weight", "conv2.2.bias", "skip.0.kernel",
             "skip.1.weight")  # fmt: skip
    assert state.keys() == keys | {f"convs.{b}.{part}" for b in (1, 2) for part in parts}
    torch.save({"g_ema": {}, "d": state}, tmp_path / "d.pt")
    opened = load_discriminator(tmp_path / "d.pt")
    images = torch.randn(4, 3, 16, 16)
    assert opened.config == config and torch.equal(opened(images), made(images))
    torch.save({"d": {**state, "extra": torch.zeros(1)}}, tmp_path / "extra.pt")
    with pytest.raises(CheckpointError, match="such as 'extra'"):
        load_discriminator(tmp_path / "extra.pt")
    torch.save({"g_ema": state}, tmp_path / "none.pt")
    with pytest.raises(CheckpointError, match="holds 'd'"):
        load_discriminator(tmp_path / "none.pt")
