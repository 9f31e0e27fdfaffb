"""Squared error in CIELAB, inside and outside a region: Editing in Style (Collins et al. 2020), figure 7.

The paper's released code multiplies linear RGB by the transpose of the matrix of sRGB. Numbers made by it are told from
those of the correct conversion by their protocol: ``cielab-official`` and ``cielab``.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Conversion = Literal["official", "correct"]
#: Linear sRGB to XYZ, for the white of D65.
MATRIX = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
WHITE = (95.047, 100.0, 108.883)


def protocol(conversion: Conversion, size: int | None = None) -> str:
    """What numbers of a conversion are called, of pictures of ``size`` px.

    >>> protocol("official", 128)
    'cielab-official@128'
    """
    name = "cielab" if conversion == "correct" else f"cielab-{conversion}"
    return name if size is None else f"{name}@{size}"


def to_lab(images: Tensor, conversion: Conversion = "correct") -> Tensor:
    """L, a, b (B, 3, H, W), L in 0..100, of sRGB pictures (B, 3, H, W) in [-1, 1], clamped to it.

    "official" is the conversion of the released code, whose white is (107.0, -90.9, 5.3).

    >>> to_lab(torch.ones(1, 3, 1, 1)).flatten().round(decimals=2).abs().tolist()
    [100.0, 0.0, 0.0]
    """
    srgb = (images.clamp(-1, 1) + 1) / 2
    linear = torch.where(srgb > 0.04045, ((srgb + 0.055) / 1.055) ** 2.4, srgb / 12.92)
    matrix = torch.tensor(MATRIX).to(images)
    if conversion == "official":
        matrix = matrix.T
    xyz = 100 * torch.einsum("xc,bchw->bxhw", matrix, linear)
    ratio = xyz / torch.tensor(WHITE).to(images)[:, None, None]
    f = torch.where(ratio > 0.008856, ratio.clamp(min=1e-12) ** (1 / 3), 7.787 * ratio + 16 / 116)
    x, y, z = f.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def error_map(a: Tensor, b: Tensor, conversion: Conversion = "correct") -> Tensor:
    """Squared error (B, H, W) of pictures (B, 3, H, W) in [-1, 1]: the mean over L, a, b in 8-bit units, over 255^2.

    L counts 2.55-fold, so that all three have steps of the same size in 8 bits.
    """
    scale = torch.tensor([2.55, 1.0, 1.0]).to(a)[:, None, None]
    return (scale * (to_lab(a, conversion) - to_lab(b, conversion)) / 255).square().mean(1)


@dataclass(frozen=True)
class RegionError:
    """Mean squared errors (B,): inside a region, and outside; NaN where there is no such pixel."""

    inside: Tensor
    outside: Tensor


def region_error(a: Tensor, b: Tensor, mask: Tensor, conversion: Conversion = "correct") -> RegionError:
    """In-MSE and Out-MSE of pictures (B, 3, H, W) in [-1, 1] and a mask (1 or B, 1, H, W), inside where above 0.5."""
    errors, inside = error_map(a, b, conversion), (mask[:, 0] > 0.5).expand(len(a), -1, -1)

    def mean(chosen: Tensor) -> Tensor:
        return (errors * chosen).flatten(1).sum(1) / chosen.flatten(1).sum(1)

    return RegionError(mean(inside), mean(~inside))
