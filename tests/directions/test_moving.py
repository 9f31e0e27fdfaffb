"""Moving and zooming regions: exact, per region, kept in the history, taken back bit for bit."""

import pytest
import torch

from directions import RegionMove
from semedit.errors import ConfigError, LatentError, UnknownName
from semedit.latents.latent import Latent
from semedit.latents.placement import Placement
from semedit.networks.placing import placed_options


def test_no_row_changes_and_the_picture_does(small, codes):
    moved = RegionMove(small, 0.1, -0.05).edit(codes, 1.0, "region1")
    assert torch.equal(moved.data, codes.data)
    assert not torch.equal(small(moved).image, small(codes).image)
    assert torch.equal(small(moved.undo()).image, small(codes).image)


def test_only_the_chosen_regions_depth_moves(small, codes):
    """By a step of the coarse grid, the region's depth is the same map, shifted; all others stay."""
    size = small.config.coarse_size
    shift = 1 / (size - 1)  # one step of -1..1 inclusive, as a share of the side
    moved = RegionMove(small, shift).edit(codes, 1.0, "region1")
    then, now = small(codes).depths, small(moved).depths
    torch.testing.assert_close(now[:, 1, :, 1:], then[:, 1, :, :-1], rtol=1e-3, atol=1e-4)
    others = [0, 2, 3, 4]
    torch.testing.assert_close(now[:, others], then[:, others], rtol=1e-4, atol=1e-5)


def test_nothing_is_read_outside_the_picture(small, codes):
    """There, Fourier features repeat: a region moved to the right is left out at the left border, the background is
    not."""
    moved = RegionMove(small, 0.25).edit(codes, 1.0, "region0,region1")
    options = placed_options(moved, small.config.coarse_size, "cpu")
    left = small.config.coarse_size // 4 - 1
    shown = options["composition"]
    assert (shown[:, 1, :, :left] == 0).all() and (shown[:, 1, :, left + 2 :] == 1).all()
    assert (shown[:, [0, 2, 3, 4]] == 1).all() and options["coords"][:, 0].abs().max() <= 1
    assert (small(moved).coarse_segmentation[:, 1, :, :left] == -1).all()


def test_there_and_back_again(small, codes):
    there = RegionMove(small, 0.1, 0.2).edit(codes, 1.0, "region1,region2")
    back = RegionMove(small, -0.1, -0.2).edit(there, 1.0, "region1,region2")
    torch.testing.assert_close(small(back).image, small(codes).image, rtol=0, atol=1e-4)
    assert [event["right"] for event in back.history] == [0.1, -0.1]


def test_a_zoom_keeps_its_centre():
    placed = Placement().moved(0.0, 0.0, 2.0, (0.5, -0.25))
    assert placed.scale * 0.5 + placed.right == pytest.approx(0.5)
    assert placed.scale * -0.25 + placed.down == pytest.approx(-0.25) and placed.scale == 0.5
    again = placed.moved(0.1, 0.0, 1.0, (0.0, 0.0))  # moved afterwards, what was at 0.5 is 0.2 further
    assert again.scale * 0.7 + again.right == pytest.approx(0.5)


def test_strength_scales_it_and_zero_is_nothing(small, codes):
    mover = RegionMove(small, 0.2, 0.0)
    half = placed_options(mover.edit(codes, 0.5, "region1"), 4, "cpu")["coords"]
    whole = placed_options(RegionMove(small, 0.1).edit(codes, 1.0, "region1"), 4, "cpu")["coords"]
    assert torch.equal(half, whole)
    assert torch.equal(small(mover.edit(codes, 0.0, "region1")).image, small(codes).image)


def test_a_batch_equals_one_by_one(small, codes):
    mover = RegionMove(small, 0.05, 0.0, 1.3)
    together = mover.edit(codes, 1.0, "region2")
    for index, one in enumerate(codes):
        assert together[index].metadata == mover.edit(one, 1.0, "region2").metadata


def test_it_is_kept_in_the_file_and_seen_by_later_edits(small, codes, tmp_path):
    moved = RegionMove(small, 0.1, 0.0).edit(codes[0], 1.0, "region1")
    later = moved.with_rows(codes[1], codes.rows("region2")).edited_from(moved, method="transfer", regions="region2")
    later.save(tmp_path / "l.safetensors")
    loaded = Latent.load(tmp_path / "l.safetensors")
    assert torch.equal(small(loaded).image, small(later).image)
    assert torch.equal(small(loaded.undo()).image, small(moved).image)
    assert torch.equal(small(loaded.undo(2)).image, small(codes[0]).image)


@pytest.mark.parametrize("options", [{"right": 2.0}, {"zoom": 0.0}, {"zoom": float("nan")}, {"down": float("inf")}])
def test_what_is_out_of_range_is_refused(small, options):
    with pytest.raises(ConfigError):
        RegionMove(small, **options)


def test_parts_and_unknown_regions_are_refused(small, codes):
    mover = RegionMove(small, 0.1)
    for regions in ("region1:shape", "pose"):
        with pytest.raises(ConfigError, match="whole regions"):
            mover.edit(codes, 1.0, regions)
    with pytest.raises(UnknownName, match="region1"):
        mover.edit(codes, 1.0, "regoin1")
    for wrong in ({"region1": [1.0, "x", 0.0]}, {"region1": [0.0, 0.0, 0.0]}, [1], "x"):
        with pytest.raises(LatentError, match="placement"):
            small(codes.annotated(placements=wrong))
