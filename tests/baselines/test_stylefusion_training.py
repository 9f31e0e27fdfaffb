"""What a FusionNet is trained by: regions and masks read off activations, the four losses, the stages."""

import pytest
import torch

from baselines.stylefusion import (
    SCHEDULES,
    Draw,
    FusionConfig,
    FusionLossConfig,
    FusionNet,
    FusionRegions,
    Hierarchy,
    Scene,
    learn_regions,
    schedule,
    set_learning,
    stage_terms,
    total,
)
from baselines.stylefusion.losses import (
    alignment_penalty,
    channel_weights,
    contributions_of,
    fusion_loss,
    local_loss,
    mask_loss,
)
from baselines.stylefusion.regions import KIND, brought_to, pixel_features, ward_centroids
from baselines.stylegan2 import StyleCode
from semedit.errors import CheckpointError, ConfigError, LatentError, UnknownName
from semedit.storage.weights import Weights, save_weights
from tests.baselines.networks import random_codes

NAMES = ("left", "middle", "right")
SMALL = FusionConfig(width=16, hidden=(24, 16))


def thirds(images: torch.Tensor) -> torch.Tensor:
    """Label maps of three upright strips."""
    columns = torch.arange(images.shape[-1]) * 3 // images.shape[-1]
    return columns.expand(len(images), images.shape[-2], -1)


@pytest.fixture(scope="module")
def learnt(stylegan2):
    return learn_regions(stylegan2, random_codes(stylegan2, 6)[:, 0], thirds, NAMES, clusters=9, size=16, pixels=400)


@pytest.fixture(scope="module")
def regions(learnt) -> FusionRegions:
    """The learnt clusters, shared out so that no part is empty."""
    parts = {name: list(range(i, 9, 3)) for i, name in enumerate(NAMES)}
    return FusionRegions(learnt.regions.centroids, parts, 16, 0.05)


def test_wards_clusters_are_found():
    draw = torch.Generator().manual_seed(0)
    centres = 10 * torch.randn(4, 6, generator=draw)
    labels = torch.randint(4, (200,), generator=draw)
    found = ward_centroids(centres[labels] + 0.1 * torch.randn(200, 6, generator=draw), 4)
    assert sorted(torch.cdist(found, centres).argmin(1).tolist()) == [0, 1, 2, 3]
    assert torch.cdist(found, centres).min(1).values.max() < 0.2
    with pytest.raises(ConfigError, match="clusters of 3 pixels"):
        ward_centroids(torch.zeros(3, 2), 4)


def test_nearness_is_the_distance_from_the_centroids(stylegan2, learnt):
    seen = stylegan2.activations(random_codes(stylegan2, 2))
    pixels, centroids = pixel_features(seen, 16), learnt.regions.centroids
    assert pixels.shape == (2, sum(stylegan2.config.conv_widths), 16, 16)
    expected = -(pixels[:, None] - centroids[None, :, :, None, None]).square().mean(2)
    found = learnt.regions.nearness(seen)
    torch.testing.assert_close(found - found[:, :1], expected - expected[:, :1], rtol=1e-3, atol=1e-4)
    with pytest.raises(LatentError, match="where the clusters have 3"):
        FusionRegions(torch.zeros(2, 3), {}, 16).nearness(seen)


def test_maps_are_pooled_or_enlarged():
    maps = torch.rand(2, 3, 8, 8)
    assert torch.equal(brought_to(maps, 8), maps)
    torch.testing.assert_close(brought_to(maps, 4), torch.nn.functional.avg_pool2d(maps, 2))
    assert brought_to(maps, 16).shape == (2, 3, 16, 16)


def test_clusters_are_named_and_kept(stylegan2, learnt, tmp_path):
    found = learnt.regions
    assert set(found.parts) <= set(NAMES) and found.fingerprint == stylegan2.fingerprint
    assert sorted(k for own in found.parts.values() for k in own) == list(range(9))
    found.save(tmp_path / "regions.safetensors")
    back = FusionRegions.load(tmp_path / "regions.safetensors")
    assert torch.equal(back.centroids, found.centroids) and back.parts == found.parts
    assert (back.size, back.temperature, back.fingerprint) == (16, 0.05, stylegan2.fingerprint)


@pytest.mark.parametrize("changes", [
    {"size": 0}, {"size": "x"}, {"parts": {"a": [99]}}, {"parts": 3}, {"temperature": "nan"}, {"fingerprint": None},
])  # fmt: skip
def test_regions_of_another_form_are_refused(regions, tmp_path, changes):
    facts = {**regions.to_json(), **changes}
    save_weights(tmp_path / "r.safetensors", Weights(KIND, facts, {"centroids": regions.centroids}))
    with pytest.raises(CheckpointError, match=r"r\.safetensors: "):
        FusionRegions.load(tmp_path / "r.safetensors")


