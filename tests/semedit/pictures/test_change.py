"""Pasting the change of an edit: the photo keeps its bytes where nothing was edited, and its detail where it was."""

import numpy as np
import pytest
import torch
from PIL import Image

from semedit.errors import ConfigError, ImageError, UnknownName
from semedit.pictures.alignment import Alignment
from semedit.pictures.change import HOWS, paste_change, photo_weight, read_weight, soft_mask
from semedit.pictures.tensors import to_tensor

#: A crop of 64 px that covers 128 px of the photo, from (20, 30).
CROP = Alignment(((2.0, 0.0, 20.0), (0.0, 2.0, 30.0)), 64, "whole")


@pytest.fixture
def photo():
    return Image.fromarray(np.random.default_rng(0).integers(60, 200, (200, 180, 3), dtype=np.uint8))


@pytest.fixture
def weight(photo):
    inside = torch.zeros(64, 64, dtype=torch.bool)
    inside[28:36, 24:40] = True
    return photo_weight(photo.size, CROP, soft_mask(inside))


@pytest.mark.parametrize("how", HOWS)
def test_outside_the_mask_every_byte_stays(photo, weight, how):
    old, new = torch.zeros(3, 64, 64), torch.full((3, 64, 64), 0.8)
    pasted, own = np.asarray(paste_change(photo, CROP, old, new, weight, how)), np.asarray(photo)
    outside = weight.numpy() == 0
    assert np.array_equal(pasted[outside], own[outside]) and 0.5 < outside.mean() < 1
    assert not np.array_equal(pasted[~outside], own[~outside])


def test_no_change_is_no_change(photo, weight):
    same = torch.rand(3, 64, 64)
    assert paste_change(photo, CROP, same, same, weight).tobytes() == photo.tobytes()


def test_the_difference_keeps_the_photos_own_detail(photo, weight):
    """A change that is the same everywhere adds the same to every pixel: its grain is as before."""
    old, new = torch.zeros(3, 64, 64), torch.full((3, 64, 64), 0.2)
    change = to_tensor(paste_change(photo, CROP, old, new, weight)) - to_tensor(photo)
    torch.testing.assert_close(change[:, weight == 1], torch.tensor(0.2).expand(change[:, weight == 1].shape),
                               rtol=0, atol=0.01)  # fmt: skip


def test_the_mask_covers_its_region_and_ends():
    inside = torch.zeros(64, 64, dtype=torch.bool)
    inside[30:34, 30:34] = True
    mask = soft_mask(inside)
    assert (mask[inside] == 1).all() and (mask[:24] == 0).all() and (mask[40:] == 0).all()
    assert ((mask > 0) & (mask < 1)).any()


def test_masks_of_ones_own(photo):
    white = Image.new("L", photo.size, 255)
    inner = read_weight(white, photo.size, CROP)
    assert inner.max() == 1 and (inner[:30] == 0).all()  # the crop begins there
    assert read_weight(Image.new("L", photo.size, 0), photo.size, CROP).max() == 0
    assert torch.allclose(read_weight(Image.new("RGB", (32, 32), "white"), photo.size, CROP), inner, atol=1e-5)
    with pytest.raises(ConfigError, match="180x200"):
        read_weight(Image.new("L", (50, 60)), photo.size, CROP)


def test_what_does_not_fit_is_refused(photo, weight):
    small, right = torch.zeros(3, 32, 32), torch.zeros(3, 64, 64)
    with pytest.raises(ImageError, match="crop is"):
        paste_change(photo, CROP, right, small, weight)
    with pytest.raises(ImageError, match="the photo is"):
        paste_change(photo, CROP, right, right, weight[:-1])
    with pytest.raises(UnknownName, match="difference"):
        paste_change(photo, CROP, right, right, weight, "diff")
