"""What others may rely on of the baselines: names, arguments by position and by name, shapes, types."""

import inspect

import pytest
import torch

from baselines import editing_in_style, stylefusion, stylegan2
from baselines.editing_in_style import Catalogue, SphericalKMeans
from baselines.stylefusion import FusionConfig, FusionNet, Hierarchy
from baselines.stylegan2 import StyleCode, StyleGAN2Config, StyleGAN2Generator
from semedit.errors import ConfigError, LatentError, SemeditError, UnknownName
from semedit.latents.latent import Latent
from tests.baselines.networks import random_codes, random_stylegan2

#: Call -> the names of its first arguments, in their order.
SIGNATURES = [
    (stylegan2.load_generator, ["path"]),
    (stylegan2.load_discriminator, ["path"]),
    (stylegan2.save_generator, ["path", "generator"]),
    (stylegan2.to_official, ["generator"]),
    (StyleGAN2Generator.__init__, ["self", "config"]),
    (StyleGAN2Generator.forward, ["self", "latent", "noise"]),
    (StyleGAN2Generator.mix, ["self", "first", "second", "crossover"]),
    (StyleGAN2Generator.styles, ["self", "latent", "official_rgb_rows"]),
    (StyleGAN2Generator.mean_w, ["self", "samples", "seed"]),
    (StyleCode.from_flat, ["flat", "conv_widths", "rgb_widths"]),
    (StyleCode.from_interleaved, ["entries"]),
    (stylefusion.load_fusion_net, ["path"]),
    (stylefusion.to_official, ["net"]),
    (FusionNet.forward, ["self", "first", "second", "own"]),
    (stylefusion.LatentBlender.forward, ["self", "a", "b", "layer", "rgb", "extra"]),
    (stylefusion.LatentBlender.gate, ["self", "a", "b", "layer", "rgb", "extra"]),
    (Hierarchy.of, ["domain", "nets"]),
    (Hierarchy.load, ["domain", "weights_json"]),
    (Hierarchy.fuse, ["self", "codes", "root"]),
    (Hierarchy.assign, ["self", "base", "parts"]),
    (SphericalKMeans.__init__, ["self", "clusters", "init", "restarts", "seed"]),
    (Catalogue.__init__, ["self", "centroids", "annotations", "contributions"]),
    (Catalogue.memberships, ["self", "activations", "size", "resize"]),
    (Catalogue.query, ["self", "label", "layer", "rho", "epsilon"]),
    (editing_in_style.contributions, ["features", "memberships", "resize", "normalise"]),
    (editing_in_style.resize_maps, ["maps", "size", "mode"]),
    (editing_in_style.sequential, ["contributions", "rho", "epsilon"]),
    (editing_in_style.simultaneous, ["contributions", "strength"]),
    (editing_in_style.interpolate, ["target", "reference", "query", "bias"]),
]


@pytest.mark.parametrize("call, wanted", SIGNATURES, ids=lambda x: getattr(x, "__qualname__", ""))
def test_calls_take_what_was_agreed(call, wanted):
    names = [name for name in inspect.signature(call).parameters if name != "cls"]
    assert names[: len(wanted)] == wanted


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_generator_in_all_its_spaces(dtype):
    generator = random_stylegan2().to(dtype)
    config, rows = generator.config, 2 * 5 - 2  # 32 px
    w = generator.mapping(torch.randn(3, 16, dtype=dtype))
    assert w.shape == (3, 16) and generator.layout.rows == rows == config.rows and not generator.layout.regions
    assert generator.mean_w(8, 0).shape == (1, 16) and generator.device == w.device
    code = generator.styles(w)
    assert len(code.conv) == 2 * 5 - 3 and len(code.rgb) == 5 - 1 and len(code) == 3 and len(code[:2]) == 2
    wplus = generator.mix(w, w.flip(0), 3)
    assert wplus.shape == (3, rows, 16)
    for latent in (w, wplus, code, generator.latent(w), generator.latent(wplus), generator.latent(code)):
        image = generator(latent, noise="const").image
        assert image.shape == (3, 3, 32, 32) and image.dtype == dtype
        assert torch.equal(image, generator(latent).image)
    truncated = generator.latent(w).truncate(generator.mean_w(8, 0), 0.5)
    assert isinstance(truncated, Latent) and len(truncated) == 3
    flat = code.flat()
    assert flat.shape == (3, sum(config.conv_widths) + sum(config.rgb_widths))
    again = StyleCode.from_flat(flat, config.conv_widths, config.rgb_widths)
    assert torch.equal(again.flat(), flat)
    entries = code.interleaved()
    assert [e.shape[1] for e in entries[:5]] == [
        config.conv_widths[0], config.rgb_widths[0], config.conv_widths[1], config.conv_widths[2], config.rgb_widths[1]
    ]  # fmt: skip
    assert torch.equal(StyleCode.from_interleaved(entries).flat(), flat)
    with pytest.raises(LatentError):
        generator(torch.randn(2, rows + 1, 16, dtype=dtype))