def test_masks_share_out_the_picture(stylegan2, regions):
    seen = stylegan2.activations(random_codes(stylegan2, 2))
    groups = [["left"], ["middle", "right"]]
    hard, soft = (regions.masks(seen, groups, soft=how) for how in (False, True))
    for masks in (hard, soft):
        assert masks.shape == (2, 2, 16, 16)
        torch.testing.assert_close(masks.sum(1), torch.ones(2, 16, 16))
    assert set(hard.unique().tolist()) == {0.0, 1.0} and ((soft > 0) & (soft < 1)).any()
    cold = FusionRegions(regions.centroids, regions.parts, 16, 1e-6).masks(seen, groups, soft=True)
    torch.testing.assert_close(cold, hard, atol=1e-3, rtol=0)
    assert torch.equal(regions.masks(seen, [["left"]], soft=False)[:, 0], hard[:, 0])
    with pytest.raises(UnknownName, match="part of these regions"):
        regions.masks(seen, [["nose"]], soft=True)


def test_soft_masks_reach_the_code(stylegan2, regions):
    w = random_codes(stylegan2, 1)[:, 0].requires_grad_()
    regions.masks(stylegan2.activations(w), [["left"]], soft=True).sum().backward()
    assert w.grad is not None and w.grad.abs().sum() > 0


def code(seed: int, count: int = 2) -> StyleCode:
    draw = torch.Generator().manual_seed(seed)
    return StyleCode(*(tuple(torch.randn(count, w, generator=draw) for w in widths) for widths in ((4, 3), (4,))))


def test_the_mask_loss_is_a_share_of_the_area():
    layout = torch.zeros(2, 2, 4, 4)
    layout[:, 0, :2], layout[:, 1, 2:] = 1, 1
    assert mask_loss(layout, layout).tolist() == [0, 0]
    moved = layout.clone()
    moved[1, 0, 0], moved[1, 1, 0] = 0, 1  # a quarter of the picture changes hands
    assert mask_loss(moved, layout).tolist() == [0, 0.5]
    assert mask_loss(layout.flip(1), layout).tolist() == [2, 2]


def test_the_local_loss_sees_the_other_region_alone():
    image, masks = torch.randn(2, 3, 8, 8), torch.zeros(2, 2, 8, 8)
    masks[:, 0, :, :3], masks[:, 1, :, 3:] = 1, 1
    inside = image + masks[:, :1]
    outside = image + 2 * masks[:, 1:]
    assert local_loss(image, image, image, masks).tolist() == [0, 0]
    assert local_loss(image, inside, outside, masks).tolist() == [0, 0]
    expected = 2 * (3 * 40) ** 0.5 / 40 + (3 * 24) ** 0.5 / 24
    torch.testing.assert_close(local_loss(image, outside, inside, masks), torch.full((2,), expected))
    leaf = image.clone().requires_grad_()
    local_loss(leaf, image, image, masks).sum().backward()
    assert leaf.grad.isfinite().all()


def test_the_penalty_of_alignment_grows_with_every_gate():
    gates = torch.rand(2, 5, 4)
    assert alignment_penalty(0 * gates).tolist() == [0, 0] and alignment_penalty(0 * gates + 1).tolist() == [1, 1]
    assert (alignment_penalty(gates + 0.1) > alignment_penalty(gates)).all()


def test_the_fusion_loss_counts_the_channels_of_each_region():
    weights = channel_weights(StyleCode((torch.tensor([[0.0, 0.4, 0.5, 0.75, 1.0]]),), (torch.tensor([[0.6]]),)))
    torch.testing.assert_close(weights.flat(), torch.tensor([[0, 0, 0, 0.5, 1.0, 0.2]]))
    first, second = code(0), code(1)
    one, none = first.map(torch.ones_like), first.map(torch.zeros_like)
    assert fusion_loss(first, [first, second], [one, none]).tolist() == [0, 0]
    expected = (first.flat() - second.flat()).norm(dim=1)
    torch.testing.assert_close(fusion_loss(first, [first, second], [one, one]), expected)
    torch.testing.assert_close(fusion_loss(first, [first, second], [none, one.map(lambda w: 3 * w)]), 3 * expected)


