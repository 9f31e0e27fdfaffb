"""How much each channel of each layer acts in each region: the matrix M of Editing in Style (equation 1)."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from semedit.errors import ConfigError

Resize = Literal["nearest", "bilinear"]
#: Keeps the variance of a channel that does not vary away from zero.
EPSILON = 1e-8


def resize_maps(maps: Tensor, size: tuple[int, int], mode: Resize) -> Tensor:
    """Maps (N, K, H, W) at ``size`` (h, w): "nearest" as in the released code, "bilinear" as in the paper.

    Raises ConfigError for another mode.
    """
    if mode not in ("nearest", "bilinear"):
        raise ConfigError(f"maps are resized by 'nearest' or 'bilinear', not '{mode}'")
    if tuple(maps.shape[-2:]) == tuple(size):
        return maps
    return F.interpolate(maps, size=size, mode=mode, align_corners=False if mode == "bilinear" else None)


def normalised(features: Tensor, over: Literal["image", "set"] = "image") -> Tensor:
    """Features (N, C, h, w) with zero mean and unit population variance of each channel.

    ``over`` "image": within each picture, as instance normalisation does; "set": over all pictures together.
    Raises ConfigError for anything else.
    """
    if over not in ("image", "set"):
        raise ConfigError(f"features are normalised within each 'image' or over the 'set', not '{over}'")
    dims = (2, 3) if over == "image" else (0, 2, 3)
    variance, mean = torch.var_mean(features, dims, correction=0, keepdim=True)
    return (features - mean) * torch.rsqrt(variance + EPSILON)


def shares(normal: Tensor, memberships: Tensor) -> Tensor:
    """M of each picture by itself, (N, K, C): the mean over its pixels of A^2 U.

    ``normal`` (N, C, h, w) are normalised features, ``memberships`` (N, K, h, w). Differentiable.
    """
    pixels = normal.shape[-2] * normal.shape[-1]
    return torch.bmm(memberships.flatten(2), normal.square().flatten(2).transpose(1, 2)) / pixels


def contributions(
    features: Sequence[Tensor],
    memberships: Tensor,
    *,
    resize: Resize = "nearest",
    normalise: Literal["image", "set"] = "image",
) -> tuple[Tensor, ...]:
    """M of each layer, (K, C_l): the mean over pictures and pixels of A^2 U (equation 1).

    features: (N, C_l, h_l, w_l), what each layer reads; memberships: (N, K, H, W), brought to each layer's size by
    ``resize``. ``normalise`` says over what the features get zero mean and unit variance, which the paper leaves open;
    M of memberships that make up the whole picture then sums to one over them. Raises ConfigError for an unknown word.
    """
    found = []
    for layer in features:
        maps = resize_maps(memberships.to(layer), (layer.shape[2], layer.shape[3]), resize)
        found.append(shares(normalised(layer, normalise), maps).mean(0))
    return tuple(found)
