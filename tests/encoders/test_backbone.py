"""The encoder's networks: golden values, shapes, folding, native and official files."""

import pytest
import torch

from encoders.backbone import GROUPED_BELOW, EncoderConfig, ResidualEncoder, StyleHeads, widen_input
from encoders.checkpoint import load_encoder, save_encoder
from encoders.official import from_official, to_official
from encoders.stored import StoredEncoder
from semedit.errors import CheckpointError, ConfigError
from semedit.networks.irse import IrSeFace, IrTrunk, IrTrunkConfig, folded_trunk
from tests.golden import fill, fill_state

SMALL = EncoderConfig(size=32, rows=5, style_dim=12, widths=(16, 32, 48), units=(1, 2, 1))


def filled(state):
    """A state dict with every learnt tensor filled by rule E, and how many those are."""
    count = sum(not key.endswith("num_batches_tracked") for key in state)
    return fill_state(state, lambda key: encoder_rule(key, state[key].shape)), count


def encoder_rule(key, shape):
    """Rule table E."""
    if key.endswith("running_var"):
        return 1.0, 0.1
    if key.endswith(("running_mean", "bias")):
        return 0.0, 0.1
    if len(shape) == 1:
        return (0.25, 0.05) if key.endswith(("input_layer.2.weight", "res_layer.2.weight")) else (1.0, 0.1)
    if key.startswith("styles.") and key.endswith("linear.weight"):
        return 0.0, 1.0
    return 0.0, 1 / (torch.Size(shape).numel() / shape[0]) ** 0.5


def random_encoder(config=SMALL):
    torch.manual_seed(0)
    encoder = ResidualEncoder(config)
    for module in encoder.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3), module.running_var.uniform_(0.5, 2)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5), torch.nn.init.normal_(module.bias, 0, 0.3)
    return encoder.eval().requires_grad_(False)


def test_encoder_golden_values():
    """IR-SE50, two heads, six channels: the values of the official code on the deterministic fill."""
    template = to_official(ResidualEncoder(EncoderConfig(rows=2)))
    state, count = filled(template)
    assert count == 353
    encoder = from_official(state, "golden")
    with torch.no_grad():
        out = encoder(fill(4000, (1, 6, 256, 256)))
    assert out.shape == (1, 2, 512)
    assert out.mean().item() == pytest.approx(-0.004425, abs=1e-4)
    assert out.std(unbiased=False).item() == pytest.approx(0.59117, abs=2e-4)
    assert out[0, 0, :4].tolist() == pytest.approx([-0.098619, -0.314132, 0.687074, 0.65985], abs=5e-4)
    assert out[0, 1, :4].tolist() == pytest.approx([0.68442, 0.501664, -0.307615, -0.310889], abs=5e-4)


def test_face_network_golden_values():
    network = IrSeFace()
    state, count = filled(network.state_dict())
    assert count == 343
    network.load_state_dict(state)
    with torch.no_grad():
        out = network.eval()(fill(4001, (1, 3, 112, 112)))
    assert out.norm().item() == pytest.approx(1, abs=1e-5)
    assert out[0, :4].tolist() == pytest.approx([0.031296, 0.025036, -0.021756, -0.055775], abs=1e-4)
    assert len(network.state_dict()) == 397


def test_entry_and_parameter_counts():
    """With 28 heads: 665 entries, 302,604,672 parameters; counted on the meta device."""
    with torch.device("meta"):
        encoder = ResidualEncoder(EncoderConfig())
    assert sum(p.numel() for p in encoder.parameters()) == 302_604_672
    assert sum(p.numel() for p in encoder.heads.parameters()) == 28 * 9_701_888
    heads = 28 * (4 * 2 + 2)
    assert len(encoder.trunk.state_dict()) + heads == 665


def test_trunk_sizes_are_the_tables():
    sizes = []
    with torch.device("meta"):
        trunk = IrTrunk(IrTrunkConfig(inputs=6))
        x = trunk.input_layer(torch.empty(1, 6, 256, 256))
        for unit in trunk.body:
            x = unit(x)
            sizes.append(tuple(x.shape[1:3]))
    assert sizes == [(64, 128)] * 3 + [(128, 64)] * 4 + [(256, 32)] * 14 + [(512, 16)] * 3


def test_all_heads_as_one_equal_each_alone():
    """The stacked heads against plain convolutions on the official layout's tensors."""
    encoder = random_encoder()
    x = torch.randn(3, 6, 32, 32)
    state = to_official(encoder)
    features = encoder.trunk(x)
    for j in range(5):
        y = features
        for i in range(2):
            w, b = state[f"styles.{j}.convs.{2 * i}.weight"], state[f"styles.{j}.convs.{2 * i}.bias"]
            y = torch.nn.functional.leaky_relu(torch.nn.functional.conv2d(y, w, b, stride=2, padding=1), 0.01)
        linear = state[f"styles.{j}.linear.weight"] / 48**0.5
        alone = torch.nn.functional.linear(y.flatten(1), linear, state[f"styles.{j}.linear.bias"])
        torch.testing.assert_close(encoder(x)[:, j], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 3])
