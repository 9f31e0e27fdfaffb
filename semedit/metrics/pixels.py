"""Distances between pictures pixel by pixel."""

import torch
from torch import Tensor


def mse(a: Tensor, b: Tensor) -> Tensor:
    """Mean squared error (B,) on [-1, 1]."""
    return (a - b).square().flatten(1).mean(1)


def psnr(a: Tensor, b: Tensor) -> Tensor:
    """Peak signal-to-noise ratio (B,) in dB, for the range [-1, 1] (peak to peak 2)."""
    return 10 * torch.log10(4.0 / mse(a, b).clamp(min=1e-12))
