"""InterFaceGAN's golden values, and the contract that every editor keeps."""

import numpy as np
import pytest
import torch

from directions import (
    METHODS,
    DirectionLibrary,
    FlowEditor,
    FlowLibrary,
    GANSpace,
    InterFaceGAN,
    RegionMasked,
    RegionTransfer,
    StyleClip,
    StyleClipConfig,
    manipulate,
    project,
    select_extremes,
)
from semedit.errors import ConfigError, LatentError, NotFitted, UnknownName
from tests.conftest import random_generator


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


def brightness(small):
    """A labeller for tests: two attributes of a code, smooth functions of its first row."""
    return lambda latent: torch.sigmoid(latent.wplus().data[:, 0, :2])


@pytest.fixture(scope="module")
def flow(small):
    codes = torch.randn(600, 16, generator=torch.Generator().manual_seed(5))
    library = FlowLibrary(("smile", "beard"), small.fingerprint, brightness(small))
    return library.fit(codes, torch.sigmoid(codes[:, :2]), epochs=12, batch=64, lr=3e-3)


@pytest.fixture(params=sorted(METHODS))
def editor(request, small, tiny_clip):
    reference = small.latent(torch.randn(1, 16, generator=torch.Generator().manual_seed(8)))
    makers = {
        "interfacegan": fitted,
        "styleflow": lambda: request.getfixturevalue("flow")["smile"],
        "styleclip": lambda: StyleClip("purple hair", small, tiny_clip, config=StyleClipConfig(steps=4)),
        "transfer": lambda: RegionTransfer(reference),
        "ganspace": lambda: GANSpace.of_generator(small, components=3, samples=200)["pc1"],
    }
    return makers[request.param]()


def same(editor, a: torch.Tensor, b: torch.Tensor, tolerance: float = 0.0) -> None:
    """Equal; a flow's codes to the accuracy of its solver, whose steps depend on everything in the batch; optimised
    ones to that of sums in another order, which Adam's first steps magnify."""
    loose = {FlowEditor: 2e-3, StyleClip: 5e-3}.get(type(editor), tolerance)
    torch.testing.assert_close(a, b, rtol=0, atol=loose)


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
        if isinstance(editor, StyleClip | RegionTransfer):
            pytest.skip("a search, and a way to a reference, have no opposite")
        there_and_back = editor.edit(editor.edit(codes, 1.0, "all"), -1.0, "all")
        same(editor, there_and_back.data, codes.wplus().data, 1e-6)
        assert [event["strength"] for event in there_and_back.history] == [1.0, -1.0]

    def test_a_batch_equals_one_by_one(self, editor, codes):
        together = editor.edit(codes, 1.0, "region1")
        for index in range(3):
            same(editor, together.data[index], editor.edit(codes[index], 1.0, "region1").data[0])

    def test_region_masking_wraps_it(self, editor, codes):
        wrapped = RegionMasked(editor, "region1").edit(codes, 1.0)
        same(editor, wrapped.data, editor.edit(codes, 1.0, "region1").data)

    def test_the_way_back_is_exact(self, editor, codes, tmp_path):
        editor.edit(editor.edit(codes, 1.0, "region1"), 0.5, "region2").save(tmp_path / "l.safetensors")
        loaded = type(codes).load(tmp_path / "l.safetensors")
        assert torch.equal(loaded.undo(2).data, codes.data) and len(loaded.undo().history) == 1

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


def test_a_local_direction_takes_its_rows_unless_the_edit_is_unmasked(codes):
    editor, other = fitted(seed=1), fitted(seed=2)
    other.regions_ = "region1"
    editor.local_, editor.scale_, editor.unmasked_scale_ = other, 2.0, 0.5
    before, rows = codes.wplus().data, list(codes.rows("region1"))
    masked = editor.edit(codes, 1.0, "region1,region2").data - before
    torch.testing.assert_close(masked[:, rows], 2 * torch.from_numpy(other.direction_).expand(3, 2, -1))
    torch.testing.assert_close(masked[:, list(codes.rows("region2"))][0, 0], 0.5 * torch.from_numpy(editor.direction_))
    free = editor.edit(codes, 1.0, "all").data - before
    torch.testing.assert_close(free, 0.5 * torch.from_numpy(editor.direction_).expand_as(free))
    third = fitted(seed=3)
    assert abs(editor.preserving([third]).local_.direction_ @ third.direction_) < 1e-6


def test_a_library_survives_its_file_and_knows_its_generator(tmp_path, small):
    library = DirectionLibrary({"smile": fitted()}, small.fingerprint)
    library["smile"].scale_, library["smile"].regions_ = 2.5, "region1"
    library["smile"].local_, library["smile"].prompts_ = fitted(seed=4), ("a smile", "no smile")
    library.save(tmp_path / "d.safetensors")
    again = DirectionLibrary.load(tmp_path / "d.safetensors", small.fingerprint)
    assert np.array_equal(again["smile"].direction_, library["smile"].direction_)
    assert (again["smile"].scale_, again["smile"].regions_) == (2.5, "region1") and len(again) == 1
    assert np.array_equal(again["smile"].local_.direction_, library["smile"].local_.direction_)
    assert again["smile"].prompts_ == ("a smile", "no smile") and again.described() == library.described()
    more = again.merged(DirectionLibrary({"bald": fitted(seed=2)}, small.fingerprint))
    assert list(more) == ["smile", "bald"] and more.cosines()["bald"]["bald"] == pytest.approx(1, abs=1e-4)
    with pytest.raises(LatentError, match="not of other"):
        DirectionLibrary.load(tmp_path / "d.safetensors", "other")
    with pytest.raises(UnknownName, match="smile"):
        again["bald"]


