"""Runs of StyleFusion's trainer: the nets of a tree, in order, through their stages; killed and resumed; one file."""

import json

import pytest
import torch

from baselines.stylefusion import (
    FusionNet,
    Hierarchy,
    StoredFusion,
    load_fusion,
    open_fusion,
    recipe_for,
    to_official,
    train_fusion,
)
from baselines.stylefusion.config import leaf_labels
from baselines.stylefusion.recipes import RECIPES, TINY
from baselines.stylefusion.training import DrawSource, FusionObjective, FusionPlace, FusionStep
from baselines.stylegan2 import StyleCode, StyleGAN2Config
from semedit.data.source import Share
from semedit.domains.portraits.domain import PORTRAITS
from semedit.errors import CheckpointError, ConfigError, LatentError, UnknownName
from semedit.latents.regions import CELEBAMASK
from semedit.training.engine.state import read_header
from tests.baselines.networks import random_codes

PERSON = [name for name in CELEBAMASK.names if name not in ("background", "hair")]
TWO = TINY.replace(
    name="two", tree={"all": ("person", "rest"), "rest": ("hair", "bg")},
    parts={"person": tuple(PERSON), "hair": ("hair",), "bg": ("background",)},
)  # fmt: skip


@pytest.fixture(scope="module")
def run(stylegan2, tmp_path_factory):
    """A finished run of two nets."""
    folder = tmp_path_factory.mktemp("run")
    return folder, train_fusion(TWO, folder, stylegan2, domain=PORTRAITS)


def equal(one: StoredFusion, other: StoredFusion) -> bool:
    nets = zip(one.hierarchy.nets.values(), other.hierarchy.nets.values(), strict=True)
    return all(torch.equal(a, b) for x, y in nets for a, b in zip(x.parameters(), y.parameters(), strict=True))


def test_a_run_trains_every_net_and_keeps_them_in_one_file(run, stylegan2):
    folder, trained = run
    assert trained.hierarchy.active == ("all", "person", "rest", "hair", "bg")
    assert {path.name for path in folder.iterdir()} >= {"config.json", "regions.safetensors", "fusion.safetensors"}
    for node in ("all", "rest"):
        assert read_header(folder / node / "state.safetensors")["step"] == TWO.steps == 10
        assert [path.name for path in sorted((folder / node / "samples").iterdir())] == ["0000005.png", "0000010.png"]
    stored = load_fusion(folder / "fusion.safetensors", stylegan2.fingerprint)
    assert equal(stored, trained) and stored.card["chosen by us"]["lr"] == TWO.lr
    assert stored.regions is not None and set(stored.regions.parts) == set(TWO.parts)
    codes = stylegan2.styles(random_codes(stylegan2, 2)[:, 0])
    before, after = (one.hierarchy.fuse(one.hierarchy.assign(codes[:1], hair=codes[1:])) for one in (trained, stored))
    assert torch.equal(before.flat(), after.flat())
    with pytest.raises(LatentError, match="not of another"):
        load_fusion(folder / "fusion.safetensors", "another")
    with pytest.raises(CheckpointError):
        load_fusion(folder / "regions.safetensors")


def test_the_log_has_the_losses_of_each_stage_and_the_measures(run):
    lines = [json.loads(line) for line in (run[0] / "rest" / "log.jsonl").read_text().splitlines()]
    losses = {line["step"]: set(line) & {"mask", "align", "fusion", "local"} for line in lines if "fusion" in line}
    assert losses == {
        1: {"mask", "align", "fusion"}, 3: {"fusion"}, 5: {"fusion"}, 7: {"local", "align", "fusion"},
        9: {"local", "align", "fusion"},
    }  # fmt: skip
    measured = [line for line in lines if "inside_1" in line]
    assert [line["step"] for line in measured] == [4, 9]
    assert all(0 <= line[name] <= 1 for line in measured for name in ("inside_1", "inside_2", "layout_iou"))


