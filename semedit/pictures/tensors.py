"""Pictures and label maps as tensors: conversions to and from Pillow and 8 bits, sizes, masks.

Pictures are (B, 3, H, W) or (3, H, W) in [-1, 1], RGB.
"""

from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F


def to_tensor(image: Image.Image) -> Tensor:
    """(3, H, W) in [-1, 1] of an RGB picture."""
    return to_images(torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous())


def to_picture(image: Tensor) -> Image.Image:
    """Pillow picture of a tensor (3, H, W): trunc(127.5 clamp(x) + 127.5), as the official tools do."""
    return Image.fromarray(to_bytes(image.detach().float()).permute(1, 2, 0).cpu().numpy())


def to_bytes(images: Tensor) -> Tensor:
    """[-1, 1] -> uint8 as the official tools do: trunc(127.5 clamp(x) + 127.5).

    >>> to_bytes(torch.tensor([-1.0, 0.0, 1.5]))
    tensor([  0, 127, 255], dtype=torch.uint8)
    """
    return images.clamp(-1, 1).mul(127.5).add(127.5).to(torch.uint8)


def quantise(image: Tensor) -> Tensor:
    """What a tensor becomes when it is saved as 8-bit and read back; measure on this."""
    return to_images(to_bytes(image.detach().float()))


def enlarge(images: Tensor, factor: int) -> Tensor:
    """Pictures (..., H, W) with every pixel ``factor`` times as wide and high.

    >>> enlarge(torch.tensor([[1, 2]]), 2)
    tensor([[1, 1, 2, 2],
            [1, 1, 2, 2]])
    """
    return images.repeat_interleave(factor, -2).repeat_interleave(factor, -1)


#: How pictures that are smaller than a network's input come to its size: smoothly, or, as the official tools pool
#: whatever they are given, by adaptive average pooling (each pixel the mean of those that it overlaps).
Enlarging = Literal["bilinear", "pool"]


def fit(images: Tensor, size: int, enlarging: Enlarging = "bilinear") -> Tensor:
    """Resize square pictures to ``size`` px: larger ones by area, smaller ones as ``enlarging`` says.

    >>> fit(torch.zeros(2, 3, 64, 64), 16).shape
    torch.Size([2, 3, 16, 16])
    >>> fit(torch.tensor([[[[-1.0, 1.0]] * 2]]), 4, "pool")[0, 0, 0]
    tensor([-1., -1.,  1.,  1.])
    """
    if images.shape[-1] == size:
        return images
    if images.shape[-1] > size or enlarging == "pool":
        return F.adaptive_avg_pool2d(images, size)
    return F.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)


def one_hot_masks(labels: Tensor, regions: int) -> Tensor:
    """Labels (B, H, W) as masks (B, R, H, W): +1 for the pixel's region, -1 elsewhere; labels >= R have no region.

    >>> one_hot_masks(torch.tensor([[[0, 1, 2]]]), regions=2)[0, :, 0]
    tensor([[ 1., -1., -1.],
            [-1.,  1., -1.]])
    """
    clipped = labels.long().clamp(max=regions)
    return F.one_hot(clipped, regions + 1)[..., :regions].permute(0, 3, 1, 2).float().mul_(2).sub_(1)


def to_images(pixels: Tensor) -> Tensor:
    """uint8 pictures as float32 in [-1, 1].

    >>> to_images(torch.tensor([0, 255], dtype=torch.uint8))
    tensor([-1.,  1.])
    """
    return pixels.float() / 127.5 - 1
