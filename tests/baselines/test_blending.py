"""Feature blending and Poisson blending: what is taken from where, exactly."""

import pytest
import torch

from baselines.blending import blend_features, blend_poisson
from baselines.stylegan2 import StyleCode
from semedit.errors import ConfigError, ImageError
from tests.baselines.networks import random_codes


@pytest.fixture
def pair(stylegan2):
    codes = stylegan2.styles(random_codes(stylegan2, 4))
    return codes[:2], codes[2:]


def left_half(count: int = 1, size: int = 32) -> torch.Tensor:
    mask = torch.zeros(count, 1, size, size)
    mask[..., : size // 2] = 1
    return mask


def test_an_empty_mask_leaves_the_target_and_a_full_one_the_reference(stylegan2, pair):
    target, reference = pair
    for size in (8, 32):
        assert torch.equal(blend_features(stylegan2, target, reference, 0 * left_half(), size).image,
                           stylegan2(target).image)  # fmt: skip
    whole = blend_features(stylegan2, target, reference, 0 * left_half() + 1, 32).image
    assert torch.equal(whole, stylegan2(reference).image)


def test_a_full_mask_up_to_a_size_is_style_mixing(stylegan2, pair):
    target, reference = pair
    whole = blend_features(stylegan2, target, reference, torch.ones(1, 1, 1, 1), 8).image
    mixed = StyleCode((*reference.conv[:3], *target.conv[3:]), (*reference.rgb[:2], *target.rgb[2:]))
    torch.testing.assert_close(whole, stylegan2(mixed).image)


def test_activations_change_inside_the_mask_alone(stylegan2, pair):
    target, reference = pair
    own, other = stylegan2(target).image, stylegan2(reference).image
    image = blend_features(stylegan2, target, reference[:1], left_half(), 32).image
    reach = 8  # what the layers after the last paste see around a pixel
    change = (image - own).abs().mean((0, 1))
    assert change[:, : 16 - reach].mean() > 5 * change[:, 16 + reach :].mean()
    torch.testing.assert_close(image[..., :16], other[:1, ..., :16].expand(2, -1, -1, -1))


def test_one_by_one_is_the_same(stylegan2, pair):
    target, reference = pair
    mask = torch.cat([left_half(), 1 - left_half()])
    together = blend_features(stylegan2, target, reference, mask, 16).image
    for i in range(2):
        one = blend_features(stylegan2, target[i : i + 1], reference[i : i + 1], mask[i : i + 1], 16).image
        torch.testing.assert_close(one[0], together[i], rtol=1e-4, atol=1e-5)


def test_blending_of_features_is_checked(stylegan2, pair):
    with pytest.raises(ConfigError, match="choose from: 4, 8, 16, 32"):
        blend_features(stylegan2, *pair, left_half(), 64)
    for mask in (left_half()[0], left_half(3)):
        with pytest.raises(ImageError, match="1 or 2"):
            blend_features(stylegan2, *pair, mask)


@pytest.fixture
def pictures():
    draw = torch.Generator().manual_seed(0)
    return torch.rand(2, 3, 12, 14, generator=draw), torch.rand(2, 3, 12, 14, generator=draw)


@pytest.fixture
def patch():
    """A ring, and a piece that touches the picture's border."""
    mask = torch.zeros(2, 1, 12, 14)
    mask[0, :, 3:9, 3:9], mask[0, :, 5:7, 5:7] = 1, 0
    mask[1, :, 6:, 8:] = 1
    return mask


def test_gradients_inside_are_the_references_and_pixels_outside_the_targets(pictures, patch):
    target, reference = pictures
    made = blend_poisson(target, reference, patch)
    inside = patch.bool().expand_as(target)
    assert torch.equal(made[~inside], target[~inside])

    def laplacian(x):
        padded = torch.nn.functional.pad(x, (1, 1, 1, 1), mode="replicate")
        return padded[..., 2:, 1:-1] + padded[..., :-2, 1:-1] + padded[..., 1:-1, 2:] + padded[..., 1:-1, :-2] - 4 * x

    torch.testing.assert_close(laplacian(made)[inside], laplacian(reference)[inside], rtol=1e-4, atol=1e-4)


def test_what_is_taken_from_itself_stays(pictures, patch):
    target, reference = pictures
    for offset in (0.0, 0.3):
        for mixed in (False, True):
            made = blend_poisson(target, target + offset, patch, mixed=mixed)
            torch.testing.assert_close(made, target, rtol=1e-5, atol=1e-5)
    assert torch.equal(blend_poisson(target, reference, 0 * patch), target)
    assert torch.equal(blend_poisson(target, reference, 0 * patch + 1), reference)


def test_a_flat_reference_spans_a_membrane(pictures, patch):
    target, _ = pictures
    made = blend_poisson(target, torch.zeros_like(target), patch)
    assert made.min() >= target.min() - 1e-6 and made.max() <= target.max() + 1e-6
    torch.testing.assert_close(blend_poisson(target, 0 * target, patch, mixed=True), target, rtol=1e-5, atol=1e-5)


def test_shapes_are_checked(pictures, patch):
    target, reference = pictures
    with pytest.raises(ImageError, match="two"):
        blend_poisson(target, reference[:1], patch)
    with pytest.raises(ImageError, match="a mask of shape"):
        blend_poisson(target, reference, patch[..., :5])
