"""StyleFusion: golden values, and the laws of its blenders, nets and hierarchies."""

import json

import pytest
import torch

from baselines.stylefusion import (
    TREES,
    FusionConfig,
    FusionNet,
    Hierarchy,
    LatentBlender,
    layer_code,
    load_fusion_net,
    save_fusion_net,
    to_official,
)
from baselines.stylegan2 import StyleCode
from semedit.errors import CheckpointError, ConfigError, LatentError, UnknownName
from tests.baselines.networks import golden_stylegan2
from tests.golden import check, fill, fill_state, rule_generator

SMALL = FusionConfig(width=16, hidden=(24, 24, 16))


def random_net(seed: int = 0, config: FusionConfig = SMALL) -> FusionNet:
    torch.manual_seed(seed)
    net = FusionNet(config)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            parameter.add_(10 * torch.randn_like(parameter) if name.endswith("bias") else 0)
    return net.eval().requires_grad_(False)


def random_code(seed: int, count: int = 2) -> StyleCode:
    """A code of nine convolutions and five heads, the later ones narrower."""
    draw = torch.Generator().manual_seed(seed)
    conv, rgb = [16] * 5 + [8, 8, 4, 4], [16] * 3 + [8, 4]
    return StyleCode(*(tuple(torch.randn(count, w, generator=draw) for w in widths) for widths in (conv, rgb)))


def assert_codes_close(a: StyleCode, b: StyleCode, tolerance: float = 1e-6) -> None:
    torch.testing.assert_close(a.flat(), b.flat(), rtol=tolerance, atol=tolerance)


@pytest.fixture(scope="module")
def golden_net(tmp_path_factory) -> FusionNet:
    """The official sizes with the golden fill, opened from a file of the official layout."""
    state = fill_state(to_official(FusionNet()), rule_generator)
    path = tmp_path_factory.mktemp("nets") / "all.pt"
    torch.save({"state_dict": state}, path)
    return load_fusion_net(path)


def golden_codes(generator) -> list[StyleCode]:
    return [generator.styles(generator.mapping(fill(1100 + i, (1, 512)))) for i in range(3)]


def test_official_sizes(golden_net):
    assert sum(p.numel() for p in golden_net.parameters()) == 36_903_936
    shapes = {key: tuple(tensor.shape) for key, tensor in to_official(golden_net).items()}
    assert len(shapes) == 20
    for name, inputs in (("common", 1214), ("segments", 1726)):
        outputs = [shapes[f"blender_{name}.disentangle_net.{i}.weight"] for i in range(5)]
        assert outputs == [(2560, inputs), (2560, 2560), (2560, 2560), (512, 2560), (512, 512)]


CONV = [
    (0.785689, 0.313269, 2.536047, 501.846), (0.275779, 0.247245, -0.535047, 516.837),
    (0.521997, 2.337099, 3.299212, 513.903), (1.121295, 1.129726, 1.91734, 522.131),
    (0.292916, 1.476847, 2.276611, 573.753), (-0.187603, -1.323699, 1.387957, 467.701),
    (1.059687, 0.973724, 2.213336, 528.861), (0.321689, 2.529871, -0.946353, 486.129),
    (1.523089, 0.815134, 0.894745, 545.659),
]  # fmt: skip
RGB = [
    (0.549206, 1.162382, 1.050311, 513.199), (-1.043149, 0.667885, 0.818258, 493.083),
    (1.668744, 3.476274, 1.375305, 500.725), (1.467222, 1.317565, 1.716278, 551.689),
    (0.329773, 1.838266, 1.421162, 483.792),
]  # fmt: skip


