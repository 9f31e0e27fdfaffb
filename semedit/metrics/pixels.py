"""Distances between pictures pixel by pixel."""

import torch
from torch import Tensor

from semedit.pictures.tensors import fit


def mse(a: Tensor, b: Tensor) -> Tensor:
    """Mean squared error (B,) on [-1, 1].

    >>> mse(torch.zeros(1, 3, 2, 2), torch.full((1, 3, 2, 2), 0.5))
    tensor([0.2500])
    """
    return (a - b).square().flatten(1).mean(1)


def psnr(a: Tensor, b: Tensor) -> Tensor:
    """Peak signal-to-noise ratio (B,) in dB, for the range [-1, 1] (peak to peak 2).

    >>> round(psnr(torch.zeros(1, 3, 2, 2), torch.full((1, 3, 2, 2), 0.02)).item(), 3)
    40.0
    """
    return 10 * torch.log10(4.0 / mse(a, b).clamp(min=1e-12))


def preservation(a: Tensor, b: Tensor, size: int | None = None) -> Tensor:
    """1 - mean absolute difference (B,) on [0, 1], at ``size`` px (default: that of the pictures).

    >>> preservation(torch.zeros(1, 3, 2, 2), torch.full((1, 3, 2, 2), 0.5))
    tensor([0.7500])
    """
    x, y = (picture if size is None else fit(picture, size) for picture in (a, b))
    return 1 - (x - y).abs().flatten(1).mean(1) / 2
