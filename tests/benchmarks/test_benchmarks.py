"""The benchmarks measure what they say; their speed is not a test's business."""

import pytest
import torch

from benchmarks import BENCHMARKS
from benchmarks.fidelity import frechet
from benchmarks.speed import compare, hot_spots, time_pair
from benchmarks.textbook import synthesise
from semedit.model import inside_share
from semedit.protocols import Synthesis
from semedit.training.supervised import mean_iou


def test_the_textbook_gives_the_same_picture(small):
    w = torch.randn(2, 16)
    image, segmentation = synthesise(small, w)
    ours = small(w)
    torch.testing.assert_close(image, ours.image, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(segmentation, ours.segmentation, rtol=1e-4, atol=1e-4)


def test_a_row_of_the_speed_table(small):
    row = compare(small, 2, "fp32", 2)
    assert row["ratio"] > 0 and row["peak_mb"] > 0 and row["difference"] < 2e-4
    assert sum(share for _, share in hot_spots(small, 1, rows=100)) == pytest.approx(1, abs=1e-3)


def test_timing_alternates():
    calls = []
    time_pair(lambda: calls.append("a"), lambda: calls.append("b"), 2)
    assert calls == ["a", "b"] * 3


def test_frechet_distance():
    a = torch.randn(4000, 5, generator=torch.Generator().manual_seed(0))
    assert frechet(a, a) == pytest.approx(0, abs=1e-6)
    assert frechet(a, a + 2.0) == pytest.approx(5 * 4.0, rel=1e-6)
    assert frechet(a, 3 * a) == pytest.approx(frechet(3 * a, a), rel=1e-6)


def test_mean_iou():
    truth = torch.tensor([[0, 0, 1, 1]])
    assert mean_iou(truth, truth, 3) == 1.0
    assert mean_iou(torch.tensor([[0, 1, 1, 1]]), truth, 3) == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_inside_share_counts_old_and_new_masks_and_their_border():
    labels, image = torch.zeros(1, 2, 9, 9), torch.zeros(1, 3, 9, 9)
    labels[:, 0] = 0.5
    labels[:, 1, 4, 4] = 1.0  # region 1 is one pixel
    old, changed = Synthesis(image, labels, labels, labels), image.clone()
    changed[..., 4, 6] = 1.0  # 2 px away: inside
    changed[..., 0, 0] = 1.0  # outside
    new = Synthesis(changed, labels, labels, labels)
    assert inside_share(old, new, (1,)).item() == pytest.approx(0.5)
    assert inside_share(old, old, (1,)).item() == 1.0


def test_the_registry_names_every_command():
    from semedit.cli.bench import app

    assert {command.name or command.callback.__name__ for command in app.registered_commands} == set(BENCHMARKS)
