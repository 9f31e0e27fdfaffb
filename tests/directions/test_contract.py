"""The contract that every editor keeps, and that of those that learn."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from directions import (
    EDITORS,
    METHODS,
    Calibration,
    DragConfig,
    Dragging,
    EditorLibrary,
    FlowEditor,
    FlowLibrary,
    FlowTraining,
    GANSpace,
    InterFaceGAN,
    RegionMasked,
    RegionTransfer,
    StyleClip,
    StyleClipConfig,
)
from semedit.errors import ConfigError, UnknownName
from semedit.networks.generator import SemanticGenerator
from semedit.protocols import Editor
from tests.directions.conftest import fitted

#: Method -> what makes one of its editors, from a generator of SMALL and fixtures by name.
MAKERS: dict[str, Callable[[SemanticGenerator, pytest.FixtureRequest], Editor]] = {
    "interfacegan": lambda *_: fitted(),
    "styleflow": lambda _, request: request.getfixturevalue("flow")["smile"],
    "styleclip": lambda small, request: StyleClip(
        "purple hair", small, request.getfixturevalue("tiny_clip"), config=StyleClipConfig(steps=4)
    ),
    "drag": lambda small, _: Dragging(small, [(0.5, 0.5)], [(0.8, 0.5)], config=DragConfig(steps=3)),
    "ganspace": lambda small, _: GANSpace.of_generator(small, components=3, samples=200)["pc1"],
    "transfer": lambda small, _: RegionTransfer(
        small.latent(torch.randn(1, 16, generator=torch.Generator().manual_seed(8)))
    ),
}


@pytest.fixture(params=sorted(METHODS))
def editor(request, small):
    return MAKERS[request.param](small, request)


def same(editor, a: torch.Tensor, b: torch.Tensor, tolerance: float = 0.0) -> None:
    """Equal; a flow's codes to the accuracy of its solver, whose steps depend on everything in the batch; optimised
    ones to that of sums in another order, which Adam's first steps magnify."""
    loose = {FlowEditor: 2e-3, StyleClip: 5e-3, Dragging: 5e-3}.get(type(editor), tolerance)
    torch.testing.assert_close(a, b, rtol=0, atol=loose)


class TestContract:
    """What every editor of the registry must do."""

    def test_strengths_that_are_no_numbers_or_beyond_all_pictures_are_refused(self, editor, codes):
        for strength in (float("nan"), float("inf"), 1e39, -1e30, "1", None):
            with pytest.raises(ConfigError, match="the strength of an edit"):
                editor.edit(codes, strength)

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
        if isinstance(editor, StyleClip | RegionTransfer | Dragging):
            pytest.skip("a search, and a way to a reference, have no opposite")
        there_and_back = editor.edit(editor.edit(codes, 1.0, "all"), -1.0, "all")
        same(editor, there_and_back.data, codes.wplus().data, 1e-6)
        assert [event["strength"] for event in there_and_back.history] == [1.0, -1.0]

    def test_a_batch_equals_one_by_one(self, editor, codes):
        together = editor.edit(codes, 1.0, "region1")
        for index in range(3):
            same(editor, together.data[index], editor.edit(codes[index], 1.0, "region1").data[0])

    def test_region_masking_wraps_it(self, editor, codes):
        if isinstance(editor, Dragging):
            pytest.skip("what it holds, and so its search, depends on what else may change")
        wrapped = RegionMasked(editor, "region1").edit(codes, 1.0)
        same(editor, wrapped.data, editor.edit(codes, 1.0, "region1").data)

    def test_the_way_back_is_exact(self, editor, codes, tmp_path):
        editor.edit(editor.edit(codes, 1.0, "region1"), 0.5, "region2").save(tmp_path / "l.safetensors")
        loaded = type(codes).load(tmp_path / "l.safetensors")
        assert torch.equal(loaded.undo(2).data, codes.data) and len(loaded.undo().history) == 1

    def test_unknown_regions_are_refused(self, editor, codes):
        with pytest.raises(UnknownName, match="region1"):
            editor.edit(codes, 1.0, "mouht")


def everything(learner: object) -> dict[str, object]:
    """What a learner has learnt, as plain values."""

    def plain(value: object) -> object:
        if isinstance(value, torch.nn.Module):
            return {name: tensor.tolist() for name, tensor in value.state_dict().items()}
        return value.tolist() if isinstance(value, np.ndarray | torch.Tensor) else value

    return {name: plain(value) for name, value in vars(learner).items() if name.endswith("_")}


def interfacegan(seed: int) -> tuple[InterFaceGAN, tuple[np.ndarray, np.ndarray]]:
    codes = np.random.default_rng(seed).normal(size=(300, 6)).astype(np.float32)
    return InterFaceGAN("smile", chosen=0.2, regions="region1"), (codes, codes[:, seed % 6].copy())


def styleflow(seed: int) -> tuple[FlowLibrary, tuple[torch.Tensor, torch.Tensor]]:
    codes = torch.randn(80, 6, generator=torch.Generator().manual_seed(seed))
    training = FlowTraining(epochs=1, batch=32)
    return FlowLibrary(("smile",), "a", training=training), (codes, torch.sigmoid(codes[:, :1]))


#: Method -> what makes the object that learns it, and data to learn from, by a seed.
LEARNERS: dict[str, Callable[[int], Any]] = {"interfacegan": interfacegan, "styleflow": styleflow}


@pytest.mark.parametrize("method", EDITORS)
def test_fitting_twice_equals_fitting_once(method):
    """One object fitted on other data first, or on the same again, is as one that was fitted once."""
    learner, data = LEARNERS[method](1)
    options = {name: value for name, value in vars(learner).items() if not name.endswith("_") and name[0] != "_"}
    once = everything(learner.fit(*data))
    assert once and everything(learner.fit(*data)) == once
    learner.fit(*LEARNERS[method](2)[1])
    assert everything(learner) != once and everything(learner.fit(*data)) == once
    assert all(getattr(learner, name) is value for name, value in options.items())  # fit leaves what was given alone


@pytest.mark.parametrize("method", EDITORS)
def test_calibrating_and_preserving_leave_an_editor_as_it_was(method):
    (learner, data), (other, others) = LEARNERS[method](1), LEARNERS[method](2)
    before = everything(learner.fit(*data))
    editor, held = (one["smile"] if isinstance(one, EditorLibrary) else one for one in (learner, other.fit(*others)))
    own = editor.calibration_
    editor.preserving([held])
    made = editor.calibrated(Calibration("region2", 3.0, 2.0))
    assert (made.regions_, made.scale_, made.unmasked_scale_, made.study_) == ("region2", 3.0, 2.0, None)
    assert (made.with_scale(5.0).scale_, made.with_scale(5.0).unmasked_scale_) == (5.0, 5.0)
    assert everything(learner) == before and editor.calibration_ == own
