"""The invariants of the generator, and the contract of the generator's call."""

import pytest
import torch
from torch.nn import functional as F

from semedit.errors import ConfigError, LatentError
from semedit.latents.regions import generic_regions
from semedit.networks.generator import GeneratorConfig, SemanticGenerator
from tests.conftest import SMALL, random_generator


@pytest.fixture
def wplus(small):
    return torch.randn(2, small.layout.rows, 16, generator=torch.Generator().manual_seed(1))


def changed(latent, row):
    other = latent.clone()
    other[:, row] += 0.5
    return other


def test_masks_sum_to_one_and_background_depth_is_zero(small, wplus):
    out = small(wplus)
    masks = (out.coarse_segmentation + 1) / 2
    assert (masks >= 0).all()
    torch.testing.assert_close(masks.sum(1), torch.ones_like(masks.sum(1)), rtol=0, atol=1e-6)
    assert (out.depths[:, 0] == 0).all()


@pytest.mark.parametrize("region", range(5))
def test_texture_rows_leave_depths_and_coarse_mask_bit_identical(small, wplus, region):
    before, after = small(wplus), small(changed(wplus, small.layout.base_rows + 2 * region + 1))
    assert torch.equal(before.depths, after.depths)
    assert torch.equal(before.coarse_segmentation, after.coarse_segmentation)
    assert not torch.equal(before.image, after.image)
    assert not torch.equal(before.segmentation, after.segmentation)


@pytest.mark.parametrize("region", range(1, 5))
def test_shape_row_changes_its_own_depth_only(small, wplus, region):
    before, after = small(wplus), small(changed(wplus, small.layout.base_rows + 2 * region))
    for other in range(5):
        assert torch.equal(before.depths[:, other], after.depths[:, other]) == (other != region)


def test_background_shape_row_leaves_the_coarse_mask(small, wplus):
    before, after = small(wplus), small(changed(wplus, small.layout.base_rows))
    assert torch.equal(before.coarse_segmentation, after.coarse_segmentation)


def test_base_rows_change_every_foreground_depth_and_no_background_feature(small, wplus):
    before, after = small(wplus), small(changed(wplus, 0))
    for region in range(1, 5):
        assert not torch.equal(before.depths[:, region], after.depths[:, region])
    only_background = torch.tensor([[1.0, 0, 0, 0, 0]]).expand(2, -1)
    pictures = [small(code, composition=only_background).image for code in (wplus, changed(wplus, 0))]
    torch.testing.assert_close(*pictures, rtol=0, atol=1e-5)


def test_the_three_forms_of_a_code_agree_bit_for_bit(small):
    w = torch.randn(2, 16)
    wplus = w[:, None].repeat(1, small.layout.rows, 1)
    expanded = small.layout.expand(w).flatten(1, 2)
    images = [small(code).image for code in (w, wplus, expanded)]
    assert torch.equal(images[0], images[1]) and torch.equal(images[0], images[2])


def test_composition_of_background_alone(small, wplus):
    only_background = torch.tensor([[1.0, 0, 0, 0, 0]]).expand(2, -1)
    masks = (small(wplus, composition=only_background).coarse_segmentation + 1) / 2
    assert (masks[:, 1:] == 0).all() and (masks[:, 0] > 0.9999).all()


def test_no_transparent_regions_means_weights_are_masks(small):
    generator = random_generator(SMALL.model_copy(update={"transparent": ()}))
    masks, weights = generator.composite(torch.randn(1, 5, 9), None)
    assert torch.equal(masks, weights)


def test_blending_weights_sum_to_one_plus_transparent_masks(small):
    masks, weights = small.composite(torch.randn(1, 5, 9), None)
    torch.testing.assert_close(weights.sum(1), 1 + masks[:, 3], rtol=0, atol=1e-6)


def test_coords_move_one_region_only(small, wplus):
    grid = torch.stack(torch.meshgrid(torch.linspace(-1, 1, 16), torch.linspace(-1, 1, 16), indexing="xy"))
    coords = grid.expand(2, 5, 2, 16, 16).clone()
    still = small(wplus, coords=coords)
    torch.testing.assert_close(still.depths, small(wplus).depths, rtol=1e-5, atol=1e-5)
    coords[:, 2, 0] += 4 / 15  # two samples to the left
    moved = small(wplus, coords=coords)
    for region in (0, 1, 3, 4):
        assert torch.equal(still.depths[:, region], moved.depths[:, region])
    torch.testing.assert_close(moved.depths[:, 2, :, :-2], still.depths[:, 2, :, 2:], rtol=1e-4, atol=1e-4)


