"""CIELAB by the standard and by the released code of Editing in Style; errors inside and outside a region."""

import pytest
import torch

from semedit.metrics.cielab import error_map, protocol, region_error, to_lab

COLOURS = {"white": (1, 1, 1), "red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "grey": (0.5, 0.5, 0.5)}
OFFICIAL = {
    "white": (106.991547, -90.875565, 5.305409), "red": (66.334602, 23.652584, 32.104385),
    "green": (87.735100, -143.586578, 97.914177), "blue": (41.087574, -109.578087, -92.698853),
    "grey": (57.571182, -54.360031, 3.173604),
}  # fmt: skip
CORRECT = {"white": (100, 0, 0), "red": (53.24, 80.09, 67.20), "green": (87.73, -86.18, 83.18),
           "blue": (32.30, 79.19, -107.86), "grey": (53.39, 0, 0)}  # fmt: skip


def picture(colour):
    return 2 * torch.tensor(colour, dtype=torch.float32)[None, :, None, None] - 1


@pytest.mark.parametrize("name", COLOURS)
def test_the_released_conversion_is_reproduced(name):
    found = to_lab(picture(COLOURS[name]), "official").flatten().tolist()
    assert found == pytest.approx(OFFICIAL[name], rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("name", COLOURS)
def test_the_correct_conversion_is_the_standards(name):
    found = to_lab(picture(COLOURS[name])).flatten().tolist()
    assert found == pytest.approx(CORRECT[name], abs=0.05)
    assert protocol("official") == "cielab-official" and protocol("correct", 16) == "cielab@16"


def test_black_is_black_and_gradients_are_finite():
    black = torch.full((1, 3, 2, 2), -1.0, requires_grad=True)
    lab = to_lab(black)
    torch.testing.assert_close(lab, torch.zeros_like(lab), atol=1e-4, rtol=0)
    lab.sum().backward()
    assert black.grad.isfinite().all()


@pytest.mark.parametrize("conversion", ["official", "correct"])
def test_inside_and_outside_make_up_the_whole(conversion):
    a, b = torch.rand(2, 2, 3, 8, 8) * 2 - 1
    mask = torch.zeros(2, 1, 8, 8)
    mask[0, :, :3], mask[1, :, :, 5:] = 1, 1
    found, whole = region_error(a, b, mask, conversion), error_map(a, b, conversion).mean((1, 2))
    area = mask.mean((1, 2, 3))
    torch.testing.assert_close(area * found.inside + (1 - area) * found.outside, whole)
    changed = torch.where(mask.bool(), b, a)
    local = region_error(a, changed, mask, conversion)
    assert (local.inside > 0).all() and local.outside.tolist() == [0, 0]
    assert error_map(a, a, conversion).abs().max() == 0
    assert region_error(a, b, torch.zeros(1, 1, 8, 8), conversion).inside.isnan().all()


def test_a_difference_of_lightness_counts_in_bytes():
    """White against black: L differs by 100, which is 255 in 8 bits, and nothing else does."""
    ends = picture((1, 1, 1)), picture((0, 0, 0))
    assert error_map(*ends).item() == pytest.approx(1 / 3, abs=1e-3)
