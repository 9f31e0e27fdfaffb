"""The exponential moving average of a network's weights."""

import torch
from torch import nn


@torch.no_grad()
def update_ema(average: nn.Module, current: nn.Module, decay: float) -> None:
    """p_ema <- decay p_ema + (1 - decay) p for parameters; buffers (the noise maps) stay their own."""
    pairs = zip(average.parameters(), current.parameters(), strict=True)
    targets, sources = (list(group) for group in zip(*pairs, strict=True))
    torch._foreach_lerp_(targets, sources, 1 - decay)