def test_golden_fusion(golden_net, golden64):
    codes = golden_codes(golden64)
    fused = golden_net(*codes)
    for entry, (*first, total) in zip(fused.entries, CONV + RGB, strict=True):
        torch.testing.assert_close(entry[0, :3], torch.tensor(first), rtol=1e-4, atol=1e-4)
        assert entry.sum().item() == pytest.approx(total, rel=1e-4)
    check(golden64(fused).image, -0.033524, 1.180113, [0.003262, 0.365487, 0.128155, -0.641455, -0.135754])
    for mode, conv, rgb in (
        (golden_net(codes[0], None, codes[2]), [0.758273, 0.31282, 2.671432], [0.657457, 1.163114, 1.030556]),
        (golden_net(codes[0], codes[1], None), [1.689433, 1.834579, 2.847517], [0.45428, 1.63801, 1.306406]),
    ):
        torch.testing.assert_close(mode.conv[0][0, :3], torch.tensor(conv), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(mode.rgb[0][0, :3], torch.tensor(rgb), rtol=1e-4, atol=1e-4)


def test_golden_pooling_of_narrow_layers(golden_net):
    fused = golden_net(*golden_codes(golden_stylegan2(128)))
    for entry, first in ((fused.conv[-1], [1.431386, 0.200533, -1.031191, 1.838792]),
                         (fused.rgb[-1], [2.576911, 2.889127, 3.992365, 0.93158])):  # fmt: skip
        assert entry.shape == (1, 256)
        torch.testing.assert_close(entry[0, :4], torch.tensor(first), rtol=1e-4, atol=1e-4)


def test_the_weights_are_read_as_often_for_many_codes_as_for_one(monkeypatch):
    net, read = random_net(), []
    gate = LatentBlender.gate
    monkeypatch.setattr(LatentBlender, "gate", lambda self, a, *more, **options: read.append(len(a)) or gate(
        self, a, *more, **options))  # fmt: skip
    for count in (1, 64):
        read.clear()
        fused = net(*(random_code(i, count) for i in range(3)))
        assert len(fused) == count and read == [2 * count] * 10 + [count] * 14


@pytest.mark.parametrize("layer, rgb", [(0, False), (4, True), (17, True)])
def test_layer_codes_are_repeated(layer, rgb):
    code = layer_code(layer, rgb, FusionConfig())
    assert code.shape == (190,) and code.sum().item() == (20 if rgb else 10)
    assert torch.equal(code.view(10, 19)[:, layer], torch.ones(10))
    with pytest.raises(ConfigError, match=r"0\.\.17"):
        layer_code(18, rgb, FusionConfig())


def test_a_blend_lies_between_its_inputs():
    net, (a, b, extra) = random_net(), torch.randn(3, 4, 16)
    for blender, more in ((net.common, {}), (net.segments, {"extra": extra})):
        gate = blender.gate(a, b, 3, **more)
        assert ((gate > 0) & (gate < 1)).all() and gate.std() > 0.05
        blend = blender(a, b, 3, **more)
        torch.testing.assert_close(blend, a + gate * (b - a))
        assert ((blend >= torch.minimum(a, b) - 1e-6) & (blend <= torch.maximum(a, b) + 1e-6)).all()
        assert torch.equal(blender(a, a, 3, **more), a)
        assert not torch.allclose(blender.gate(a, b, 4, **more), gate)
        assert not torch.allclose(blender.gate(a, b, 3, rgb=True, **more), gate)
    assert torch.equal(net.segments(a, b, 3), net.segments(a, b, 3, extra=torch.zeros_like(a)))
    with pytest.raises(ConfigError, match="given a third"):
        net.common(a, b, 3, extra=extra)


def test_equal_codes_stay_as_they_are():
    net, code = random_net(), random_code(0)
    assert_codes_close(net(code, code, code), code)
    assert_codes_close(net(code, None, code), code)
    assert_codes_close(net(code, code, None), code)


def test_the_layout_reaches_the_first_layers_alone():
    net, first, second = random_net(), random_code(0), random_code(1)
    one, two = net(first, second, random_code(2)), net(first, second, random_code(3))
    same = [torch.equal(a, b) for a, b in zip(one.entries, two.entries, strict=True)]
    assert same == [False] * 5 + [True] * 4 + [False] * 5
    lone = net(first, None, random_code(2))
    assert all(torch.equal(a, b) for a, b in zip(lone.conv[5:], first.conv[5:], strict=True))


def test_a_net_is_its_two_steps(golden_net):
    net, (first, second, own) = random_net(), (random_code(i) for i in range(3))
    aligned = [net.align(code, own) for code in (first, second)]
    assert_codes_close(net.fuse(aligned[0].code, aligned[1].code, own), net(first, second, own))
    assert aligned[0].gates.shape == (2, 10, 16)
    gate = net.common.gate(first.conv[2], own.conv[2], 2)
    torch.testing.assert_close(aligned[0].gates[:, 2], gate)
    torch.testing.assert_close(aligned[0].code.conv[2], torch.lerp(first.conv[2], own.conv[2], gate))
    narrow = aligned[0].code.rgb[3]
    wide = [code.rgb[3].repeat_interleave(2, 1) for code in (first, own)]
    torch.testing.assert_close(narrow, net.common(*wide, 3).view(2, 8, 2).amax(2))


def test_a_batch_is_its_codes_one_by_one():
    net, codes = random_net(), [random_code(i, 3) for i in range(3)]
    together = net(*codes)
    for i in range(3):
        assert_codes_close(net(*(code[i : i + 1] for code in codes)), together[i : i + 1], 1e-5)


def test_codes_that_do_not_go_together_are_refused():
    net, code = random_net(), random_code(0)
    with pytest.raises(ConfigError, match="second code"):
        net(code, None, None)
    with pytest.raises(LatentError, match="codes of 3 and 2 pictures"):
        net(code, random_code(1, 3), None)
    odd = StyleCode((torch.zeros(2, 12),), (torch.zeros(2, 12),))
    with pytest.raises(LatentError, match="12 channels"):
        net(odd, odd, None)
    with pytest.raises(LatentError, match="widths"):
        net(code, odd, None)


def test_every_parameter_of_a_net_learns():
    net = FusionNet(SMALL)
    net(random_code(0), random_code(1), random_code(2)).flat().square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
    assert not any(isinstance(module, LatentBlender) and module.training for module in random_net().modules())


def test_files_are_strict_and_go_both_ways(tmp_path):
    net, codes = random_net(), [random_code(i) for i in range(3)]
    official = to_official(net)
    torch.save(official, tmp_path / "bare.pt")
    torch.save({"state_dict": official, "step": 3}, tmp_path / "wrapped.pt")
    save_fusion_net(tmp_path / "native.safetensors", net)
    for name in ("bare.pt", "wrapped.pt", "native.safetensors"):
        opened = load_fusion_net(tmp_path / name)
        assert opened.config == SMALL and not opened.training
        assert torch.equal(opened(*codes).flat(), net(*codes).flat())
        assert all(torch.equal(to_official(opened)[key], official[key]) for key in official)
    for change, message in (
        ({"blender_segments.disentangle_net.2.bias": None}, "'blender_segments.disentangle_net.2.bias' is missing"),
        ({"other": torch.zeros(1)}, "such as 'other'"),
        ({"blender_common.disentangle_net.1.bias": torch.zeros(3)}, r"is \(3,\) instead of \(24,\)"),
        ({"blender_common.disentangle_net.0.weight": None}, "no FusionNet"),
    ):
        torch.save({key: v for key, v in {**official, **change}.items() if v is not None}, tmp_path / "bad.pt")
        with pytest.raises(CheckpointError, match=message):
            load_fusion_net(tmp_path / "bad.pt")


def hierarchy(domain: str = "faces") -> Hierarchy:
    return Hierarchy.of(domain, {name: random_net(i) for i, name in enumerate(TREES[domain])})


@pytest.mark.parametrize("domain, nets, nodes", [("faces", 5, 11), ("cars", 3, 7), ("churches", 1, 3)])
def test_trees_of_the_paper(domain, nets, nodes):
    found = hierarchy(domain)
    assert (len(found.nets), len(found.active)) == (nets, nodes) and found.nodes == found.active
    assert Hierarchy.of(domain, {}).active == ("all",)


def test_leaves_and_parents():
    found = hierarchy()
    assert found.leaves("face") == ("mouth", "skin", "eyes") and found.leaves("hair") == ("hair",)
    assert (found.parent("skin"), found.parent("all")) == ("skin_mouth", None)
    assert set(found.leaves("all")) == {"mouth", "skin", "eyes", "clothes", "bg", "hair"}


def test_fusing_follows_the_three_rules():
    found, codes = hierarchy(), {name: random_code(i) for i, name in enumerate(TREES["faces"])}
    assert found.fuse({"all": codes["all"]}) is codes["all"]
    # A node of which one child has no code is bypassed.
    top = {name: codes[name] for name in ("all", "face", "bg_hair_clothes")}
    expected = found.nets["all"](top["face"], top["bg_hair_clothes"], top["all"])
    assert_codes_close(found.fuse({**top, "eyes": codes["face"]}), expected)
    # A node without a net gives its own code, whatever its children have.
    some = Hierarchy.of("faces", {"all": found.nets["all"]})
    everything = {name: random_code(i + 20) for i, name in enumerate(found.nodes)}
    expected = some.nets["all"](everything["face"], everything["bg_hair_clothes"], everything["all"])
    assert_codes_close(some.fuse(everything), expected)
    assert some.active == ("all", "face", "bg_hair_clothes")
    # The full tree, written out.
    nets, e = found.nets, everything
    skin_mouth = nets["skin_mouth"](e["mouth"], e["skin"], e["skin_mouth"])
    face = nets["face"](skin_mouth, e["eyes"], e["face"])
    rest = nets["bg_clothes"](e["clothes"], e["bg"], e["bg_clothes"])
    rest = nets["bg_hair_clothes"](rest, e["hair"], e["bg_hair_clothes"])
    assert_codes_close(found.fuse(e), nets["all"](face, rest, e["all"]))
    assert_codes_close(found.fuse(e, root="face"), face)
    with pytest.raises(UnknownName, match="did you mean 'mouth'"):
        found.fuse({**e, "moth": e["mouth"]})
    with pytest.raises(ConfigError, match="'face' is missing"):
        found.fuse({"all": e["all"]}, root="face")


def test_official_presets():
    found, base = hierarchy(), random_code(0)
    hair, mouth, face, sky = (random_code(i) for i in range(1, 5))

    def changed(**parts: StyleCode) -> dict[str, StyleCode]:
        codes = found.assign(base, **parts)
        assert set(codes) == set(found.active)
        return {name: code for name, code in codes.items() if code is not base}

    assert changed() == {}
    assert changed(hair=hair) == {"bg_hair_clothes": hair, "hair": hair}
    assert set(changed(face=face)) == {"face", "eyes", "skin_mouth", "mouth", "skin"}
    assert changed(mouth=mouth) == {"skin_mouth": mouth, "face": mouth}
    assert changed(mouth=mouth, face=face) == changed(face=face, mouth=mouth)
    assert changed(mouth=mouth, face=face)["face"] is mouth and changed(mouth=mouth, face=face)["mouth"] is face
    assert changed(background=sky) == {"bg": sky} and changed(wheels=sky) == {}
    assert changed(skin=face) == {"skin": face} and set(changed(bg_clothes=sky)) == {"bg_clothes", "clothes", "bg"}
    cars = hierarchy("cars").assign(base, car=face, bg_top=sky)
    assert {name for name, code in cars.items() if code is face} == {"car", "wheels", "car_body"}
    assert {name for name, code in cars.items() if code is sky} == {"background_top"}
    with pytest.raises(UnknownName, match="no part is called 'nose'"):
        found.assign(base, nose=face)


def test_trees_and_nets_are_checked():
    net = random_net()
    own = Hierarchy.of({"all": ("room", "window"), "room": ("bed", "rest")}, {"all": net})
    assert own.nodes == ("all", "room", "bed", "rest", "window") and own.active == ("all", "room", "window")
    with pytest.raises(UnknownName, match="faces"):
        Hierarchy.of("cats", {})
    for name in ("eyes", "nose"):
        with pytest.raises(UnknownName, match="inner node"):
            Hierarchy.of("faces", {name: net})
    for tree in ({"all": ("a", "a")}, {"all": ("a", "b"), "a": ("b", "c")}, {"all": ("all", "b")}):
        with pytest.raises(ConfigError, match="each name one place"):
            Hierarchy.of(tree, {})
    with pytest.raises(ConfigError, match="'x' is not reached"):
        Hierarchy.of({"all": ("a", "b"), "x": ("y", "z")}, {})


def test_an_index_is_read_from_beside_it_or_from_here(tmp_path, monkeypatch):
    net, code = random_net(), random_code(0)
    (tmp_path / "index").mkdir()
    torch.save(to_official(net), tmp_path / "index" / "all.pt")
    save_fusion_net(tmp_path / "face.safetensors", net)
    index = tmp_path / "index" / "faces.json"
    index.write_text(json.dumps({"all": "all.pt", "face": "face.safetensors"}))
    monkeypatch.chdir(tmp_path)
    found = Hierarchy.load("faces", index)
    assert set(found.nets) == {"all", "face"} and len(found.active) == 5
    found.save(tmp_path / "saved")
    again = Hierarchy.load("faces", tmp_path / "saved" / "index.json")
    codes = again.assign(code, face=random_code(1))
    assert torch.equal(found.fuse(codes).flat(), again.fuse(codes).flat())
    for text, message in (("[", "no valid JSON"), ('{"all": 3}', "maps the names"), ('{"all": "no.pt"}', r"no\.pt")):
        index.write_text(text)
        with pytest.raises(CheckpointError, match=message):
            Hierarchy.load("faces", index)
