"""Part transfer: rows taken over from other codes."""

import pytest
import torch

from directions import RegionTransfer
from semedit.errors import LatentError
from tests.conftest import random_generator


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
