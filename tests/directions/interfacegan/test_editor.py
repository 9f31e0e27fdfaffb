"""InterFaceGAN: golden values of its formulas, and what a direction is."""

import json

import numpy as np
import pytest
import torch

from directions import BoundaryReport, Calibration, InterFaceGAN, manipulate, project, select_extremes
from semedit.errors import ConfigError, LatentError, NotFitted
from tests.directions.conftest import fitted


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, dtype=np.float32)
    return vector / np.linalg.norm(vector)


N, N1, N2, N3 = unit(1, 2, 3, 4), unit(1, 0, 1, 0), unit(0, 1, 1, 1), unit(1, 1, 0, 0)


@pytest.mark.parametrize("conditions, expected", [
    ([], N),
    ([N1], [-0.21320072, 0.42640143, 0.21320072, 0.85280287]),
    ([N1, N2], [0.25819889, -0.51639776, -0.25819886, 0.77459669]),
    ([N1, N2, N3], [0.37796447, -0.37796447, -0.37796447, 0.75592895]),
])  # fmt: skip
def test_projection_golden_values(conditions, expected):
    result = project(N, conditions)
    np.testing.assert_allclose(result, expected, atol=1e-5)
    assert abs(np.linalg.norm(result) - 1) < 1e-6 and all(abs(result @ c) < 1e-6 for c in conditions)


def test_projection_that_leaves_nothing_is_an_error():
    with pytest.raises(ConfigError, match="nothing is left"):
        project(N, [N])
    with pytest.raises(ConfigError, match="linearly"):
        project(N, [N1, N1])


