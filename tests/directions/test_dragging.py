"""Dragging: handles come nearer to their targets, in the chosen rows alone; what is no point is refused."""

import pytest
import torch

from baselines.stylegan2 import StyleGAN2Config
from directions import DragConfig, Dragging
from directions.dragging import motion, offsets, track
from semedit.editing.requests.records import DragRecord
from semedit.errors import ConfigError
from tests.baselines.networks import random_stylegan2

QUICK = DragConfig(steps=3, lr=0.05)


def blob(x: float, y: float, side: int = 16) -> torch.Tensor:
    """Features (1, 2, h, w) with a hill at a point in 0..1."""
    line = (torch.arange(side) + 0.5) / side
    far = (line[None, :] - x).square() + (line[:, None] - y).square()
    return torch.stack([torch.exp(-far / 0.02), 1 - torch.exp(-far / 0.02)])[None]


def test_a_hill_that_has_moved_is_found_again():
    here, pixel = 8.5 / 16, 1 / 32
    looks, there = torch.tensor([[[[1.0]], [[0.0]]]]), (here + 4 * pixel, here - 2 * pixel)
    found = track(blob(*there), looks, torch.tensor([[[here, here]]]), 4 * pixel, pixel)
    torch.testing.assert_close(found, torch.tensor([[there]]))


def test_where_all_looks_alike_a_handle_stays():
    handle = torch.tensor([[[0.3, 0.6]]])
    assert torch.equal(track(torch.ones(1, 2, 8, 8), torch.ones(1, 2, 1, 1), handle, 0.2, 0.05), handle)


def test_motion_pulls_a_hill_towards_the_target():
    """Of a hill that may be shifted, the loss's slope is downwards to the target's side, and nothing at the target."""
    line = (torch.arange(16) + 0.5) / 16
    shift = torch.zeros((), requires_grad=True)
    hill = torch.exp(-((line[None, :] - 0.5 - shift).square() + (line[:, None] - 0.5).square()) / 0.02)[None, None]
    handle = torch.tensor([[[0.5, 0.5]]])
    for side in (1, -1):
        target = handle + torch.tensor([0.2 * side, 0.0])
        slope = torch.autograd.grad(motion(hill, handle, target, 3, 1 / 32).sum(), shift, retain_graph=True)[0]
        assert slope * side < 0
    assert motion(hill, handle, handle, 3, 1 / 32).item() == 0


def test_offsets_are_whole_px_nearest_first():
    square, disc = (offsets(3, kind, torch.zeros(1)) for kind in (False, True))
    assert len(square) == 49 and square[0].tolist() == [0, 0] and len(disc) == 29
    assert (square.norm(dim=1).diff() >= 0).all()


def test_a_step_lowers_what_it_searches_and_other_rows_stay(small, codes):
    """Of a random generator: after some steps the features at the next place are nearer to those at the handle."""
    handle, target = (0.5, 0.5), (0.7, 0.5)
    drag = Dragging(small, [handle], [target], "region1", DragConfig(steps=6, lr=0.05, mask_weight=0))
    edited = drag.edit(codes, 1.0)
    rows = codes.rows("region1")
    others = [row for row in range(codes.layout.rows) if row not in rows]
    before = codes.wplus().data
    assert torch.equal(edited.data[:, others], before[:, others])
    assert (edited.data[:, list(rows)] != before[:, list(rows)]).any()
    assert torch.equal(edited.undo().data, codes.data)
    for past in edited.pasts:
        told = DragRecord.of(past.history[-1])
        assert told.handles[0] == pytest.approx(handle) and told.steps <= 6 and told.stopped in ("steps", "reached")


def test_what_is_at_its_target_stays(small, codes):
    """The search ends at once, before its first step."""
    edited = Dragging(small, [(0.5, 0.5)], [(0.51, 0.5)], config=QUICK).edit(codes, 1.0, "region1")
    assert torch.equal(edited.data, codes.wplus().data)
    assert {(past.history[-1]["steps"], past.history[-1]["stopped"]) for past in edited.pasts} == {(0, "reached")}


def test_the_mask_holds_the_rest(small, codes):
    """The more weight it has, the less changes outside the regions."""
    labels, start = small(codes).labels, small(codes).image
    far = (labels != 1)[:, None] & torch.ones_like(start, dtype=torch.bool)
    changed = []
    for weight in (0.0, 1000.0):
        drag = Dragging(small, [(0.5, 0.5)], [(0.6, 0.5)], "region1", DragConfig(steps=5, lr=0.02, mask_weight=weight))
        changed.append((small(drag.edit(codes, 1.0)).image - start)[far].abs().mean().item())
    assert changed[1] < changed[0]


def test_progress_is_told_and_a_second_strength_needs_no_search(small, codes):
    heard = []
    drag = Dragging(small, [(0.5, 0.5)], [(0.9, 0.5)], "region1", QUICK, lambda *at: heard.append(at))
    whole = drag.edit(codes, 1.0)
    count = len(heard)
    half = drag.edit(codes, 0.5)
    assert count and heard[0] == (0, 3) and len(heard) == count
    start = codes.wplus().data
    torch.testing.assert_close(half.data, (start + whole.data) / 2)


def test_a_generator_without_regions_is_dragged_whole():
    generator = random_stylegan2(
        StyleGAN2Config(size=32, style_dim=16, mapping_layers=2, channels={4: 16, 8: 16, 16: 8, 32: 8})
    )
    code = generator.latent(torch.randn(1, 16, generator=torch.Generator().manual_seed(0)))
    edited = Dragging(generator, [(0.4, 0.4)], [(0.7, 0.4)], config=QUICK).edit(code, 1.0)
    assert not torch.equal(edited.data, code.wplus().data) and edited.history[-1]["regions"] == "all"


@pytest.mark.parametrize("handles, targets, words", [
    ([(0.5, 0.5)], [], "1 handles and 0 targets"),
    ([], [], "0 handles"),
    ([(1.5, 0.5)], [(0.5, 0.5)], "between 0 and 1"),
    ([(0.5, 0.5)], [(0.5, -0.1)], "between 0 and 1"),
    ([(float("nan"), 0.5)], [(0.5, 0.5)], "finite"),
])  # fmt: skip
def test_what_is_no_point_is_refused(small, handles, targets, words):
    with pytest.raises(ConfigError, match=words):
        Dragging(small, handles, targets)
