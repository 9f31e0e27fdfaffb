"""What exporters and other runtimes need to write a network down: a copy that can be traced, codes to trace it with."""

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from semedit.networks.style_based import StyleBasedGenerator


def traceable(network: nn.Module) -> nn.Module:
    """A copy whose graph can be written down.

    Frozen networks remember folded weights by their addresses, which a tracer has none of; where a gradient is wanted
    nothing is remembered.
    """
    return copy.deepcopy(network).cpu().eval().requires_grad_(True)


def drawn_codes(generator: StyleBasedGenerator, batch: int, seed: int) -> Tensor:
    """Codes (B, L, D) of random people."""
    z = torch.randn(batch, generator.config.style_dim, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return generator.mapping(z.to(generator.device))[:, None].repeat(1, generator.layout.rows, 1)


@contextmanager
def quietly() -> Iterator[None]:
    """Without what the exporters report of their own steps."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
