"""What stands in for a measure whose network is left out by choice, under a protocol id that says so."""

from collections.abc import Callable
from functools import cache
from typing import Any, Self

import torch
from torch import Tensor

from semedit.metrics.pixels import mse


class PixelDistance:
    """Squared distance of pixels, instead of a perceptual network."""

    protocol = "mse[-1,1], no perceptual network"

    def to(self, device: torch.device) -> Self:  # noqa: ARG002
        """This object: it has no network."""
        return self

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Mean squared difference (B,) of picture pairs (B, 3, H, W) in [-1, 1]; differentiable."""
        return mse(a, b)


class Unidentified:
    """No measure of identity: NaN for every pair."""

    protocol = "none"
    threshold: float | None = None

    def to(self, device: torch.device) -> Self:  # noqa: ARG002
        """This object: it has no network."""
        return self

    def identity(self, a: Tensor, b: Tensor) -> Tensor:  # noqa: ARG002
        """NaN (B,)."""
        return torch.full((len(a),), float("nan"), device=a.device)


@cache
def _pixels() -> PixelDistance:
    return PixelDistance()


@cache
def _nobody() -> Unidentified:
    return Unidentified()


#: Measure -> what opens its stand-in.
WITHOUT: dict[str, Callable[[], Any]] = {"perceptual": _pixels, "identity": _nobody}