def test_manipulation_golden_values():
    n, distances = torch.from_numpy(N), torch.linspace(-3, 3, 3)
    moved = manipulate(torch.tensor([[1.0, 0, 0, 0]]), n, distances)
    expected = [[0.41894409, -1.16211181, -1.74316772, -2.32422363], [0.96666667, -0.06666667, -0.1, -0.13333333],
                [1.51438921, 1.02877842, 1.54316763, 2.05755683]]  # fmt: skip
    torch.testing.assert_close(moved, torch.tensor(expected), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(moved @ n, distances, rtol=1e-5, atol=1e-5)
    rows = manipulate(torch.ones(1, 3, 4), n, distances)
    ends = [[0.45227744, -0.09544512, -0.64316767, -1.19089023], [1.54772256, 2.09544512, 2.64316767, 3.19089023]]
    for index, end in zip((0, 2), ends, strict=True):
        torch.testing.assert_close(rows[index], torch.tensor(end).expand(3, -1), rtol=1e-5, atol=1e-5)
    with pytest.raises(LatentError):
        manipulate(torch.zeros(4), n, distances)


@pytest.mark.parametrize("count, chosen, wanted", [(50_000, 0.02, 1000), (100, 1.0, 50), (100, 30, 30), (100, 80, 50)])
def test_extremes(count, chosen, wanted):
    scores = np.random.default_rng(0).random(count).astype(np.float32)
    high, low, rest = select_extremes(scores, chosen)
    assert len(high) == len(low) == wanted and len(rest) == count - 2 * wanted
    assert scores[high].min() >= scores[low].max()


def test_training_split_of_the_paper():
    codes = np.random.default_rng(0).normal(size=(50_000, 3)).astype(np.float32)
    report = InterFaceGAN("x").fit(codes, codes[:, 0]).report_
    assert (report.chosen, report.train) == (1000, 700)
    assert report.validation_accuracy > 0.99 and report.remaining_accuracy > 0.9


def test_toy_data_gives_back_its_normal():
    random = np.random.default_rng(1)
    codes, normal = random.normal(size=(5000, 8)).astype(np.float32), unit(1, -2, 0, 3, 0, 0, 1, 0)
    direction = InterFaceGAN("x", chosen=0.1).fit(codes, codes @ normal).direction_
    assert np.degrees(np.arccos(direction @ normal)) < 5 and abs(np.linalg.norm(direction) - 1) < 1e-6


def test_a_small_cost_joins_the_means_of_the_extremes():
    """Where codes hardly vary, a boundary may lie along anything; the difference of the means does not."""
    random = np.random.default_rng(2)
    codes = random.normal(size=(4000, 6)).astype(np.float32) * np.float32([3, 1, 1, 1, 1, 0.01])
    scores = codes[:, 0] / 3 + 0.3 * np.abs(codes[:, 1]) + 40 * codes[:, 5]
    high, low = np.argsort(-scores)[:400], np.argsort(scores)[:400]
    means = codes[high].mean(0) - codes[low].mean(0)
    small, usual = (InterFaceGAN("x", chosen=0.1, split=1, cost=c).fit(codes, scores) for c in (1e-6, 1.0))
    assert small.direction_ @ means / np.linalg.norm(means) > 0.9999 > usual.direction_ @ means / np.linalg.norm(means)
    again = InterFaceGAN.from_state("x", small.tensors(), small.state())
    assert again.cost == small.cost and np.array_equal(again.direction_, small.direction_)
    with pytest.raises(ConfigError, match="cost is 0"):
        InterFaceGAN("x", cost=0)


def test_missing_scores_are_left_out_and_too_few_refused():
    codes = np.random.default_rng(0).normal(size=(400, 4)).astype(np.float32)
    scores = codes[:, 0].copy()
    scores[:200] = np.nan
    editor, rest = InterFaceGAN("x", chosen=0.5), InterFaceGAN("x", chosen=0.5)
    assert editor.fit(codes, scores).report_.chosen == 100
    assert np.array_equal(editor.direction_, rest.fit(codes[200:], scores[200:]).direction_)
    with pytest.raises(ConfigError, match="at least 2"):
        InterFaceGAN("x", chosen=0.02).fit(codes[:20], scores[:20])


def test_use_before_fit():
    with pytest.raises(NotFitted, match="before fit"):
        InterFaceGAN("smile").edit(None, 1.0)  # type: ignore[arg-type]


def test_preserving_makes_directions_orthogonal():
    one, other = fitted(seed=1), fitted(seed=2)
    assert abs(one.preserving([other]).direction_ @ other.direction_) < 1e-6


def test_a_local_direction_takes_its_rows_unless_the_edit_is_unmasked(codes):
    other = fitted(seed=2, regions="region1")
    editor = fitted(seed=1).with_local(other).calibrated(Calibration("all", 2.0, 0.5))
    before, rows = codes.wplus().data, list(codes.rows("region1"))
    masked = editor.edit(codes, 1.0, "region1,region2").data - before
    torch.testing.assert_close(masked[:, rows], 2 * torch.from_numpy(other.direction_).expand(3, 2, -1))
    torch.testing.assert_close(masked[:, list(codes.rows("region2"))][0, 0], 0.5 * torch.from_numpy(editor.direction_))
    free = editor.edit(codes, 1.0, "all").data - before
    torch.testing.assert_close(free, 0.5 * torch.from_numpy(editor.direction_).expand_as(free))
    third = fitted(seed=3)
    assert abs(editor.preserving([third]).local_.direction_ @ third.direction_) < 1e-6


def test_all_extremes_may_be_trained_on():
    """Where nothing is held out, or nothing is left over, there is no accuracy; the report stays JSON."""
    random = np.random.default_rng(0)
    codes = random.normal(size=(400, 4)).astype(np.float32)
    editor = InterFaceGAN("x", chosen=0.5, split=1.0).fit(codes, codes[:, 0])
    assert editor.report_ == BoundaryReport(200, 200, None, None)
    assert json.loads(json.dumps(editor.state(), allow_nan=False)) == editor.state()
    assert InterFaceGAN("x", chosen=0.5).fit(codes, codes[:, 0]).report_.remaining_accuracy is None
    with pytest.raises(ConfigError, match="none to learn from"):
        InterFaceGAN("x", chosen=0.5, split=0.0).fit(codes, codes[:, 0])


def test_invalid_scores_are_left_out_and_the_mark_is_kept():
    codes = np.random.default_rng(0).normal(size=(400, 4)).astype(np.float32)
    scores = codes[:, 0].copy()
    scores[:200] = -9
    editor, rest = InterFaceGAN("x", chosen=0.5, invalid=-9), InterFaceGAN("x", chosen=0.5)
    assert np.array_equal(editor.fit(codes, scores).direction_, rest.fit(codes[200:], scores[200:]).direction_)
    again = InterFaceGAN.from_state("x", editor.tensors(), editor.state())
    assert again.invalid == -9 and again.state() == editor.state()
