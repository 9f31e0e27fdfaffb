"""The layout of codes: the published order of rows, and its laws."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from semedit.errors import LatentError
from semedit.latents.layout import LatentLayout

LAYOUT = LatentLayout(2, 13, 6, 10)


@st.composite
def layouts(draw) -> LatentLayout:
    depth = draw(st.integers(1, 6))
    base = draw(st.integers(0, depth))
    return LatentLayout(base, draw(st.integers(1, 6)), depth, depth + draw(st.integers(0, 4)), draw(st.booleans()))


def test_expansion_follows_the_spec():
    index = LAYOUT.row_index()
    assert index[:10] == [2, 2, 2, 2, 2, 2, 3, 3, 3, 3]
    assert index[10:20] == [0, 1, 4, 4, 4, 4, 5, 5, 5, 5] and len(index) == 130


@given(layouts())
def test_each_layer_copies_a_row_of_its_own_region_or_a_base_row(layout):
    index = layout.row_index()
    assert len(index) == layout.expanded_rows
    for layer, row in enumerate(index):
        region, place = divmod(layer, layout.local_layers)
        own = layout.base_rows + 2 * region
        if place >= layout.depth_layers:
            assert row == own + 1  # colours: the texture row
        elif place < layout.base_rows and (region or layout.background_pose):
            assert row == place
        else:
            assert row == own


@given(layouts(), st.integers(1, 3))
def test_expansion_is_the_same_from_each_space(layout, batch):
    w = torch.randn(batch, 4)
    wplus = layout.wplus(w)
    assert wplus.shape == (batch, layout.rows, 4) and torch.equal(wplus, w[:, None].expand_as(wplus))
    wplus = torch.randn(batch, layout.rows, 4)
    expanded = layout.expand(wplus)
    assert expanded.shape == (batch, layout.regions, layout.local_layers, 4)
    assert torch.equal(expanded.flatten(1, 2), wplus[:, layout.row_index()])
    if layout.expanded_rows != layout.rows:
        assert torch.equal(layout.expand(expanded.flatten(1, 2)), expanded)
    assert torch.equal(layout.expand(w), layout.expand(layout.wplus(w)))


@given(layouts(), st.lists(st.integers(1, 80), min_size=1, max_size=4))
def test_a_shape_means_one_space_or_is_refused(layout, shape):
    data = torch.empty(shape)
    spaces = {2: "w"} if len(shape) == 2 else {}
    if len(shape) == 3:
        spaces = {layout.expanded_rows: "expanded", layout.rows: "w+"}
    key = 2 if len(shape) == 2 else shape[1] if len(shape) == 3 else None
    if key in spaces:
        assert layout.space_of(data) == spaces[key]
    else:
        with pytest.raises(LatentError, match=rf"\(B, {layout.rows}, D\)"):
            layout.space_of(data)
