"""Distances between pictures pixel by pixel."""

import torch
from torch import Tensor


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