def test_the_same_command_goes_on_after_a_kill(run, stylegan2, tmp_path, monkeypatch):
    """Stopped within the second net's last stage, after its state was written: the end is the same, bit for bit."""
    whole, done = FusionStep.run, []

    def dying(self, batch):
        if self.place.node == "rest" and self.state.step == 7:
            raise KeyboardInterrupt
        done.append((self.place.node, self.state.step))
        whole(self, batch)

    monkeypatch.setattr(FusionStep, "run", dying)
    with pytest.raises(KeyboardInterrupt):
        train_fusion(TWO, tmp_path, stylegan2, domain=PORTRAITS)
    assert read_header(tmp_path / "rest" / "state.safetensors")["step"] == 6
    monkeypatch.setattr(FusionStep, "run", whole)
    assert equal(train_fusion(TWO, tmp_path, stylegan2, domain=PORTRAITS), run[1])
    assert done[-1] == ("rest", 6)
    monkeypatch.setattr(FusionStep, "run", dying)  # nothing is left to do: no step is run
    assert equal(train_fusion(TWO, tmp_path, stylegan2, domain=PORTRAITS), run[1])


def test_a_folder_belongs_to_one_run(run, stylegan2, tmp_path):
    with pytest.raises(ConfigError, match="lr"):
        train_fusion(TWO.replace(lr=0.5), run[0], stylegan2, domain=PORTRAITS)
    with pytest.raises(ConfigError, match="belongs to generator"):
        stylegan2.fingerprint, kept = "another", stylegan2.fingerprint
        try:
            train_fusion(TWO, run[0], stylegan2, domain=PORTRAITS)
        finally:
            stylegan2.fingerprint = kept


@pytest.mark.parametrize("name", ["no-global", "no-stage-1", "no-stage-2", "no-stage-3", "end-to-end"])
def test_every_ablation_runs(name, run, stylegan2, tmp_path):
    """On the root alone, with regions that are there already."""
    kept = {"schedule": name, "nodes": ("all",), "regions": str(run[0] / "regions.safetensors"), "monitor_every": 20}
    config = TWO.replace(align_steps=1, fuse_steps=1, together_steps=1, **kept)
    found = train_fusion(config, tmp_path, stylegan2, domain=PORTRAITS)
    assert list(found.hierarchy.nets) == ["all"] and found.hierarchy.active == ("all", "person", "rest")
    assert config.steps == {"end-to-end": 3}.get(name, 2) and found.card["schedule"] == name


def test_stages_follow_each_other():
    stages = [TWO.stage_at(step).name for step in range(11)]
    assert stages == 3 * ["align"] + 3 * ["fuse"] + 5 * ["together"]
    assert TWO.replace(schedule="end-to-end").steps == TWO.steps
    assert TWO.replace(fuse_steps=0).stage_at(3).name == "together"
    assert TWO.trained == ("all", "rest") and RECIPES["portraits"].trained[0] == "all"


def test_codes_of_ancestors_take_part(stylegan2, run):
    _, stored = run
    regions = stored.regions
    place = FusionPlace("rest", stored.hierarchy, stylegan2, regions)
    assert place.others == ("all", "person") and place.groups == (("hair",), ("bg",))
    half = FusionPlace("rest", stored.hierarchy, stylegan2, regions, psi=0.5)
    z = torch.randn(3, 16)
    w, mean = stylegan2.mapping(z), stylegan2.mean_w()
    torch.testing.assert_close(half.styles(z).flat(), stylegan2.styles((w + mean) / 2).flat(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"parts": {"person": ("skin",)}}, "each leaf"),
        ({"nodes": ("rest",)}, "behind 'all'"),
        ({"nodes": ("hair",)}, "no inner node"),
        ({"align_steps": 0, "fuse_steps": 0, "together_steps": 0}, "no stage"),
        ({"schedule": "no-stage-4"}, "schedule"),
    ],
)  # fmt: skip
def test_configurations_are_checked(changes, words):
    with pytest.raises(ConfigError, match=words):
        TWO.replace(**changes)