def test_noise_is_const_random_or_given(small, wplus):
    assert torch.equal(small(wplus).image, small(wplus, noise="const").image)
    assert not torch.equal(small(wplus, noise="random").image, small(wplus, noise="random").image)
    assert torch.equal(small(wplus, noise=small.render.noise_buffers()).image, small(wplus).image)
    with pytest.raises(ConfigError, match="4 maps"):
        small(wplus, noise=[torch.zeros(1, 1, 4, 4)])
    with pytest.raises(ConfigError, match="'const', 'random'"):
        small(wplus, noise="none")


@pytest.mark.parametrize("shape", [(16,), (1, 7, 16), (1, 3, 12, 16)])
def test_other_shapes_are_refused_with_the_valid_ones(small, shape):
    with pytest.raises(LatentError, match=r"\(B, D\), \(B, 12, D\) or \(B, 25, D\)"):
        small(torch.zeros(shape))


def test_wrong_width_and_foreign_latents_are_refused(small):
    with pytest.raises(LatentError, match="width 8"):
        small(torch.zeros(1, 8))
    foreign = random_generator(seed=5)
    with pytest.raises(LatentError, match=f"{foreign.fingerprint}.*{small.fingerprint}"):
        small(foreign.latent(torch.zeros(1, 16)))


def test_every_parameter_gets_a_gradient():
    generator = SemanticGenerator(SMALL, generic_regions(5, (3,)))
    z = torch.randn(2, 16)
    out = generator(generator.mapping(z), noise="random")
    (out.image.sum() + out.segmentation.square().sum()).backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name


def test_detach_texture_stops_the_gradient_between_texture_and_shape():
    generator = SemanticGenerator(SMALL.model_copy(update={"detach_texture": True}), generic_regions(5, (3,)))
    code = torch.randn(1, generator.layout.rows, 16, requires_grad=True)
    x, _ = generator.local(generator.codes(code), torch.zeros(2, 16, 16))
    x.sum().backward()
    assert (code.grad[0, 2 + 2] == 0).all() and (code.grad[0, 2 + 3] != 0).any()  # region 1: shape stopped
    assert (code.grad[0, 2] != 0).any()  # the background is not


def test_folded_weights_follow_every_way_of_changing_them(small):
    generator, w = random_generator(seed=3), torch.randn(1, 16)
    first = generator(w).image
    with torch.no_grad():
        generator.render.blocks[0].conv.weight.mul_(-1)
    assert not torch.equal(first, generator(w).image)
    # A fused optimiser does not advance the version counter; the forward that built its graph drops what was kept.
    generator.requires_grad_(True)
    optimiser = torch.optim.Adam(generator.parameters(), lr=0.1, fused=True)
    before = generator(w).image
    before.sum().backward()
    optimiser.step()
    generator.requires_grad_(False)
    after = generator(w).image
    fresh = SemanticGenerator(generator.config, generator.regions)
    fresh.load_state_dict(generator.state_dict())
    torch.testing.assert_close(after, fresh(w).image.detach(), rtol=0, atol=1e-5)
    assert not torch.allclose(before, after)


def test_gradient_checkpointing_changes_nothing():
    generator = random_generator(seed=2).requires_grad_(True)
    w = torch.randn(1, 16)
    generator(w).image.sum().backward()
    plain = [p.grad.clone() for p in generator.render.parameters()]
    generator.zero_grad()
    generator.render.gradient_checkpointing = True
    generator(w).image.sum().backward()
    for one, other in zip(plain, (p.grad for p in generator.render.parameters()), strict=True):
        torch.testing.assert_close(one, other)


def test_bad_configurations_are_refused():
    with pytest.raises(ConfigError, match="power of two"):
        GeneratorConfig(size=100)
    with pytest.raises(ConfigError, match="base_layers <= depth_layers"):
        GeneratorConfig(depth_layers=1)
    with pytest.raises(ConfigError, match="valid options"):
        GeneratorConfig(sice=64)
    with pytest.raises(ConfigError, match=r"transparent.*0\.\.12"):
        GeneratorConfig(transparent=(13,))


def test_labels_are_the_argmax(small, wplus):
    out = small(wplus)
    assert torch.equal(out.labels, F.softmax(out.segmentation, 1).argmax(1))
