"""InterFaceGAN's golden values, and the contract that every editor keeps."""

import numpy as np
import pytest
import torch

from directions import (
    EDITORS,
    DirectionLibrary,
    InterFaceGAN,
    RegionMasked,
    manipulate,
    project,
    select_extremes,
)
from semedit.errors import ConfigError, LatentError, NotFitted, UnknownName


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


def fitted(width: int = 16, seed: int = 0) -> InterFaceGAN:
    random = np.random.default_rng(seed)
    codes = random.normal(size=(2000, width)).astype(np.float32)
    normal = random.normal(size=width)
    return InterFaceGAN("smile", chosen=0.1).fit(codes, (codes @ normal).astype(np.float32))


def test_toy_data_gives_back_its_normal():
    random = np.random.default_rng(1)
    codes, normal = random.normal(size=(5000, 8)).astype(np.float32), unit(1, -2, 0, 3, 0, 0, 1, 0)
    direction = InterFaceGAN("x", chosen=0.1).fit(codes, codes @ normal).direction_
    assert np.degrees(np.arccos(direction @ normal)) < 5 and abs(np.linalg.norm(direction) - 1) < 1e-6


def test_invalid_scores_are_dropped_and_too_few_refused():
    codes = np.random.default_rng(0).normal(size=(400, 4)).astype(np.float32)
    scores = codes[:, 0].copy()
    scores[:200] = -1
    editor = InterFaceGAN("x", chosen=0.5, invalid=-1).fit(codes, scores)
    assert editor.report_.chosen == 100
    with pytest.raises(ConfigError, match="at least 2"):
        InterFaceGAN("x", chosen=0.02).fit(codes[:20], scores[:20])


@pytest.fixture(params=sorted(EDITORS))
def editor(request):
    assert request.param == "interfacegan"
    return fitted()


@pytest.fixture
def codes(small):
    return small.latent(torch.randn(3, 16, generator=torch.Generator().manual_seed(2)))


class TestContract:
    """What every editor of the registry must do."""

    def test_strength_zero_is_the_identity_bit_for_bit(self, editor, codes, small):
        edited = editor.edit(codes, 0.0, "all")
        assert torch.equal(edited.data, codes.wplus().data)
        assert torch.equal(small(edited).image, small(codes).image)

    @pytest.mark.parametrize("regions", ["region1", "region2:shape", "region3:texture,region4", "pose"])
    def test_other_rows_stay_bit_identical(self, editor, codes, regions):
        edited, rows = editor.edit(codes, 1.5, regions), codes.rows(regions)
        others = [r for r in range(codes.layout.rows) if r not in rows]
        before = codes.wplus().data
        assert torch.equal(edited.data[:, others], before[:, others])
        assert (edited.data[:, rows] != before[:, rows]).any()

    def test_texture_edits_keep_the_coarse_mask(self, editor, codes, small):
        edited = editor.edit(codes, 2.0, "region1:texture,region2:texture")
        assert torch.equal(small(edited).coarse_segmentation, small(codes).coarse_segmentation)

    def test_plus_then_minus_returns(self, editor, codes):
        there_and_back = editor.edit(editor.edit(codes, 1.0, "all"), -1.0, "all")
        torch.testing.assert_close(there_and_back.data, codes.wplus().data, rtol=0, atol=1e-6)
        assert [event["strength"] for event in there_and_back.history] == [1.0, -1.0]

    def test_a_batch_equals_one_by_one(self, editor, codes):
        together = editor.edit(codes, 1.0, "region1")
        for index in range(3):
            assert torch.equal(together.data[index], editor.edit(codes[index], 1.0, "region1").data[0])

    def test_region_masking_wraps_it(self, editor, codes):
        wrapped = RegionMasked(editor, "region1").edit(codes, 1.0)
        assert torch.equal(wrapped.data, editor.edit(codes, 1.0, "region1").data)

    def test_unknown_regions_are_refused(self, editor, codes):
        with pytest.raises(UnknownName, match="region1"):
            editor.edit(codes, 1.0, "mouht")


def test_use_before_fit():
    with pytest.raises(NotFitted, match="before fit"):
        InterFaceGAN("smile").edit(None, 1.0)  # type: ignore[arg-type]


def test_fitting_twice_equals_fitting_once():
    assert np.array_equal(fitted().direction_, fitted().direction_)


def test_preserving_makes_directions_orthogonal():
    one, other = fitted(seed=1), fitted(seed=2)
    assert abs(one.preserving([other]).direction_ @ other.direction_) < 1e-6


def test_a_library_survives_its_file_and_knows_its_generator(tmp_path, small):
    library = DirectionLibrary({"smile": fitted()}, small.fingerprint)
    library["smile"].scale_, library["smile"].regions_ = 2.5, "region1"
    library.save(tmp_path / "d.safetensors")
    again = DirectionLibrary.load(tmp_path / "d.safetensors", small.fingerprint)
    assert np.array_equal(again["smile"].direction_, library["smile"].direction_)
    assert (again["smile"].scale_, again["smile"].regions_) == (2.5, "region1") and len(again) == 1
    with pytest.raises(LatentError, match="not of other"):
        DirectionLibrary.load(tmp_path / "d.safetensors", "other")
    with pytest.raises(UnknownName, match="smile"):
        again["bald"]
