"""Regions chosen by hand: what a click does, what is asked for, what is outlined."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from semedit.errors import ConfigError, UnknownName
from semedit.latents.regions import CELEBAMASK
from semedit.ui.choice import Choice, outline, region_at

NAMES = (*CELEBAMASK.names, "pose")


@given(st.sets(st.sampled_from(NAMES), min_size=1), st.sampled_from(("both", "shape", "texture")))
def test_the_text_selects_what_is_chosen(names, part):
    """Whatever is chosen, the library reads the same out of the text."""
    choice = Choice(CELEBAMASK, part=part).of(names)
    selection = CELEBAMASK.select(choice.text)
    assert selection.base == ("pose" in names)
    assert {CELEBAMASK.names[i] for i in selection.regions} == names - {"pose"}
    assert set(selection.parts.values()) <= {part}


def test_a_click_chooses_and_a_second_one_leaves():
    one = Choice(CELEBAMASK).clicked("hair")
    assert one.names == ("hair",) and one.clicked("nose").names == ("nose",) and not one.clicked("hair")
    two = one.clicked("nose", more=True)
    assert set(two.names) == {"hair", "nose"} and two.clicked("hair", more=True).names == ("nose",)


def test_groups_and_all():
    assert set(Choice(CELEBAMASK).of({"face"}).names) == set(CELEBAMASK.groups["face"])
    everything = Choice(CELEBAMASK).of({"all"})
    assert set(everything.names) == set(NAMES) and everything.text == "all"
    with pytest.raises(UnknownName):
        Choice(CELEBAMASK).of({"horns"})


def test_pose_alone_cannot_be_moved():
    with pytest.raises(ConfigError, match="click on it"):
        _ = Choice(CELEBAMASK).of({"pose"}).movable
    assert Choice(CELEBAMASK, part="shape").of({"hair", "pose"}).movable == "hair"


@pytest.mark.parametrize("x, y, label", [(0, 0, 0), (0.99, 0.99, 3), (1.0, 0.0, 1), (-2, 7, 2)])
def test_places_are_read_within_the_picture(x, y, label):
    labels = torch.tensor([[0, 1], [2, 3]]).repeat_interleave(4, 0).repeat_interleave(4, 1)
    assert region_at(labels, CELEBAMASK, x, y) == CELEBAMASK.names[label]


def test_an_outline_runs_along_the_border_alone():
    labels = torch.zeros(32, 32, dtype=torch.long)
    labels[8:24, 8:24] = 1
    alpha = np.array(outline(labels, (1,), 128))[..., 3]
    assert alpha[64, 32] and alpha[32, 64] and not alpha[64, 64] and not alpha[4, 4]
    assert not np.array(outline(labels, (5,), 128)).any()
