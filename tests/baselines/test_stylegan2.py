"""StyleGAN2: golden values, and the laws of its spaces, layers and activations."""

import math

import pytest
import torch
from torch.nn import functional as F

from baselines.stylegan2 import (
    StyleCode,
    StyleGAN2Config,
    StyleGAN2Discriminator,
    StyleGAN2DiscriminatorConfig,
    StyleGAN2Generator,
    to_official,
)
from baselines.stylegan2.layers import StyledConv
from semedit.errors import ConfigError, LatentError, SemeditError, UnknownName
from semedit.latents.latent import Latent
from semedit.networks.discriminator import DiscriminatorConfig, DualDiscriminator
from semedit.networks.ops import blur_kernel
from tests.baselines.networks import SMALL, random_codes, random_stylegan2
from tests.golden import check, fill


def test_golden_sizes(golden64):
    assert sum(p.numel() for p in golden64.parameters()) == 27_032_600
    assert sum(not key.endswith(".kernel") for key in to_official(golden64)) == 91
    assert golden64.layout.rows == golden64.config.rows == 10


def test_golden_pictures(golden64):
    w = golden64.mapping(fill(1000, (2, 512)))
    check(w, 0.51081, 1.095846, [0.672809, -0.454765, -0.00809, 1.525736, 1.31048])
    check(golden64(w).image, -0.745067, 1.806473, [-0.891136, -0.652679, 0.438813, -0.531611, 0.170415])
    wplus = 0.5 * fill(1001, (1, 10, 512))
    check(golden64(wplus).image, 0.642707, 0.882874, [0.226435, 0.438479, 0.168898, 0.157739, 0.261403])