def test_wide_heads_are_the_same_while_they_learn(rows):
    torch.manual_seed(0)
    heads, x = StyleHeads(rows, GROUPED_BELOW, 8, 4), torch.randn(2, GROUPED_BELOW, 4, 4)
    for form in (torch.contiguous_format, torch.channels_last):
        heads, x = heads.to(memory_format=form), x.to(memory_format=form)
        with torch.no_grad():
            still = heads(x)
        learning = heads(x)
        assert still.shape == (2, rows, 8) and learning.requires_grad
        torch.testing.assert_close(still, learning, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("trunk", ["ir-se", "resnet34"])
def test_folding_changes_no_value(trunk):
    config = SMALL if trunk == "ir-se" else EncoderConfig(trunk="resnet34", size=32, rows=2, style_dim=8)
    encoder = random_encoder(config)
    x = torch.randn(2, 6, 32, 32)
    folded = encoder.for_inference()
    torch.testing.assert_close(folded(x), encoder(x), rtol=1e-3, atol=1e-4)
    norms = [sum(isinstance(m, torch.nn.BatchNorm2d) for m in e.modules()) for e in (folded, encoder)]
    assert norms[0] < norms[1]
    assert isinstance(folded_trunk(encoder.trunk), torch.nn.Module)


@pytest.mark.parametrize("trunk", ["ir-se", "resnet34"])
def test_official_files_open_by_path(tmp_path, trunk):
    config = SMALL if trunk == "ir-se" else EncoderConfig(trunk="resnet34", size=32, rows=2, style_dim=8)
    encoder = random_encoder(config)
    state = {f"encoder.{key}": value for key, value in to_official(encoder).items()}
    average, x = torch.randn(config.rows, config.style_dim), torch.randn(1, 6, 32, 32)
    torch.save({"state_dict": {**state, "decoder.style.1.bias": torch.zeros(3)}, "latent_avg": average,
                "opts": {"n_iters_per_batch": 5}}, tmp_path / "restyle.pt")  # fmt: skip
    torch.save({**state, "latent_avg": average[0]}, tmp_path / "flat.pt")
    for name in ("restyle.pt", "flat.pt"):
        stored = load_encoder(tmp_path / name)
        assert stored.encoder.config == config.replace(enlarging="pool")  # as released
        assert torch.equal(stored.latent_avg, average[:1])
        assert torch.equal(stored.encoder(x), encoder(x))


def test_native_files_keep_everything(tmp_path):
    encoder = random_encoder()
    save_encoder(tmp_path / "e.safetensors", StoredEncoder(encoder, torch.ones(1, 12), "abc", {"seed": 1}))
    stored = load_encoder(tmp_path / "e.safetensors")
    x = torch.randn(1, 6, 32, 32)
    assert torch.equal(stored.encoder(x), encoder(x)) and stored.fingerprint == "abc" and stored.card == {"seed": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("latent_avg"), "'latent_avg' is missing"),
        (lambda c: c.update(latent_avg=torch.zeros(1, 7)), "width 7 instead of 12"),
        (lambda c: c["state_dict"].pop("encoder.styles.1.convs.0.bias"), r"'styles\.1\.convs\.0\.bias' is missing"),
        (lambda c: c["state_dict"].pop("encoder.body.0.res_layer.0.weight"), "does not fit the network"),
        (lambda c: c["state_dict"].update({"encoder.styles.0.convs.9.bias": torch.zeros(1)}), "no such encoder has"),
        (lambda c: c.update(state_dict={"decoder.x": torch.zeros(1)}), "no encoder in it"),
        (lambda c: c.update(state_dict={"encoder.x": torch.zeros(1)}), "no ReStyle-pSp encoder"),
    ],
)
def test_files_that_do_not_fit_are_named(tmp_path, change, message):
    state = {f"encoder.{key}": value for key, value in to_official(random_encoder()).items()}
    content = {"state_dict": state, "latent_avg": torch.zeros(1, 12)}
    change(content)
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match=message):
        load_encoder(tmp_path / "x.pt")


def test_a_face_network_file_loads_strictly(tmp_path):
    network = IrSeFace().eval()
    torch.save(network.state_dict(), tmp_path / "model_ir_se50.pth")
    x = torch.randn(1, 3, 112, 112)
    assert torch.equal(IrSeFace.load(tmp_path / "model_ir_se50.pth")(x), network.requires_grad_(False)(x))
    state = dict(network.state_dict())
    state.pop("body.3.shortcut_layer.1.bias")
    torch.save(state, tmp_path / "broken.pth")
    with pytest.raises(CheckpointError, match=r"body\.3\.shortcut_layer\.1\.bias"):
        IrSeFace.load(tmp_path / "broken.pth")
    (tmp_path / "text.pth").write_text("no")
    with pytest.raises(CheckpointError, match="not a torch checkpoint"):
        IrSeFace.load(tmp_path / "text.pth")


def test_a_widened_trunk_sees_colours_as_before():
    torch.manual_seed(0)
    narrow, wide = (IrTrunk(IrTrunkConfig(inputs=n, widths=(16, 32), units=(1, 1))).eval() for n in (3, 6))
    widen_input(wide, narrow.input_layer[0].weight)
    x = torch.randn(1, 3, 16, 16)
    first = wide.input_layer[0](torch.cat([x, torch.zeros_like(x)], 1))
    torch.testing.assert_close(first, narrow.input_layer[0](x), rtol=1e-4, atol=1e-5)
    assert wide.input_layer[0].weight[:, 3:].std().item() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("size", [48, 100, 16])
def test_sizes_that_leave_no_map_are_refused(size):
    with pytest.raises(ConfigError):
        EncoderConfig(size=size, widths=(16, 32, 64, 128), units=(1, 1, 1, 1))
