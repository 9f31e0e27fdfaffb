"""Pasting the change of an edit, not its crop: the photo stays the photo's own wherever nothing was edited.

A weight in [0, 1] for each pixel of the photo says how much of the edit shows there: the edited regions, grown and
feathered, and faded out towards the crop's border. Where it is 0 the photo keeps its bytes. Within, ``difference`` adds
what the edit changed to the photo's own pixels, whose detail a small reconstruction does not have; ``replace`` puts
the edited picture there, matched in its colours.
"""

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from semedit.errors import ConfigError, ImageError, UnknownName
from semedit.pictures.alignment import Alignment, cut
from semedit.pictures.paste import FEATHER, SMOOTHNESS, border_distance, smooth, smoothstep
from semedit.pictures.tensors import to_images, to_tensor

#: What is put into the photo.
HOWS = ("difference", "replace")
#: How far an edited region is grown, and the width of its soft edge, as shares of the crop's side.
GROWN, SOFT = 0.02, 0.04


def soft_mask(inside: Tensor) -> Tensor:
    """Weights (S, S) of a mask (S, S) of truth values: grown by GROWN, then falling to 0 within SOFT.

    >>> soft_mask(torch.zeros(64, 64, dtype=torch.bool)).max()
    tensor(0.)
    """
    size = inside.shape[-1]
    grown, soft = (max(1, round(share * size)) for share in (GROWN, SOFT))
    mask = inside.float()[None, None]
    mask = F.max_pool2d(mask, 2 * (grown + soft // 2) + 1, stride=1, padding=grown + soft // 2)
    taps = 2 * (soft // 2) + 1
    for kernel in ((taps, 1), (1, taps)):
        padding = [side // 2 for side in (kernel[1], kernel[1], kernel[0], kernel[0])]
        mask = F.avg_pool2d(F.pad(mask, padding, mode="replicate"), kernel, stride=1)
    return smoothstep(mask[0, 0])


def photo_weight(size: tuple[int, int], alignment: Alignment, mask: Tensor) -> Tensor:
    """Weights (H, W) for a photo of ``size`` (width, height), of weights (S, S) for its crop."""
    weight = torch.zeros(size[1], size[0])
    if (found := _window(size, alignment)) is None:
        return weight
    rows, columns, grid = found
    weight[rows, columns] = _sampled(mask[None], grid, alignment.size, "bilinear")[0] * _fade(grid, alignment.size)
    return torch.where(weight < 1 / 512, 0.0, weight.clamp(0, 1))


def read_weight(image: Image.Image, size: tuple[int, int], alignment: Alignment) -> Tensor:
    """Weights (H, W) for a photo of a mask that somebody made: white where it may change.

    The mask is of the photo's size, or square and of the crop. Raises ConfigError for any other.
    """
    grey = to_images(torch.from_numpy(np.array(image.convert("L"))))[None] / 2 + 0.5
    if image.size == size:
        everywhere = photo_weight(size, alignment, torch.ones(alignment.size, alignment.size))
        return everywhere * grey[0]
    if image.width != image.height:
        wanted = f"{size[0]}x{size[1]}, as the photo, or square, as the crop"
        raise ConfigError(f"a mask of {image.width}x{image.height} px; it is {wanted}")
    side = (alignment.size, alignment.size)
    return photo_weight(size, alignment, F.interpolate(grey[None], side, mode="bilinear", antialias=True)[0, 0])


def paste_change(
    photo: Image.Image,
    alignment: Alignment,
    reconstruction: Tensor,
    edited: Tensor,
    weight: Tensor,
    how: str = "difference",
) -> Image.Image:
    """The photo (RGB) with the change from ``reconstruction`` to ``edited`` (3, S, S) in [-1, 1], by ``weight`` (H, W).

    ``how`` is "difference" or "replace". Pixels of weight 0 keep their bytes. Raises ImageError for pictures of another
    size than the alignment's or a weight of another size than the photo's, UnknownName for another ``how``.
    """
    size = alignment.size
    if any(picture.shape != (3, size, size) for picture in (reconstruction, edited)):
        raise ImageError(f"pictures of shape {tuple(edited.shape)}; the crop is (3, {size}, {size})")
    if weight.shape != (photo.height, photo.width):
        raise ImageError(f"a weight of shape {tuple(weight.shape)}; the photo is ({photo.height}, {photo.width})")
    if how not in HOWS:
        raise UnknownName("way of pasting a change", how, HOWS)
    if (found := _window(photo.size, alignment)) is None:
        return photo.copy()
    rows, columns, grid = found
    pixels, old, new = np.array(photo), reconstruction.cpu().float().clamp(-1, 1), edited.cpu().float().clamp(-1, 1)
    under = torch.from_numpy(pixels[rows, columns]).permute(2, 0, 1).float()
    if how == "difference":
        over = under + 127.5 * _sampled(new - old, grid, size, "bicubic")
    else:
        missed = smooth(to_tensor(cut(photo, alignment).crop) - old, SMOOTHNESS * size)
        over = (_sampled(new + missed, grid, size, "bicubic") + 1) * 127.5
    share = weight[rows, columns]
    mixed = (under + share * (over.clamp(0, 255) - under)).round().to(torch.uint8).permute(1, 2, 0).numpy()
    changed = share.numpy() > 0
    pixels[rows, columns][changed] = mixed[changed]
    return Image.fromarray(pixels)


def _window(size: tuple[int, int], alignment: Alignment) -> tuple[slice, slice, Tensor] | None:
    """The photo's rows and columns around a crop, and the places (h, w, 2) of their pixels in it; None if there are
    none."""
    matrix, side = np.array(alignment.matrix), alignment.size
    corners = np.array([[0, 0, 1], [side, 0, 1], [0, side, 1], [side, side, 1]]) @ matrix.T
    left, top = np.floor(corners.min(0)).astype(int).clip(0)
    right, bottom = np.minimum(np.ceil(corners.max(0)).astype(int), size)
    if left >= right or top >= bottom:
        return None
    ys, xs = np.mgrid[top:bottom, left:right] + 0.5  # centres of the photo's pixels
    places = np.stack([xs - matrix[0, 2], ys - matrix[1, 2]], axis=-1) @ np.linalg.inv(matrix[:, :2]).T
    return slice(top, bottom), slice(left, right), torch.from_numpy(places).float()


def _sampled(picture: Tensor, grid: Tensor, size: int, mode: str) -> Tensor:
    """A crop's picture (C, S, S) at places (h, w, 2) in it: (C, h, w)."""
    return F.grid_sample(picture[None], grid[None] / size * 2 - 1, mode, "border", align_corners=False)[0]


def _fade(grid: Tensor, size: int) -> Tensor:
    """1 inside a crop, falling to 0 at its border."""
    return smoothstep(border_distance(grid, size) / (FEATHER * size))