def test_golden_style_code(golden64):
    code = golden64.styles(golden64.mapping(fill(1100, (1, 512))))
    for entry, mean, first in ((code.conv[0], 0.990177, [1.516809, 1.570708]), (code.rgb[-1], 0.959663, [0.866732,
                               1.664155])):  # fmt: skip
        assert entry.mean().item() == pytest.approx(mean, abs=1e-4)
        torch.testing.assert_close(entry[0, :2], torch.tensor(first), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size, conv, rgb", [(256, 5_760, 2_944), (512, 5_952, 3_008), (1024, 6_048, 3_040)])
def test_official_style_widths(size, conv, rgb):
    config = StyleGAN2Config(size=size)
    assert (sum(config.conv_widths), sum(config.rgb_widths)) == (conv, rgb)
    assert config.conv_widths[:10] == (512,) * 10 and config.rgb_widths[:5] == (512,) * 5
    assert len(config.conv_widths) == 2 * math.log2(size) - 3 and len(config.rgb_widths) == math.log2(size) - 1


@pytest.mark.parametrize("up", [False, True])
def test_a_modulated_layer_is_a_convolution_with_weights_of_its_own_for_each_sample(up):
    torch.manual_seed(0)
    layer = StyledConv(6, 5, 7, up=up).double()
    torch.nn.init.normal_(layer.bias)
    torch.nn.init.constant_(layer.noise_weight, 0.3)
    x, style = torch.randn(3, 6, 8, 8).double(), 1 + torch.randn(3, 6).double()
    noise = torch.randn(1, 1, 16 if up else 8, 16 if up else 8).double()
    expected = []
    for one, s in zip(x, style, strict=True):
        weight = layer.weight * s[:, None, None] / math.sqrt(6 * 9)
        weight = weight * torch.rsqrt(weight.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        if up:
            y = F.conv_transpose2d(one[None], weight.transpose(0, 1), stride=2)
            y = F.conv2d(F.pad(y, (1, 1, 1, 1)), blur_kernel(5, y, 4.0), groups=5)
        else:
            y = F.conv2d(one[None], weight, padding=1)
        expected.append(F.leaky_relu(y + 0.3 * noise + layer.bias[:, None, None], 0.2) * math.sqrt(2))
    torch.testing.assert_close(layer(x, style, noise), torch.cat(expected), rtol=1e-12, atol=1e-12)


def test_all_spaces_of_a_code_give_the_same_picture(stylegan2):
    w = random_codes(stylegan2, 2)[:, 0]
    image = stylegan2(w).image
    assert image.shape == (2, 3, 32, 32)
    for same in (w[:, None].expand(-1, stylegan2.config.rows, -1), stylegan2.styles(w), stylegan2.latent(w)):
        assert torch.equal(stylegan2(same).image, image)
    code = stylegan2.styles(w)
    for same in (
        stylegan2.latent(code),
        StyleCode.from_flat(code.flat(), code.conv_widths, code.rgb_widths),
        StyleCode.from_interleaved(code.interleaved()),
    ):
        assert torch.equal(stylegan2(same).image, image)


def test_the_official_extraction_departs_for_wplus_codes_alone(stylegan2):
    wplus = random_codes(stylegan2, 2)
    correct, official = stylegan2.styles(wplus), stylegan2.styles(wplus, official_rgb_rows=True)
    assert torch.equal(stylegan2(correct).image, stylegan2(wplus).image)
    assert all(torch.equal(a, b) for a, b in zip(correct.conv, official.conv, strict=True))
    assert [torch.equal(a, b) for a, b in zip(correct.rgb, official.rgb, strict=True)] == [True, False, False, False]
    for j, head in enumerate(stylegan2.heads):
        row = wplus[:, 2 * j if j else 1]
        torch.testing.assert_close(official.rgb[j], F.linear(row, head.style.weight / 4, head.style.bias))
    w = wplus[:, 0]
    assert torch.equal(stylegan2.styles(w).flat(), stylegan2.styles(w, official_rgb_rows=True).flat())


def test_style_codes_know_their_order(stylegan2):
    code = stylegan2.styles(random_codes(stylegan2, 3))
    assert len(code) == 3 and len(code[1:]) == 2 and code.flat().shape == (3, sum(code.conv_widths + code.rgb_widths))
    order = code.interleaved()
    places = [next(i for i, other in enumerate(order) if other is entry) for entry in code.rgb]
    assert places == [1, 4, 7, 10]
    assert order[0] is code.conv[0] and order[2] is code.conv[1] and order[3] is code.conv[2]
    back = StyleCode.from_interleaved(order)
    assert all(a is b for a, b in zip(back.entries, code.entries, strict=True))
    assert torch.equal(StyleCode.cat([code[:1], code[1:]]).flat(), code.flat())
    assert torch.equal(code.lerp(code, 0.3).flat(), code.flat())
    assert code.to(torch.float64).flat().dtype == torch.float64
    with pytest.raises(LatentError, match="is wanted"):
        StyleCode.from_flat(code.flat()[:, 1:], code.conv_widths, code.rgb_widths)
    with pytest.raises(LatentError, match="interleaved"):
        StyleCode.from_interleaved(order[:-1])
    with pytest.raises(LatentError, match="widths"):
        stylegan2(StyleCode(code.conv, code.conv[:4]))


def test_a_batch_is_its_pictures_one_by_one(stylegan2):
    wplus = random_codes(stylegan2, 3)
    together = stylegan2(wplus).image
    for i in range(3):
        torch.testing.assert_close(stylegan2(wplus[i : i + 1]).image[0], together[i], rtol=1e-5, atol=1e-5)


def test_doubles_stay_doubles():
    generator = random_stylegan2()
    w = random_codes(generator, 2)[:, 0]
    single = generator(w).image
    generator.double()
    assert generator.mean_w(16).dtype == torch.float64
    image = generator(w.double()).image
    assert image.dtype == torch.float64
    torch.testing.assert_close(image.float(), single, rtol=1e-4, atol=1e-5)
    assert generator(w.double(), noise="random").image.dtype == torch.float64


@pytest.mark.parametrize("shape", [(16,), (2, 15), (2, 7, 16), (2, 8, 15), (1, 2, 8, 16)])
def test_other_shapes_are_refused_with_the_valid_ones(stylegan2, shape):
    with pytest.raises(LatentError, match=r"takes \(B, 16\), \(B, 8, 16\) or a StyleCode"):
        stylegan2(torch.zeros(shape))


def test_mixing_takes_rows_from_each(stylegan2):
    codes = random_codes(stylegan2, 4)[:, 0]
    mixed = stylegan2.mix(codes[:2], codes[2:], 3)
    assert mixed.shape == (2, 8, 16)
    assert torch.equal(mixed[:, :3], codes[:2, None].expand(-1, 3, -1))
    assert torch.equal(mixed[:, 3:], codes[2:, None].expand(-1, 5, -1))
    assert torch.equal(stylegan2(stylegan2.mix(codes[:2], codes[2:], 8)).image, stylegan2(codes[:2]).image)
    with pytest.raises(ConfigError, match=r"0\.\.8"):
        stylegan2.mix(codes[:2], codes[2:], 9)


def test_truncation_moves_towards_the_mean(stylegan2):
    mean = stylegan2.mean_w(256, seed=3)
    assert mean.shape == (1, 16) and torch.equal(mean, stylegan2.mean_w(256, seed=3))
    codes = random_codes(stylegan2, 2)
    for data in (codes[:, 0], codes):
        latent = stylegan2.latent(data)
        assert torch.allclose(latent.truncate(mean, 1.0).data, data, atol=1e-6)
        assert torch.equal(latent.truncate(mean, 0.0).data, mean.expand_as(data))
    styles = stylegan2.styles(codes[:, 0])
    centre = stylegan2.styles(mean)
    halved = stylegan2.latent(styles).truncate(centre.flat(), 0.5)
    expected = stylegan2.styles(stylegan2.latent(codes[:, 0]).truncate(mean, 0.5)).flat()
    torch.testing.assert_close(halved.data, expected, rtol=1e-4, atol=1e-5)


def test_noise_is_constant_drawn_or_given(stylegan2):
    w = random_codes(stylegan2, 1)[:, 0]
    image = stylegan2(w).image
    maps = stylegan2.noise_maps("const", 1)
    assert [m.shape[-1] for m in maps] == [4, 8, 8, 16, 16, 32, 32]
    assert torch.equal(stylegan2(w, noise=maps).image, image)
    assert not torch.equal(stylegan2(w, noise="random").image, image)
    with pytest.raises(ConfigError, match="7 maps of sizes 4x4, 8x8"):
        stylegan2(w, noise=maps[1:])


def test_a_latent_without_regions_says_so(stylegan2, tmp_path):
    codes = random_codes(stylegan2, 2)
    first, second = stylegan2.latent(codes[:1]), stylegan2.latent(codes[1:])
    assert (first.space, first.layout.rows, len(first.regions)) == ("w+", 8, 0)
    assert torch.equal(first.blend(second, 1.0).data, codes[1:])
    with pytest.raises(UnknownName, match="choose from: all, pose"):
        first.rows("hair")
    styled = stylegan2.latent(stylegan2.styles(codes))
    assert styled.space == "s" and len(styled[1:]) == 1
    for call in (styled.wplus, lambda: styled.blend(styled, 0.5), lambda: styled.with_rows(codes, (0,))):
        with pytest.raises(LatentError, match="no rows"):
            call()
    styled.save(tmp_path / "s.safetensors")
    back = Latent.load(tmp_path / "s.safetensors")
    assert back.space == "s" and back.layout == styled.layout
    assert torch.equal(stylegan2(back).image, stylegan2(codes).image)
    with pytest.raises(LatentError, match="belongs to generator"):
        random_stylegan2(seed=1)(back)


def test_activations_are_what_styles_scale(stylegan2):
    wplus = random_codes(stylegan2, 2)
    code, seen = stylegan2.styles(wplus), stylegan2.activations(wplus)
    assert torch.equal(seen.image, stylegan2(wplus).image)
    assert [x.shape[1] for x in seen.conv] == list(code.conv_widths)
    assert [x.shape[1] for x in seen.rgb] == list(code.rgb_widths)
    assert [x.shape[-1] for x in seen.conv] == [4, 4, 8, 8, 16, 16, 32]
    maps = stylegan2.noise_maps("const", 2)
    for i, layer in enumerate(stylegan2.convs):
        put_out = layer(seen.conv[i], code.conv[i], maps[i])
        assert torch.equal(put_out, seen.conv[i + 1] if i + 1 < len(seen.conv) else seen.rgb[-1])
    assert seen.first(8) is seen.conv[2] and seen.first(4) is seen.conv[1]
    with pytest.raises(ConfigError, match="choose from: 4, 8, 16, 32"):
        seen.first(64)


def test_every_parameter_takes_part_and_can_be_differentiated_twice():
    generator = StyleGAN2Generator(SMALL)
    z = torch.randn(2, 16)
    w = generator.mapping(z)
    image = generator(w, noise="random").image
    (slope,) = torch.autograd.grad((image * torch.randn_like(image)).sum(), [w], create_graph=True)
    (slope.square().sum() + image.square().sum()).backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_seeds_make_generators():
    torch.manual_seed(5)
    one = StyleGAN2Generator(SMALL)
    torch.manual_seed(5)
    two = StyleGAN2Generator(SMALL)
    for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_config_is_checked():
    assert StyleGAN2Config.from_json(SMALL.to_json()) == SMALL
    for options, message in (({"size": 48}, "power of two"), ({"channels": {64: 8}, "size": 32}, "64 px"),
                             ({"style_dim": 0}, "at least 1"), ({"depth": 1}, "valid options")):  # fmt: skip
        with pytest.raises(ConfigError, match=message):
            StyleGAN2Config(**options)


def test_the_discriminator_is_the_dual_one_without_masks():
    torch.manual_seed(0)
    dual = DualDiscriminator(DiscriminatorConfig(size=16, regions=3, channels={4: 8, 8: 8, 16: 4}))
    own = StyleGAN2Discriminator(StyleGAN2DiscriminatorConfig(size=16, channels={4: 8, 8: 8, 16: 4}))
    own.load_state_dict({k: v for k, v in dual.state_dict().items() if not k.startswith("mask_branch")})
    images = torch.randn(8, 3, 16, 16)
    assert own(images).shape == (8, 1) and torch.equal(own(images), dual(images))
    with pytest.raises(SemeditError, match="divisible"):
        own(images[:5])