def test_leaves_make_up_the_regions():
    for config in RECIPES.values():
        labels = leaf_labels(config.parts, CELEBAMASK.names)
        assert len(labels) == 13 and set(labels) == set(range(len(config.parts)))
    for parts, words in (
        ({"a": ("skin", "hare")}, "no region here"),
        ({"a": ("skin",), "b": ("skin",)}, "two leaves"),
        ({"a": ("skin",)}, "no leaf"),
    ):
        with pytest.raises(ConfigError, match=words):
            leaf_labels(parts, ("skin", "hair"))


def test_recipes_fit_the_generator():
    config = StyleGAN2Config(size=64, style_dim=32, channels=dict.fromkeys((4, 8, 16, 32), 48) | {64: 24})
    assert recipe_for(config, "portraits").net.width == 48
    mixed = StyleGAN2Config(size=64, style_dim=32, channels=dict.fromkeys((4, 8, 16, 32), 48) | {64: 32})
    net = FusionNet(recipe_for(mixed, "portraits").net)
    assert net.config.width == 96 and sum(p.numel() for p in net.parameters()) < 400_000
    code = StyleCode(*(tuple(torch.randn(2, w) for w in ws) for ws in (mixed.conv_widths, mixed.rgb_widths)))
    torch.testing.assert_close(net(code, code, code).flat(), code.flat())
    with pytest.raises(UnknownName, match="portraits"):
        recipe_for(config, "portrait")


def test_regions_are_found_as_nodes(stylegan2):
    nets = {name: run_net() for name in ("all", "face", "bg_hair_clothes")}
    recipe = RECIPES["portraits"]
    stored = StoredFusion(Hierarchy.of(recipe.tree, nets), recipe.parts)
    assert stored.nodes_of(["hair"]) == stored.nodes_of(["hair", "hat", "earrings"]) == ("hair",)
    assert stored.nodes_of(["eyes", "mouth", "skin"]) == ("face",) and stored.nodes_of(["eyes"]) == ("eyes",)
    assert set(stored.nodes_of(["eyes", "background", "cloth"])) == {"eyes", "bg_clothes"}
    assert stored.nodes_of(CELEBAMASK.names) == ("all",)
    with pytest.raises(ConfigError, match="mouth, skin together"):
        stored.nodes_of(["mouth"])
    with pytest.raises(ConfigError, match="'hat' goes with 'hair'"):
        stored.nodes_of(["hat", "skin", "mouth"])


def test_an_index_of_official_nets_is_opened_with_the_domains_tree(tmp_path):
    net = run_net()
    torch.save(to_official(net), tmp_path / "all.pt")
    (tmp_path / "weights.json").write_text(json.dumps({"all": "all.pt"}))
    stored = open_fusion(tmp_path / "weights.json", "faces", "any")
    assert stored.hierarchy.active == ("all", "face", "bg_hair_clothes") and stored.parts == RECIPES["faces"].parts
    codes = (torch.randn(2, 16) for _ in range(3))
    first, second, own = (StyleCode((code,), (code,)) for code in codes)
    fused = stored.hierarchy.fuse({"all": own, "face": first, "bg_hair_clothes": second})
    torch.testing.assert_close(fused.flat(), net(first, second, own).flat())
    with pytest.raises(UnknownName, match="recipe"):
        open_fusion(tmp_path / "weights.json", "cats")


def test_two_processes_compute_the_gradients_of_one(stylegan2, run):
    """Each takes its share of the draws; the mean of their gradients is that of the whole batch."""
    place = FusionPlace("rest", run[1].hierarchy, stylegan2, run[1].regions)

    def gradients(share):
        torch.manual_seed(0)
        net = FusionNet(TWO.net)
        source = DrawSource(4, 4 + len(place.others), 16, 0, share)
        losses = FusionObjective(net, place, TWO)(next(source.stream(3)), TWO.steps)
        torch.stack(list(losses.values())).sum().backward()
        return [parameter.grad for parameter in net.parameters()]

    whole, *halves = (gradients(share) for share in (Share(), Share(0, 2), Share(1, 2)))
    assert all(grad.abs().sum() > 0 for grad in whole)
    for one, first, second in zip(whole, *halves, strict=True):
        torch.testing.assert_close(one, (first + second) / 2, rtol=1e-3, atol=1e-6)


def run_net():
    return FusionNet(TINY.net).eval()