def test_contributions_are_measured_picture_by_picture(stylegan2, regions):
    codes = random_codes(stylegan2, 2)
    seen = stylegan2.activations(codes)
    masks = regions.masks(seen, [["left"], ["middle", "right"]], soft=False)
    parts = [contributions_of(seen, masks[:, i : i + 1]) for i in (0, 1)]
    style = stylegan2.styles(codes)
    parts[0].check_widths(style.conv_widths, style.rgb_widths)
    both = parts[0].flat() + parts[1].flat()
    torch.testing.assert_close(both, torch.ones_like(both), rtol=1e-3, atol=1e-3)
    alone = contributions_of(stylegan2.activations(codes[1:]), masks[1:, :1])
    torch.testing.assert_close(alone.flat()[0], parts[0].flat()[1], rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def draw(stylegan2) -> Draw:
    codes = stylegan2.styles(random_codes(stylegan2, 8)[:, 0])
    return Draw(*(codes[i : i + 2] for i in (0, 2, 4, 6)))


def random_net(seed: int = 0) -> FusionNet:
    torch.manual_seed(seed)
    return FusionNet(SMALL)


@pytest.fixture
def scene(stylegan2, regions) -> Scene:
    return Scene(stylegan2, regions, (["left"], ["middle", "right"]))


STAGES = sorted({one for stages in SCHEDULES.values() for one in stages}, key=lambda one: (one.name, one.terms))


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: f"{stage.name}-{len(stage.terms)}-{stage.layout}")
def test_a_stage_teaches_its_blenders_and_nothing_else(stage, draw, scene):
    net = random_net()
    learning = set_learning(net, stage)
    terms = stage_terms(stage, net, draw, scene)
    assert set(terms) == set(stage.terms) and all(term.shape == (2,) and (term >= 0).all() for term in terms.values())
    total(terms, FusionLossConfig()).backward()
    for part in ("common", "segments"):
        gradients = [p.grad for p in getattr(net, part).parameters()]
        assert all((g is not None and g.abs().sum() > 0) == (part in stage.learns) for g in gradients)
    assert {id(p) for p in learning} == {id(p) for part in stage.learns for p in getattr(net, part).parameters()}
    assert all(p.grad is None for p in scene.generator.parameters())


@pytest.mark.parametrize("stage", schedule("full"), ids=lambda stage: stage.name)
def test_a_few_steps_lower_the_loss(stage, draw, scene):
    net = random_net()
    optimiser = torch.optim.Adam(set_learning(net, stage), lr=1.0)  # weights are a hundred times as large as they act
    losses = []
    for _ in range(16):
        loss = total(stage_terms(stage, net, draw, scene), FusionLossConfig())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


def test_no_perturbation_changes_nothing(draw, scene):
    together = schedule("full")[-1]
    with torch.no_grad():
        still = stage_terms(together, random_net(), draw, scene, epsilon=0.0)["local"]
        torch.testing.assert_close(still, torch.zeros(2), atol=1e-6, rtol=0)
        assert (stage_terms(together, random_net(), draw, scene, epsilon=0.5)["local"] > 0).all()


def test_the_layouts_own_codes_lie_where_they_should(draw, scene):
    same = Draw(draw.layout, draw.layout, draw.layout, draw.other)
    with torch.no_grad():
        terms = stage_terms(schedule("full")[0], random_net(), same, scene)
    torch.testing.assert_close(terms["mask"], torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(terms["fusion"], torch.zeros(2), atol=1e-4, rtol=0)
    assert (terms["align"] > 0.1).all()


def test_ablations_leave_out_what_they_say():
    full = schedule("full")
    assert [stage.name for stage in full] == ["align", "fuse", "together"]
    assert schedule("no-stage-1") == full[1:] and schedule("no-stage-2") == (full[0], full[2])
    assert schedule("no-stage-3") == full[:2] and not any("mask" in s.terms for s in schedule("no-stage-1"))
    assert not any(stage.layout or "common" in stage.learns for stage in schedule("no-global"))
    assert set(schedule("end-to-end")[0].terms) == {"mask", "local", "align", "fusion"}
    with pytest.raises(UnknownName, match="no-global"):
        schedule("no-glbal")


def test_a_child_learns_through_its_frozen_parents(stylegan2, regions, draw):
    tree = {"all": ("left", "rest"), "rest": ("middle", "right")}
    parent = random_net(1).eval().requires_grad_(False)
    hierarchy = Hierarchy.of(tree, {"all": parent})
    others = {"all": draw.other, "left": draw.layout}
    groups = (hierarchy.leaves("middle"), hierarchy.leaves("right"))
    scene = Scene(stylegan2, regions, groups, lambda code: hierarchy.fuse({**others, "rest": code}))
    through = scene.look(draw.first).image
    assert torch.equal(through, stylegan2(parent(draw.layout, draw.first, draw.other)).image)
    net = random_net()
    stage = schedule("full")[-1]
    set_learning(net, stage)
    total(stage_terms(stage, net, draw, scene), FusionLossConfig()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
    assert all(p.grad is None for p in parent.parameters())
