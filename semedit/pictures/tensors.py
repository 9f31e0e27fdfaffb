"""Pictures and label maps as tensors: conversions to and from Pillow and 8 bits, sizes, masks.

Pictures are (B, 3, H, W) or (3, H, W) in [-1, 1], RGB.
"""

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F


def to_tensor(image: Image.Image) -> Tensor:
    """(3, H, W) in [-1, 1] of an RGB picture."""
    return torch.from_numpy(np.asarray(image, dtype=np.float32) / 127.5 - 1).permute(2, 0, 1).contiguous()


def to_picture(image: Tensor) -> Image.Image:
    """Pillow picture of a tensor (3, H, W): trunc(127.5 clamp(x) + 127.5), as the official tools do."""
    return Image.fromarray(to_bytes(image.detach().float()).permute(1, 2, 0).cpu().numpy())


def to_bytes(images: Tensor) -> Tensor:
    """[-1, 1] -> uint8 as the official tools do: trunc(127.5 clamp(x) + 127.5)."""
    return images.clamp(-1, 1).mul(127.5).add(127.5).to(torch.uint8)


def quantise(image: Tensor) -> Tensor:
    """What a tensor becomes when it is saved as 8-bit and read back; measure on this."""
    return to_bytes(image.detach().float()).float() / 127.5 - 1


def enlarge(images: Tensor, factor: int) -> Tensor:
    """Pictures (B, 3, H, W) with every pixel ``factor`` times as wide and high."""
    return images.repeat_interleave(factor, 2).repeat_interleave(factor, 3)


def fit(images: Tensor, size: int) -> Tensor:
    """Resize square pictures to ``size`` px."""
    if images.shape[-1] == size:
        return images
    if images.shape[-1] > size:
        return F.adaptive_avg_pool2d(images, size)
    return F.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)


def one_hot_masks(labels: Tensor, regions: int) -> Tensor:
    """Labels (B, H, W) as masks (B, R, H, W): +1 for the pixel's region, -1 elsewhere; labels >= R have no region."""
    clipped = labels.long().clamp(max=regions)
    return F.one_hot(clipped, regions + 1)[..., :regions].permute(0, 3, 1, 2).float().mul_(2).sub_(1)


def to_images(pixels: Tensor) -> Tensor:
    """uint8 pictures as float32 in [-1, 1]."""
    return pixels.float() / 127.5 - 1
