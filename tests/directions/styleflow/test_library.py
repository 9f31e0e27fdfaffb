"""StyleFlow on codes: conditions, edits of edits, likelihood, its file."""

import copy

import numpy as np
import pytest
import torch

from directions import FlowLibrary
from semedit.errors import LatentError, NotFitted, UnknownName
from tests.directions.conftest import brightness, fitted


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

    def test_an_edit_by_other_means_in_between_keeps_the_conditions(self, flow, codes):
        """What was asked of the flow before still holds, and the other edit is kept as part of the person."""
        one = flow["smile"].edit(codes, 0.4, "all")
        other = fitted().edit(one, 1.0, "all")
        for found, expected in zip(flow.conditions(other), flow.conditions(one), strict=True):
            torch.testing.assert_close(found, expected)
        both = flow["beard"].edit(other, 0.3, "all")
        source, target = flow.conditions(both)
        torch.testing.assert_close(target - source, torch.tensor([[0.4, 0.3]]).expand(3, 2))
        back = flow["beard"].edit(both, -0.3, "all")
        torch.testing.assert_close(back.data, other.wplus().data, rtol=0, atol=2e-3)

    def test_a_latent_that_only_others_have_edited_is_labelled(self, flow, codes):
        other = fitted().edit(codes, 1.0, "all")
        torch.testing.assert_close(flow.conditions(other)[0], flow.labeller(other))

    def test_codes_are_labelled_once_for_all_strengths(self, flow, codes, monkeypatch):
        seen = []
        monkeypatch.setattr(flow, "labeller", lambda latent: seen.append(len(latent)) or brightness(latent))
        monkeypatch.setattr(flow, "_labelled", None)
        one, two = (flow["smile"].edit(codes, strength, "all") for strength in (0.2, 0.4))
        assert seen == [3] and not torch.equal(one.data, two.data)
        flow["smile"].edit(codes.take([0, 1]), 0.2, "all")
        assert seen == [3, 2]

    def test_codes_are_encoded_once_for_all_edits_of_them(self, flow, codes, monkeypatch):
        encode, seen = flow.flow_.encode, []
        monkeypatch.setattr(flow.flow_, "encode", lambda x, here: seen.append(len(x)) or encode(x, here))
        monkeypatch.setattr(flow, "_encoded", None)
        first = flow["smile"].edit(codes, 0.4, "all")
        flow["beard"].edit(codes, 0.3, "all")
        flow["smile"].edit(codes, 0.2, "all")
        assert seen == [3]
        flow["beard"].edit(first, 0.3, "all")
        flow["smile"].edit(codes.take([0, 1]), 0.4, "all")
        assert seen == [3, 3, 2]
        assert torch.equal(flow["smile"].edit(codes, 0.4, "all").data, first.data) and seen == [3, 3, 2, 3]

    def test_another_flow_does_not_take_what_the_last_one_encoded(self, flow, codes):
        here, there = flow.labeller(codes), flow.labeller(codes) + 0.2
        before = flow.transport(codes, here, there, "all")
        other = copy.deepcopy(flow)
        other.flow_ = copy.deepcopy(flow.flow_)
        with torch.no_grad():
            other.flow_.field.layers[0].linear.bias += 0.5
        fresh = copy.deepcopy(other)
        fresh._encoded = None
        assert torch.equal(
            other.transport(codes, here, there, "all").data, fresh.transport(codes, here, there, "all").data
        )
        assert not torch.equal(before.data, fresh.transport(codes, here, there, "all").data)

    def test_round_trip(self, flow, codes):
        scores = flow.labeller(codes)
        same = flow.transport(codes, scores, scores, "all")
        assert (same.data - codes.wplus().data).abs().max() < 1e-3

    def test_held_out_likelihood_beats_an_unconditional_gaussian(self, flow):
        standard = 0.5 * np.log(2 * np.pi * np.e)  # nats a feature of the codes' own distribution
        assert flow.report_.held_out == 60 and flow.report_.held_out_loss < standard + 0.05

    @pytest.mark.parametrize("target", [[0.5], [0.1, 0.2, 0.3], {}, None, ["nan", 0.5], "much"])
    def test_conditions_of_another_flow_or_none_are_refused(self, flow, codes, target):
        """A latent's file says what it was brought to, and may be anybody's."""
        other = codes.annotated(styleflow_source=[0.5, 0.5], styleflow_target=target)
        with pytest.raises(LatentError, match=r"styleflow_target|attributes, and this one is under 2"):
            flow["smile"].edit(other, 0.5)

    def test_its_file(self, flow, codes, tmp_path):
        flow.save(tmp_path / "flow.safetensors")
        again = FlowLibrary.load(tmp_path / "flow.safetensors", flow.fingerprint)
        again.labeller = flow.labeller
        assert torch.equal(again["smile"].edit(codes, 0.5).data, flow["smile"].edit(codes, 0.5).data)
        assert again.described() == flow.described()
        with pytest.raises(LatentError, match="a flow file of generator"):
            FlowLibrary.load(tmp_path / "flow.safetensors", "other")

    def test_misuse(self, flow, codes, tmp_path):
        empty = FlowLibrary(("smile",))
        with pytest.raises(NotFitted, match="before fit"):
            empty["smile"].edit(codes, 1.0)
        with pytest.raises(UnknownName, match="attribute of the flow"):
            flow["bald"]
        with pytest.raises(LatentError, match=r"\(M, 1\)"):
            empty.fit(torch.zeros(8, 16), torch.zeros(8, 2))
        flow.save(tmp_path / "flow.safetensors")
        flow_without = FlowLibrary.load(tmp_path / "flow.safetensors")
        with pytest.raises(LatentError, match="labeller"):
            flow_without["smile"].edit(codes, 1.0)
