"""Putting an edited crop back into the photo that it was cut from.

The crop goes through the inverse of its alignment, with a feathered border. Near the border its colours are shifted by
the smooth part of what the reconstruction missed there, so that no seam shows; the photo's pixels outside the crop, and
those where the feather is 0, keep their bytes.
"""

import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from semedit.errors import ImageError
from semedit.pictures.alignment import Alignment, cut
from semedit.pictures.tensors import to_tensor

#: Widths as shares of the crop's side: the feathered border, how far inward colours are matched, their smoothness.
FEATHER, REACH, SMOOTHNESS = 0.10, 0.35, 1 / 16


def paste_back(photo: Image.Image, alignment: Alignment, reconstruction: Tensor, edited: Tensor) -> Image.Image:
    """The photo (RGB) with ``edited`` (3, S, S) in [-1, 1] in the place of the crop that ``alignment`` describes.

    ``reconstruction`` (3, S, S) is what the unedited code shows: the photo's crop minus this is what colours near the
    border are corrected by. With ``edited`` equal to it the photo changes by what the reconstruction misses, or less.
    Raises ImageError for pictures of another size than the alignment's.
    """
    size = alignment.size
    for picture in (reconstruction, edited):
        if picture.shape != (3, size, size):
            raise ImageError(f"a picture of shape {tuple(picture.shape)}; the crop is (3, {size}, {size})")
    missed = to_tensor(cut(photo, alignment).crop) - reconstruction.cpu().float()
    inward = border_distance(crop_grid(size), size)
    near = 1 - smoothstep(inward / (REACH * size))
    patch = edited.cpu().float() + near * smooth(missed, SMOOTHNESS * size)
    return blend(photo, alignment, patch)


def blend(photo: Image.Image, alignment: Alignment, patch: Tensor) -> Image.Image:
    """The photo with a crop's picture (3, S, S) in [-1, 1] in its place, feathered towards the crop's border."""
    pixels, matrix, size = np.array(photo), np.array(alignment.matrix), alignment.size
    corners = np.array([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1]]) @ matrix.T
    left, top = np.floor(corners.min(0)).astype(int).clip(0)
    right, bottom = np.minimum(np.ceil(corners.max(0)).astype(int), (photo.width, photo.height))
    if left >= right or top >= bottom:
        return photo.copy()
    ys, xs = np.mgrid[top:bottom, left:right] + 0.5  # centres of the photo's pixels
    inverse = np.linalg.inv(matrix[:, :2])
    places = np.stack([xs - matrix[0, 2], ys - matrix[1, 2]], axis=-1) @ inverse.T
    grid = torch.from_numpy(places).float()  # (h, w, 2), in crop pixels
    warped = F.grid_sample(patch[None], grid[None] / size * 2 - 1, "bicubic", "border", align_corners=False)[0]
    mask = smoothstep(border_distance(grid, size) / (FEATHER * size))
    under = torch.from_numpy(pixels[top:bottom, left:right]).permute(2, 0, 1).float()
    over = (warped.clamp(-1, 1) + 1) * 127.5
    mixed = (under + mask * (over - under)).round().to(torch.uint8).permute(1, 2, 0).numpy()
    changed = mask.numpy() > 0
    pixels[top:bottom, left:right][changed] = mixed[changed]
    return Image.fromarray(pixels)


def crop_grid(size: int) -> Tensor:
    """Centres (S, S, 2) of a crop's pixels."""
    line = torch.arange(size) + 0.5
    return torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1)


def border_distance(places: Tensor, size: int) -> Tensor:
    """How far points (..., 2) lie inside a crop, in its pixels; negative outside."""
    return torch.minimum(places, size - places).amin(-1)


def smoothstep(t: Tensor) -> Tensor:
    """0 below 0, 1 above 1, and 3 t^2 - 2 t^3 between."""
    t = t.clamp(0, 1)
    return t * t * (3 - 2 * t)


def smooth(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of a picture (C, H, W), mirrored at the border."""
    radius = min(math.ceil(3 * sigma), image.shape[-1] - 1)
    x = torch.arange(-radius, radius + 1)
    kernel = torch.exp(-0.5 * (x / sigma) ** 2)
    kernel = (kernel / kernel.sum()).expand(image.shape[0], 1, -1)
    padded = F.pad(image[None], (radius,) * 4, mode="reflect")
    rows = F.conv2d(padded, kernel[:, :, None], groups=image.shape[0])
    return F.conv2d(rows, kernel[..., None], groups=image.shape[0])[0]
