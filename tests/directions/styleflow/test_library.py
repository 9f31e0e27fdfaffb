"""StyleFlow on codes: conditions, edits of edits, likelihood, its file."""

import numpy as np
import pytest
import torch

from directions import FlowLibrary
from semedit.errors import LatentError, NotFitted, UnknownName
from tests.directions.conftest import fitted


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

    def test_round_trip(self, flow, codes):
        scores = flow.labeller(codes)
        same = flow.transport(codes, scores, scores, "all")
        assert (same.data - codes.wplus().data).abs().max() < 1e-3

    def test_held_out_likelihood_beats_an_unconditional_gaussian(self, flow):
        standard = 0.5 * np.log(2 * np.pi * np.e)  # nats a feature of the codes' own distribution
        assert flow.report_.held_out == 60 and flow.report_.held_out_loss < standard + 0.05

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