class TestStyleFlow:
    def test_the_condition_moves_its_attribute(self, flow, codes):
        before = flow.labeller(codes)
        edited = flow.labeller(flow["smile"].edit(codes, 0.5, "all"))
        assert ((edited - before)[:, 0] > 0.02).all() and (
            (edited - before)[:, 0] > (edited - before)[:, 1].abs()
        ).all()

    def test_later_edits_keep_what_earlier_ones_asked_for(self, flow, codes):
        one = flow["smile"].edit(codes, 0.4, "all")
        both = flow["beard"].edit(one, 0.3, "all")
        source, target = flow.conditions(both)
        torch.testing.assert_close(source, flow.labeller(codes))
        torch.testing.assert_close(target - source, torch.tensor([[0.4, 0.3]]).expand(3, 2))
        together = flow.transport(codes, source, target, "all")
        torch.testing.assert_close(both.data, together.data, rtol=0, atol=2e-3)

    def test_a_latent_that_something_else_has_edited_is_labelled_anew(self, flow, codes):
        other = fitted().edit(flow["smile"].edit(codes, 0.4, "all"), 1.0, "all")
        torch.testing.assert_close(flow.conditions(other)[0], flow.labeller(other))

    def test_a_value_is_asked_for(self, flow, codes):
        edited = flow["smile"].edit_to(codes[0], 0.9, "all")
        assert flow.conditions(edited)[1][0, 0].item() == pytest.approx(0.9, abs=1e-5)
        with pytest.raises(LatentError, match="one at a time"):
            flow["smile"].edit_to(codes, 0.9)

    def test_round_trip(self, flow, codes):
        scores = flow.labeller(codes)
        same = flow.transport(codes, scores, scores, "all")
        assert (same.data - codes.wplus().data).abs().max() < 1e-3

    def test_held_out_likelihood_beats_an_unconditional_gaussian(self, flow):
        standard = 0.5 * np.log(2 * np.pi * np.e)  # nats a feature of the codes' own distribution
        assert flow.report_.held_out == 60 and flow.report_.held_out_loss < standard + 0.05

    def test_its_file(self, flow, codes, tmp_path):
        flow.scales_["smile"], flow.regions_["smile"] = 1.0, "all"
        flow.save(tmp_path / "flow.safetensors")
        again = FlowLibrary.load(tmp_path / "flow.safetensors", flow.fingerprint)
        again.labeller = flow.labeller
        assert torch.equal(again["smile"].edit(codes, 0.5).data, flow["smile"].edit(codes, 0.5).data)
        assert again.described() == flow.described()
        with pytest.raises(LatentError, match="a flow file of generator"):
            FlowLibrary.load(tmp_path / "flow.safetensors", "other")

    def test_misuse(self, flow, codes, small):
        empty = FlowLibrary(("smile",))
        with pytest.raises(NotFitted, match="before fit"):
            empty["smile"].edit(codes, 1.0)
        with pytest.raises(UnknownName, match="attribute of the flow"):
            flow["bald"]
        with pytest.raises(LatentError, match=r"\(M, 1\)"):
            empty.fit(torch.zeros(8, 16), torch.zeros(8, 2))
        flow_without = FlowLibrary(("smile", "beard"))
        flow_without.flow_ = flow.flow_
        with pytest.raises(LatentError, match="labeller"):
            flow_without["smile"].edit(codes, 1.0)


class TestTransfer:
    @pytest.fixture
    def reference(self, small):
        return small.latent(torch.randn(1, 16, generator=torch.Generator().manual_seed(9)))

    def test_the_ends_are_exact(self, codes, reference):
        editor, rows = RegionTransfer(reference), codes.rows("region2")
        none, whole = editor.edit(codes, 0.0, "region2"), editor.edit(codes, 1.0, "region2")
        assert torch.equal(none.data, codes.wplus().data)
        assert torch.equal(whole.data[:, rows], reference.wplus().data[:, rows].expand(3, -1, -1))
        others = [r for r in range(codes.layout.rows) if r not in rows]
        assert torch.equal(whole.data[:, others], codes.wplus().data[:, others])

    def test_half_way_and_one_reference_each(self, codes, reference):
        half = RegionTransfer(reference, "pose").edit(codes, 0.5)
        rows = codes.rows("pose")
        middle = (codes.wplus().data + reference.wplus().data)[:, rows] / 2
        torch.testing.assert_close(half.data[:, rows], middle)
        own = RegionTransfer(codes).edit(codes, 0.7, "all")
        torch.testing.assert_close(own.data, codes.wplus().data)
        with pytest.raises(LatentError, match="2 references for 3 codes"):
            RegionTransfer(codes[:2]).edit(codes, 1.0)

    def test_texture_alone_keeps_the_coarse_mask(self, codes, reference, small):
        edited = RegionTransfer(reference).edit(codes, 1.0, "region1:texture,region2:texture")
        assert torch.equal(small(edited).coarse_segmentation, small(codes).coarse_segmentation)

    def test_references_of_another_generator_are_refused(self, codes):
        other = random_generator(seed=5)
        with pytest.raises(LatentError, match="belongs to generator"):
            RegionTransfer(other.latent(torch.randn(1, 16))).edit(codes, 1.0)