def test_configurations_and_critics():
    config = StyleGAN2Config(size=16, style_dim=8, mapping_layers=2, channel_multiplier=1)
    torch.manual_seed(5)
    first = StyleGAN2Generator(config).state_dict()
    torch.manual_seed(5)
    assert all(torch.equal(first[name], t) for name, t in StyleGAN2Generator(config).state_dict().items())
    critic = stylegan2.StyleGAN2Discriminator(
        stylegan2.StyleGAN2DiscriminatorConfig(size=16, channels={16: 8, 8: 8, 4: 8})
    )
    assert critic(torch.randn(4, 3, 16, 16)).shape == (4, 1) and critic(torch.randn(3, 3, 16, 16)).shape == (3, 1)
    with pytest.raises(SemeditError):
        critic(torch.randn(6, 3, 16, 16))


def test_a_net_and_a_tree(stylegan2):
    net = FusionNet(FusionConfig(width=16, hidden=(8, 8)))
    a, b, own = (stylegan2.styles(random_codes(stylegan2, 2, seed)) for seed in range(3))
    for made in (net(a, b, own), net(a, None, own), net(a, b, None)):
        assert isinstance(made, StyleCode) and made.flat().shape == a.flat().shape
    with pytest.raises(ConfigError):
        net(a, None, None)
    x, y, extra = torch.randn(3, 2, 16)
    assert net.common(x, y, 0).shape == net.segments(x, y, 1, rgb=True, extra=extra).shape == (2, 16)
    gate = net.common.gate(x, y, 0)
    assert ((gate > 0) & (gate < 1)).all()
    tree = Hierarchy.of("faces", {"all": net})
    assert tree.active == ("all", "face", "bg_hair_clothes") and len(tree.nodes) == 11 and set(tree.nets) == {"all"}
    assigned = tree.assign(a, hair=b, wheels=own)
    assert set(assigned) >= set(tree.active) and torch.equal(assigned["bg_hair_clothes"].flat(), b.flat())
    assert tree.fuse(assigned).flat().shape == a.flat().shape and tree.fuse({"all": a}) is a
    with pytest.raises(UnknownName):
        Hierarchy.of("faces", {"nose": net})


def test_clusters_and_catalogues(tmp_path):
    rows = torch.randn(60, 6)
    fitted = SphericalKMeans(4, restarts=2, seed=1).fit(rows)
    assert fitted.centroids_.shape == (4, 6) and fitted.labels_.dtype == torch.int64 and fitted.inertia_ > 0
    assert fitted.iterations_ >= 1 and torch.equal(fitted.predict(7 * rows), fitted.labels_)
    layers = editing_in_style.contributions(
        [torch.randn(2, 5, 8, 8), torch.randn(2, 3, 16, 16)], torch.rand(2, 2, 8, 8), resize="bilinear", normalise="set"
    )
    assert [layer.shape for layer in layers] == [(2, 5), (2, 3)]
    catalogue = Catalogue(fitted.centroids_, {"eyes": [0, 2], "hair": [3]}, layers)
    maps = catalogue.memberships(torch.randn(2, 6, 8, 8), (16, 16), resize="bilinear")
    assert catalogue.labels == ("eyes", "hair") and maps.shape == (2, 2, 16, 16)
    assert catalogue.clusters(torch.randn(2, 6, 8, 8)).sum(1).unique().tolist() == [1]
    q = catalogue.query("hair", 1, rho=[0.0, 0.1], epsilon=2.0)
    assert q.shape == (3,) and set(q.tolist()) <= {0.0, 1.0}
    for name in ("c.npz", "c.safetensors"):
        catalogue.save(tmp_path / name)
        assert Catalogue.load(tmp_path / name).annotations == catalogue.annotations
    styles = torch.randn(1, 2, 5, 1, 1), torch.randn(3, 2, 5, 1, 1)
    half = editing_in_style.interpolate(*styles, torch.full((5,), 0.5), bias=False)
    assert half.shape == (3, 2, 5, 1, 1) and torch.equal(half[:, 1], styles[0][:, 1].expand(3, -1, -1, -1))
    with pytest.raises(UnknownName):
        catalogue.query("nose", 0, rho=0.1, epsilon=1.0)
    with pytest.raises(ConfigError):
        Catalogue(fitted.centroids_, {"eyes": [4]})
